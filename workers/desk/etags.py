"""ETags: has somebody seen this already (If-None-Match, 304), and is it still what they saw (If-Match, 412)?"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Annotated, Any, Final

from fastapi import Header, Request
from fastapi.responses import JSONResponse, Response

from workers.desk.problems import Changed

_TAG: Final = re.compile(r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"')

IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match",
        max_length=1000,
        description="ETag of the resource as it was read: 412 when it has changed since.",
    ),
]
IfNoneMatch = Annotated[
    str | None,
    Header(
        alias="If-None-Match",
        max_length=1000,
        description="ETag that is known already: 304 when it is still so.",
    ),
]


def of(content: Mapping[str, Any]) -> str:
    """The ETag of a resource: another one as soon as anything in it is another."""
    plain = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    return f'"{hashlib.sha256(plain).hexdigest()[:32]}"'


def tagged(request: Request, content: Mapping[str, Any]) -> Response:
    """The resource with its ETag; 304 without it, where the caller has it already."""
    tag = of(content)
    if _names(request.headers.get("if-none-match"), tag, is_weak=True):
        return Response(status_code=304, headers={"ETag": tag})
    return JSONResponse(content, headers={"ETag": tag})


def check(if_match: str | None, content: Mapping[str, Any]) -> None:
    """Before something is changed: is it still what the caller read? Raises Changed."""
    if if_match is not None and not _names(if_match, of(content), is_weak=False):
        raise Changed(
            "内容已被更改，请重新读取后再试。 It has changed since it was read; read it again. Nothing was changed."
        )


def _names(header: str | None, tag: str, *, is_weak: bool) -> bool:
    """Whether a header names this ETag; a weak one (W/) is as good only for looking."""
    if header is None:
        return False
    if header.strip() == "*":
        return True
    found = _TAG.findall(header)
    return tag in ([each.removeprefix("W/") for each in found] if is_weak else found)
