"""The tables of the overview: how things stand now, and how the complaints of a period were handled."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from typing import Any, Final

from workers.desk.looking import Looking
from workers.desk.sheets import Cell, Column, Sheet
from workers.notifications.labels import Labels
from workers.store.standing import Standing

LEVELS: Final = {
    "province": ("省份", "Province"),
    "city": ("地市", "City"),
    "branch": ("分公司", "Branch"),
}
ROWS: Final = 15
_PLACES: Final = 40
_NOW: Final = (
    Column("办理中", "Running", "count"),
    Column("时限内", "On time", "count", "on-time"),
    Column("即将到期", "Due soon", "count", "due-soon"),
    Column("已超时", "Overdue", "count", "overdue"),
)
_MEASURES: Final = (
    Column("投诉", "Complaints", "count"),
    Column("按时率", "In time", "share"),
    Column("超时", "Missed", "count", "overdue"),
    Column("满意率", "Satisfied", "share"),
    Column("解决率", "Solved", "share"),
    Column("重复率", "Repeated", "share"),
    Column("重启", "Reopened", "count"),
    Column("中位时长(时)", "Median hours", "hours"),
)


@dataclass(frozen=True)
class Words:
    """What people call things.

    Attributes:
        people: username -> name.
    """

    labels: Labels
    people: Mapping[str, str]

    def word(self, word: str | None, kind: str = "", link: str | None = None) -> Cell:
        """A word of the process, e.g. a group."""
        if word is None:
            return Cell("未知", "not known", link)
        zh, en = self.labels.zh(word, kind), self.labels.en(word, kind)
        return Cell(zh, en if en != zh else "", link)

    def person(self, username: str | None, link: str | None = None) -> Cell:
        """Somebody of the staff: they answer for their cases by name; customers are in no table."""
        if username is None:
            return Cell("未分派", "nobody yet", link)
        return Cell(self.people.get(username, username), username, link)


@dataclass(frozen=True)
class _Kind:
    """What a table tells apart.

    Attributes:
        name: of the table, as addresses say it.
        word: of the filter that leads to the cases.
        column: of the figures.
        head: of the first column.
        cell: what is in the first column.
        most: rows that the page shows.
    """

    name: str
    zh: str
    en: str
    word: str
    column: str
    head: tuple[str, str]
    cell: Callable[[str | None, str], Cell]
    link: Callable[[str | None], str] | None = None
    most: int = ROWS


def _kinds(look: Looking, words: Words) -> list[_Kind]:
    """By place (the next level below the part that is looked at), by department, by person."""
    level = look.part.next_level
    places = []
    if level is not None:
        zh, en = LEVELS[level]
        head = f"各{zh}", f"By {en.lower()}"
        below = lambda name: look.overview(part=look.part.within(name))  # noqa: E731
        places.append(_Kind("places", *head, level, level, (zh, en), _place, below, most=_PLACES))
    return [
        *places,
        _Kind(
            *("groups", "各责任部门", "By department", "group", "owner_group"),
            ("部门", "Department"),
            lambda name, link: words.word(name, link=link),
        ),
        _Kind("owners", "各责任人", "By person", "owner", "owner", ("责任人", "Person"), words.person),
    ]


def _place(name: str | None, link: str) -> Cell:
    return Cell(name, "", link) if name is not None else Cell("未知", "not known", link)


def now_sheets(
    look: Looking, found: Mapping[str, Sequence[Standing]], words: Words, *, is_whole: bool
) -> list[Sheet]:
    """How the cases that are handled now stand.

    Args:
        found: `places`, `groups` and `owners`.
        is_whole: every row, and not only those that the page shows.
    """
    return [
        _standing(look, kind, found[kind.name], None if is_whole else kind.most)
        for kind in _kinds(look, words)
    ]


def _standing(look: Looking, kind: _Kind, found: Sequence[Standing], most: int | None) -> Sheet:
    def row(each: Standing) -> list[Cell]:
        link = look.now(**{kind.word: each.key})
        counts = (("on-time", each.on_time), ("due-soon", each.due_soon), ("overdue", each.overdue))
        return [
            kind.cell(each.key, kind.link(each.key) if kind.link else link),
            Cell(each.running, link=link),
            *(Cell(count, link=f"{link}&urgency={word}" if count else None) for word, count in counts),
        ]

    shown = found[:most]
    bars = [(each.on_time, each.due_soon, each.overdue) for each in shown]
    columns = (Column(*kind.head), *_NOW)
    name, zh, en = f"now-{kind.name}", f"{kind.zh}现状", f"{kind.en}, now"
    return Sheet(name, zh, en, columns, [row(each) for each in shown], bars, len(found))


def period_sheets(look: Looking, report: Mapping[str, Any], words: Words, *, is_whole: bool) -> list[Sheet]:
    """The tables of a period; a table without a row is left out.

    Args:
        is_whole: every row, and not only those that the page shows.
    """
    made = [
        _measured(look, kind, report[kind.name], None if is_whole else kind.most)
        for kind in _kinds(look, words)
    ]
    made += [
        _hot_spots(look, report, words),
        _causes(look, report, words),
        _rates(report),
        _trend(look, report),
    ]
    return [sheet for sheet in made if sheet.rows]


def _measured(look: Looking, kind: _Kind, found: Sequence[Mapping[str, Any]], most: int | None) -> Sheet:
    def row(each: Mapping[str, Any]) -> list[Cell]:
        key = each[kind.column]
        link = kind.link(key) if kind.link else look.cases(**{kind.word: key})
        return [kind.cell(key, link), *measures(each, partial(look.cases, **{kind.word: key}))]

    worst = sorted(found, key=lambda each: (-each["missed"], -each["complaints"], each[kind.column] or ""))
    rows = [row(each) for each in worst[:most]]
    return Sheet(kind.name, kind.zh, kind.en, (Column(*kind.head), *_MEASURES), rows, whole=len(found))


def measures(row: Mapping[str, Any], cases: Callable[..., str]) -> list[Cell]:
    """The figures of a row, each with the cases behind it. In the order of the columns."""

    def counted(value: int | float | None, of: str = "") -> Cell:
        return Cell(value, link=(cases(of=of) if of else cases()) if value else None)

    return [
        counted(row["complaints"]),
        Cell(row["on_time"], link=cases(of="due") if row["due"] else None),
        counted(row["missed"], "missed"),
        Cell(row["satisfaction"], link=cases(of="answered") if row["answered"] else None),
        counted(row["solved"], "solved"),
        counted(row["recurrence"], "repeated"),
        counted(row["reopened"], "reopened"),
        Cell(row["median_hours"]),
    ]


def _hot_spots(look: Looking, report: Mapping[str, Any], words: Words) -> Sheet:
    columns = (
        *(Column("类别", "Category"), Column("产品", "Product"), Column("地区", "Place")),
        Column("投诉", "Complaints", "count"),
        Column("上期", "Before", "count"),
        Column("增长", "Growth", "change"),
        *(Column("最多一天", "Peak day"), Column("当天", "That day", "count")),
    )
    rows = []
    for spot in report["hot_spots"]:
        keys = {name: spot[name] for name in ("category", "product")}
        place = {name: spot[name] for name in ("province", "city", "branch")}
        link = look.cases(**keys, **_known(place))
        rows.append(
            [
                words.word(spot["category"], "category"),
                words.word(spot["product"], "product"),
                Cell(" ".join(name for name in place.values() if name) or "未知"),
                Cell(spot["complaints"], link=link),
                Cell(spot["before"]),
                Cell(spot["growth"]),
                Cell(spot["peak_on"]),
                Cell(spot["peak"]),
            ]
        )
    return Sheet("hot-spots", "热点", "Hot spots", columns, rows)


def _known(place: Mapping[str, str | None]) -> dict[str, str | None]:
    """The levels of a place down to the first that nobody knows: what lies below is not known, either."""
    found: dict[str, str | None] = {}
    for level, name in place.items():
        found[level] = name
        if name is None:
            break
    return found


def _causes(look: Looking, report: Mapping[str, Any], words: Words) -> Sheet:
    counted: dict[str | None, int] = {}
    for row in report["causes"]:
        counted[row["cause_code"]] = counted.get(row["cause_code"], 0) + row["complaints"]
    whole = sum(counted.values())
    rows = [
        [
            words.word(cause, "cause", look.cases(cause=cause, of="ended")),
            Cell(count, link=look.cases(cause=cause, of="ended")),
            Cell(round(count / whole, 4)),
        ]
        for cause, count in sorted(counted.items(), key=lambda each: (-each[1], each[0] or ""))
    ]
    columns = (
        Column("原因", "Cause"),
        Column("投诉", "Complaints", "count"),
        Column("占比", "Share", "share"),
    )
    return Sheet("causes", "原因", "Causes of closed complaints", columns, rows)


def _rates(report: Mapping[str, Any]) -> Sheet:
    columns = (
        *(Column("月份", "Month"), Column("地区", "Place"), Column("投诉", "Complaints", "count")),
        *(Column("用户数", "Users", "count"), Column("每百万用户", "Per million users", "rate")),
    )
    rows = [
        [
            Cell(row["month"]),
            Cell(" ".join(name for name in (row["province"], row["city"]) if name)),
            Cell(row["complaints"]),
            Cell(row["users"]),
            Cell(row["per_million"]),
        ]
        for row in report["complaint_rate"]
    ]
    return Sheet("rates", "百万用户投诉率", "Complaints per million users", columns, rows)


def _trend(look: Looking, report: Mapping[str, Any]) -> Sheet:
    by_step = {row[look.step]: row for row in report["trend"]}
    zh, en = {"day": ("日期", "Day"), "week": ("周(周一起)", "Week from"), "month": ("月份", "Month")}[
        look.step
    ]
    rows = []
    for step in steps(look):
        row = by_step.get(step)
        rows.append(
            [
                Cell(step),
                Cell(row["complaints"] if row else 0),
                Cell(row["missed"] if row else 0),
                Cell(row["on_time"] if row else None),
            ]
        )
    columns = (
        *(Column(zh, en), Column("投诉", "Complaints", "count")),
        *(Column("超时", "Missed", "count", "overdue"), Column("按时率", "In time", "share")),
    )
    return Sheet("trend", "走势", "Trend", columns, rows if by_step else [])


def steps(look: Looking) -> list[str]:
    """The days, weeks (their Mondays) or months of the period, also those without a complaint."""
    if look.step == "month":
        return look.asked.months()
    width = 1 if look.step == "day" else 7
    first = look.asked.first
    at: date = first - timedelta(days=first.weekday()) if width == 7 else first
    found = []
    while at <= look.asked.last:
        found.append(at.isoformat())
        at += timedelta(days=width)
    return found
