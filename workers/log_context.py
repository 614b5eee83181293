"""What the code that runs is about: log lines that are written meanwhile say so, wherever they are written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

_FACTS: Final[ContextVar[Mapping[str, str | int]]] = ContextVar("duban-log-facts")


@contextmanager
def about(**facts: str | int | None) -> Iterator[None]:
    """Log lines written in this block, also in threads that it starts by the worker host, carry these facts.

    Args:
        facts: keys and numbers, never a value of a case; None is left out.
    """
    known = {name: value for name, value in facts.items() if value is not None}
    token = _FACTS.set({**current(), **known})
    try:
        yield
    finally:
        _FACTS.reset(token)


def current() -> Mapping[str, str | int]:
    """What the code that runs is about; empty when nobody said."""
    return _FACTS.get({})
