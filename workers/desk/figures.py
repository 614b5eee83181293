"""The report of the figures: what `GET /api/v1/figures` answers and `duban figures` shows (rules A11, F1, F4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from workers.cases.figures import Asked, Subscribers
from workers.cases.part import Part
from workers.desk.words import iso
from workers.notifications.labels import Labels
from workers.store import figures, suggestions
from workers.store.facts import FACTS
from workers.store.outbox import Transaction
from workers.store.sight import EVERYTHING, Sight

_KINDS: Final = {"cause_code": "cause"}
_LABELLED: Final = ("category", "product", "owner_group", "policy", "channel", "cause_code")


@dataclass(frozen=True)
class FigureSource:
    """What figures need beside the store.

    Attributes:
        windows: policy -> days within which the same problem of the same customer is a repeat (rule A11).
        subscribers: users by region and month; None: no file is set, and there is no rate.
    """

    windows: Mapping[str, float] = field(default_factory=dict)
    subscribers: Subscribers | None = None

    def report(
        self, tx: Transaction, asked: Asked, now: datetime, labels: Labels, sight: Sight = EVERYTHING
    ) -> dict[str, Any]:
        """The figures of a period as JSON; `notes` say what could not be counted.

        Args:
            sight: of whom; the figures are of what lies where they work.
        """
        seen = sight.covers(FACTS.c)
        rates, notes = self._rates(tx, asked, sight)
        tables = {"total": (), "rows": asked.columns}
        counted = figures.tables(tx, asked, tables, self.windows, now, seen)
        report = {
            "from": asked.first.isoformat(),
            "to": asked.last.isoformat(),
            "made_at": iso(now),
            "by": list(asked.by),
            "total": next(iter(counted["total"]), None),
            "rows": counted["rows"],
            "hot_spots": figures.hot_spots(tx, asked, seen),
            "causes": figures.causes(tx, asked, seen),
            "complaint_rate": rates,
            "suggestions": suggestions.counts(tx, asked.start, asked.end),
            "notes": notes,
        }
        return {**report, "words": _words(report, labels)}

    def overview(
        self, tx: Transaction, asked: Asked, step: str, now: datetime, sight: Sight
    ) -> dict[str, Any]:
        """The figures of a period as the overview shows them.

        Args:
            step: what the trend is counted by: `day`, `week` or `month`.
        """
        seen = sight.covers(FACTS.c)
        tables: dict[str, tuple[str, ...]] = {
            "total": (),
            "groups": ("owner_group",),
            "owners": ("owner",),
            "trend": (step,),
        }
        level = asked.part.next_level
        if level is not None:
            tables["places"] = (level,)
        rates, notes = self._rates(tx, asked, sight)
        return {
            "places": [],
            **figures.tables(tx, asked, tables, self.windows, now, seen),
            "hot_spots": figures.hot_spots(tx, asked, seen),
            "causes": figures.causes(tx, asked, seen),
            "complaint_rate": rates,
            "notes": notes,
            "made_at": now,
        }

    def _rates(self, tx: Transaction, asked: Asked, sight: Sight) -> tuple[list[dict[str, Any]], list[str]]:
        """Complaints per million users, and what cannot be counted."""
        seen = sight.covers(FACTS.c)
        unknown = sorted(figures.policies(tx, asked, seen) - self.windows.keys())
        odd = (
            [f"无重复投诉期的规定 policies without a repeat window: {', '.join(unknown)}"] if unknown else []
        )
        if self.subscribers is None:
            return [], [
                "未设置用户数文件，无百万用户投诉率 no rate per million: set DUBAN_SUBSCRIBERS_FILE",
                *odd,
            ]
        who = sight.bound
        home = Part.of(who.region) if who else None
        rates, missing = figures.complaint_rate(tx, asked, self.subscribers, seen, home=home)
        notes = [f"缺少用户数 no subscribers for {each['region']} in {each['month']}" for each in missing]
        if rates and asked.cut_months():
            notes.append(f"月份不完整 the period holds only a part of {', '.join(asked.cut_months())}")
        return rates, [*notes, *odd]


def _words(report: Mapping[str, Any], labels: Labels) -> dict[str, dict[str, str]]:
    """Column -> word -> its Chinese label, for every word of the report that has one."""
    found: dict[str, dict[str, str]] = {}
    for name in ("rows", "hot_spots", "causes"):
        for row in report[name]:
            for column in _LABELLED:
                word = row.get(column)
                if word is not None:
                    found.setdefault(column, {})[word] = labels.zh(word, _KINDS.get(column, column))
    return found
