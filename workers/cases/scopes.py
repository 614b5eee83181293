"""What a token of the API may be used for (docs/api.md)."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final, Literal, get_args

from workers.errors import Refused

Scope = Literal[
    "complaints:read",
    "complaints:write",
    "evidence:read",
    "tasks:read",
    "tasks:write",
    "events:read",
    "events:write",
    "figures:read",
    "suggestions:read",
    "suggestions:write",
    "operate",
]
SCOPES: Final[dict[Scope, str]] = {
    "complaints:read": "look at complaints (masked), find them, list them",
    "complaints:write": "register, withdraw, appeal, answer surveys, add notes, marks and evidence",
    "evidence:read": "read notes, files of evidence and case files: personal data",
    "tasks:read": "look at open user tasks",
    "tasks:write": "complete user tasks",
    "events:read": "look at major events",
    "events:write": "report events, tie complaints to them, call the next tier",
    "figures:read": "reports of figures",
    "suggestions:read": "look at suggestions for improvement",
    "suggestions:write": "make suggestions and decide on them",
    "operate": "stuck work, retention, the test clock",
}
"""Scope -> what it opens, for help and docs."""


def checked(names: Iterable[str]) -> list[str]:
    """The scopes named, each once, in the order of SCOPES.

    Raises:
        Refused: there is no such scope, or none was named.
    """
    wanted = set(names)
    if odd := sorted(wanted - set(get_args(Scope))):
        raise Refused(f"没有此权限范围。 There is no scope {odd[0][:40]!a}; there are {', '.join(SCOPES)}.")
    if not wanted:
        raise Refused("未指定权限范围。 A token needs at least one scope.")
    return [scope for scope in SCOPES if scope in wanted]


def allows(held: Collection[str], scope: str) -> bool:
    """Whether who holds these scopes has this one. Writing does not include reading."""
    return scope in held
