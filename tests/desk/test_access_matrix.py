"""Every role × every route × own and other region is answered as docs/access-matrix.md says."""

from __future__ import annotations

from tests.desk.access_matrix import PAGE, differences, matrix, rendered
from tests.desk.signing_in import required
from tests.desk_server import running
from workers.store.database import Database


def test_every_cell_of_the_access_matrix(sqlite_database: Database) -> None:
    """Whoever changes who may do what sees it in this page, and says so by committing it."""
    with running(sqlite_database, signing_in=required()) as desk:
        found = rendered(matrix(desk))
    assert not differences(found, PAGE.read_text(encoding="utf-8"))
