"""Lists a page at a time: `limit`, an opaque `cursor`, and where the next page is (`Link: <…>; rel="next"`, RFC 8288).

A cursor holds the place where a page ended, and not a row: what is added or removed meanwhile moves nothing.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import Query, Request
from fastapi.responses import JSONResponse

from workers.errors import Refused

LONGEST: Final = 1000
USUAL: Final = 100

Limit = Annotated[int, Query(ge=1, le=LONGEST, description="How many there are on a page at most.")]
Cursor = Annotated[
    str | None,
    Query(
        max_length=300,
        pattern=r"^[A-Za-z0-9_-]*$",
        description="Where the page before ended: take it as it is from the header Link of that page.",
    ),
]


def read(cursor: str | None) -> tuple[datetime, str] | None:
    """The place that a cursor stands for: an instant and a key; None for no cursor.

    Raises:
        Refused: it is none that a page gave.
    """
    if not cursor:
        return None
    try:
        at, key = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        found = datetime.fromisoformat(at)
        if found.tzinfo is None or not isinstance(key, str) or not key.isascii() or not key.isprintable():
            raise ValueError
    except (ValueError, TypeError, RecursionError, OverflowError, binascii.Error):
        raise Refused("cursor 无效。 The cursor is none that a page gave; begin again without it.") from None
    return found, key


def written(at: datetime, key: str) -> str:
    """The cursor for a place."""
    place = json.dumps([at.isoformat(), key], separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(place).decode().rstrip("=")


def page(request: Request, items: Sequence[Any], after: tuple[datetime, str] | None) -> JSONResponse:
    """A page of a list.

    Args:
        after: where it ends, if there is more.
    """
    answer = JSONResponse(list(items))
    if after is not None:
        asked = [(name, value) for name, value in request.query_params.multi_items() if name != "cursor"]
        query = urlencode([*asked, ("cursor", written(*after))])
        answer.headers["Link"] = f'<{request.url.path}?{query}>; rel="next"'
    return answer
