"""One trace per case: what took part in it, from intake through each job to each message. Off until somebody listens.

The trace id is computed from the number of the case and the name of the installation. So every process knows it
without being told: nothing is carried through the engine, a case that began before tracing was switched on has its
trace as well, and a restart loses nothing. The root is the intake; all else hangs under it.

Nothing here knows OpenTelemetry: `workers.bootstrap.traces` sends what is told here, when a setting says where to.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Literal

Kind = Literal["server", "producer", "consumer"]
Attribute = str | int | bool
_COUNT: Final = (16, 8)
"""Bytes of a trace id and of a span id (W3C Trace Context)."""


@dataclass
class Span:
    """Something that was done for a case. Times are nanoseconds since the epoch.

    Attributes:
        number: of the complaint or event; None: it is not known, and the span is a trace of its own.
        attributes: names and keys, never what is personal.
        error: why it failed, in a word or a sentence of ours; None: it did not.
        is_root: the first of its case; all others hang under it.
    """

    name: str
    number: str | None
    kind: Kind
    attributes: dict[str, Attribute]
    began_at: int
    ended_at: int = 0
    error: str | None = None
    is_root: bool = False
    is_told: bool = True
    """False: it turned out to be nothing that is worth telling."""
    asked_with: str | None = None
    """The `traceparent` of who asked for it, where there was one."""


@dataclass
class _Listening:
    tell: Callable[[Span], None] | None = None


_LISTENING: Final = _Listening()
_ASKED_WITH: Final[ContextVar[str | None]] = ContextVar("duban-asked-with", default=None)


@contextmanager
def told_to(listener: Callable[[Span], None]) -> Iterator[None]:
    """Spans that end in this block, in any thread of the process, are told to the listener. It must not block."""
    before, _LISTENING.tell = _LISTENING.tell, listener
    try:
        yield
    finally:
        _LISTENING.tell = before


@contextmanager
def asked_with(traceparent: str | None) -> Iterator[None]:
    """What is done in this block was asked for by somebody who traces, too: both traces will know each other."""
    token = _ASKED_WITH.set(traceparent)
    try:
        yield
    finally:
        _ASKED_WITH.reset(token)


@contextmanager
def span(name: str, number: str | None, kind: Kind, **attributes: Attribute) -> Iterator[Span]:
    """Times the block. Set `error` and more attributes on what it yields; costs next to nothing when tracing is off.

    Args:
        name: bounded: a job type, a message name, never a number.
        attributes: written `process_id`, told as `duban.process_id`.
    """
    found = Span(name, number, kind, dict(attributes), time.time_ns(), asked_with=_ASKED_WITH.get())
    try:
        yield found
    except BaseException as error:
        found.error = found.error or type(error).__name__
        raise
    finally:
        found.ended_at = time.time_ns()
        if found.is_told and _LISTENING.tell is not None:
            _LISTENING.tell(found)


def ids(number: str, installation: str) -> tuple[int, int]:
    """Trace id and id of the root span of a case: the same in every process of an installation, never 0."""
    digest = sha256(f"{installation}\0{number}".encode()).digest()
    trace, root = _COUNT
    return int.from_bytes(digest[:trace]) or 1, int.from_bytes(digest[trace : trace + root]) or 1


def of_traceparent(text: str) -> tuple[int, int] | None:
    """Trace id and span id of a `traceparent` header; None where it is none."""
    parts = text.strip().split("-")
    if len(parts) < 4 or [len(part) for part in parts[:3]] != [2, 32, 16]:
        return None
    try:
        trace_id, span_id = int(parts[1], 16), int(parts[2], 16)
    except ValueError:
        return None
    return (trace_id, span_id) if trace_id and span_id and parts[0] != "ff" else None
