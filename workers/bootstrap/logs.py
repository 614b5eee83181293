"""Where log lines go: a bounded file in the data folder, and stderr. They carry no personal data.

Every line of ours has an `action`, a word that stays the same; what it is about (job, number of the case) comes from
`workers.log_context` or from the caller. Of an exception only class and place are written, unless the sentence is ours.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Literal

from workers import log_context
from workers.errors import DubanError, Refused

Form = Literal["auto", "text", "json"]
_PLAIN: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_Raised = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


class Line(logging.Formatter):
    """One line: time, level, room, sentence, then what it is about as key=value."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record)
        added = " ".join(f"{key}={value}" for key, value in _facts(record).items())
        head, _, rest = line.partition("\n")
        return "\n".join(part for part in (f"{head} {added}" if added else head, rest) if part)

    def formatException(self, ei: _Raised) -> str:  # noqa: N802 - the base class's name
        return told(ei[1]) if ei[1] is not None else ""


class JsonLine(logging.Formatter):
    """The same as a JSON object: at, level, room, action, says, what it is about, traceback."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "room": record.name,
            "action": "of-a-library",
            "says": record.getMessage(),
            **_facts(record),
        }
        if record.exc_info and record.exc_info[1] is not None:
            line["traceback"] = told(record.exc_info[1])
        return json.dumps(line, ensure_ascii=False, default=str)


def told(error: BaseException) -> str:
    """Where an exception came from, and its causes. Its words only where they are ours: others may quote a value."""
    parts: list[str] = []
    each: BaseException | None = error
    while each is not None and len(parts) < 5:
        places = "".join(traceback.format_tb(each.__traceback__)).rstrip()
        says = f": {each}" if isinstance(each, DubanError) else ""
        parts.append(f"{places}\n{type(each).__module__}.{type(each).__qualname__}{says}".strip("\n"))
        each = each.__cause__ or (None if each.__suppress_context__ else each.__context__)
    return "\ncaused by\n".join(parts)


@contextmanager
def log_to(folder: Path | None, *, verbose: bool, form: Form = "auto") -> Iterator[None]:
    """Logs into `folder`/duban.log and warnings (all, when verbose) to stderr, for the length of the block.

    Args:
        form: of the lines on stderr; auto: text on a terminal, JSON elsewhere. The file has text unless this is json.

    Raises:
        Refused: the folder cannot be written to.
    """
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stderr)]
    handlers[0].setLevel(logging.INFO if verbose else logging.WARNING)
    is_json = form == "json" or (form == "auto" and not sys.stderr.isatty())
    handlers[0].setFormatter(JsonLine() if is_json else Line())
    if folder is not None:
        handlers.append(_file(folder))
        handlers[1].setFormatter(JsonLine() if form == "json" else Line())
    root = logging.getLogger()
    root.setLevel(logging.INFO)
    for handler in handlers:
        root.addHandler(handler)
    for noisy in ("httpx", "httpcore", "alembic"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    try:
        yield
    finally:
        for handler in handlers:
            root.removeHandler(handler)
            handler.close()


def _file(folder: Path) -> logging.Handler:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return RotatingFileHandler(folder / "duban.log", maxBytes=5_000_000, backupCount=3, encoding="utf-8")
    except OSError as error:
        raise Refused(
            f"the data folder {folder} cannot be used: {error.strerror}. Give another --data."
        ) from error


def _facts(record: logging.LogRecord) -> dict[str, Any]:
    said = {key: value for key, value in vars(record).items() if key not in _PLAIN}
    return {**log_context.current(), **said}
