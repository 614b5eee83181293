"""Drafts a migration from the difference between the models and the migrations there are.

    python -m workers.store.migrations.draft 0001 initial        before the first release: the only one, anew
    python -m workers.store.migrations.draft 0002 refund-tables  afterwards: what it adds to the others

The draft is for reading and correcting; what Alembic cannot see (triggers, data) is added by hand in its
`upgrade()`, best by calling a function of a module beside it.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from alembic import command

from workers.store import schema
from workers.store.database import Database


def draft(revision: str, name: str) -> Path:
    """Writes versions/<revision>_<name>.py and returns its path.

    Args:
        revision: four digits, one more than the last; "0001" replaces the initial migration.
        name: kebab words that say what it brings.
    """
    slug = name.replace("-", "_")
    target = schema.MIGRATIONS / "versions" / f"{revision}_{slug}.py"
    target.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        database = Database.in_folder(Path(folder))
        try:
            if revision != "0001":
                schema.upgrade(database)
            with database.engine.begin() as connection:
                command.revision(
                    schema.configuration(connection),
                    message=name.replace("-", " ").capitalize(),
                    autogenerate=True,
                    rev_id=revision,
                )
        finally:
            database.close()
    return target


if __name__ == "__main__":
    print(draft(*sys.argv[1:3]))
