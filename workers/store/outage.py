"""Is an error an outage of the store, or a fault of what was asked of it?"""

from __future__ import annotations

from typing import Final

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, TimeoutError

STORE_ERRORS: Final = (DBAPIError, TimeoutError)
"""What the store raises; `is_outage` says which of them pass by themselves."""

_OUTAGES: Final = ("08", "53", "57P")
"""How SQLSTATE begins: connection, resources (disk, memory, connections), a server that ends or starts."""


def is_outage(error: BaseException | None) -> bool:
    """Whether the store was away, full or on its way down: the same would have worked a while later.

    Errors that wrap one (`raise … from error`) count as well. SQLite's errors never do: it is a file of ours, and what
    is wrong with it stays wrong.
    """
    while error is not None:
        if _says_so(error):
            return True
        error = error.__cause__
    return False


def _says_so(error: BaseException) -> bool:
    if isinstance(error, TimeoutError):  # no connection of the pool was free
        return True
    if not isinstance(error, DBAPIError):
        return False
    if error.connection_invalidated:
        return True
    if error.orig is None or not hasattr(error.orig, "sqlstate"):
        return False
    state: str | None = error.orig.sqlstate
    if state is None:  # the server never said anything
        return isinstance(error, OperationalError | InterfaceError)
    return state.startswith(_OUTAGES)
