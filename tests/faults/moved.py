"""`duban` where the clock is off: `python -m tests.faults.moved FILE ARGUMENTS…`. FILE says by how many seconds.

All of Duban asks `workers.clock` for the time. Its own clock is made to ask FILE as well, so that the clock of all
parts can jump, forward and back, while that of the machine (and what counts seconds in between) stays.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from workers import clock
from workers.cli import main


def move(file: Path) -> None:
    """From now on the clock is off by what the file says, whenever it is asked."""

    def now(_self: clock.SystemClock) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=int(file.read_text()))

    clock.SystemClock.now = now  # type: ignore[method-assign]


if __name__ == "__main__":
    move(Path(sys.argv.pop(1)))
    main()
