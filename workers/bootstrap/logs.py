"""Where log lines go: a bounded file in the data folder, and stderr. They carry no personal data."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from logging.handlers import RotatingFileHandler
from pathlib import Path

from workers.errors import Refused

_PLAIN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class _Line(logging.Formatter):
    """One line: time, level, room, sentence, then what the caller added as key=value."""

    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record)
        added = " ".join(f"{key}={value}" for key, value in vars(record).items() if key not in _PLAIN)
        return f"{line} {added}" if added else line


@contextmanager
def log_to(folder: Path | None, *, verbose: bool) -> Iterator[None]:
    """Logs into `folder`/duban.log and warnings (all, when verbose) to stderr, for the length of the block.

    Raises:
        Refused: the folder cannot be written to.
    """
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stderr)]
    handlers[0].setLevel(logging.INFO if verbose else logging.WARNING)
    if folder is not None:
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            handlers.append(
                RotatingFileHandler(folder / "duban.log", maxBytes=5_000_000, backupCount=3, encoding="utf-8")
            )
        except OSError as error:
            raise Refused(
                f"the data folder {folder} cannot be used: {error.strerror}. Give another --data."
            ) from error
    root = logging.getLogger()
    root.setLevel(logging.INFO)
    for handler in handlers:
        handler.setFormatter(_Line("%(asctime)s %(levelname)s %(name)s %(message)s"))
        root.addHandler(handler)
    for noisy in ("httpx", "httpcore", "alembic"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    try:
        yield
    finally:
        for handler in handlers:
            root.removeHandler(handler)
            handler.close()
