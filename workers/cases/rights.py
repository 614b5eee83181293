"""Which groups may do what takes a right (rules B9, B10, C10, D11, E3): data of the designers, bpmn/rights.json."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final, Literal, Self, get_args

from workers.errors import Broken, Forbidden

Right = Literal[
    "mark-complaint",
    "read-evidence",
    "read-case-file",
    "find-complaint",
    "run-retention",
    "steer-event",
    "serve-customer",
    "operate",
]
RIGHTS: Final[tuple[Right, ...]] = get_args(Right)

_WHAT: Final[dict[Right, tuple[str, str]]] = {
    "mark-complaint": ("标记投诉", "mark a complaint"),
    "read-evidence": ("查看证据", "read the evidence of this case"),
    "read-case-file": ("查看完整案卷", "read the whole case file"),
    "find-complaint": ("按客户查找投诉", "find complaints by customer"),
    "run-retention": ("发起档案匿名化", "anonymise records whose time is over"),
    "steer-event": ("处置重大事件", "steer a major event"),
    "serve-customer": (
        "代客户登记、撤诉、申诉或答复回访",
        "register, withdraw, appeal or answer a survey for a customer",
    ),
    "operate": ("处理系统故障", "look at stuck work and try it again"),
}


@dataclass(frozen=True)
class Rights:
    """Groups by right."""

    groups: Mapping[str, Collection[str]]

    @classmethod
    def read(cls, table: object) -> Self:
        """From the JSON object of the file.

        Raises:
            Broken: it is no table of groups by right, lacks a right, or names one that there is not.
        """
        if not isinstance(table, dict) or not all(
            isinstance(groups, list) and all(isinstance(group, str) for group in groups)
            for groups in table.values()
        ):
            raise Broken("rights.json must be an object of rights, each with a list of groups")
        if odd := sorted(set(table) ^ set(RIGHTS)):
            raise Broken(f"rights.json must have the rights {', '.join(RIGHTS)}: see {', '.join(odd)}")
        return cls({right: frozenset(groups) for right, groups in table.items()})

    def named(self) -> set[str]:
        """Every group that has a right."""
        return {group for groups in self.groups.values() for group in groups}

    def may(self, right: Right, groups: Collection[str] | None) -> bool:
        """Whether somebody of these groups may. `groups` None: duty staff, who may do everything."""
        return groups is None or not set(groups).isdisjoint(self.groups[right])

    def check(self, right: Right, person: str, groups: Collection[str] | None) -> None:
        """Raises Forbidden when the person may not; see `may`."""
        if not self.may(right, groups):
            zh, en = _WHAT[right]
            able = ", ".join(sorted(self.groups[right]))
            raise Forbidden(f"{person} 无权{zh}。 {person} may not {en}; that takes one of {able}.")
