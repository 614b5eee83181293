"""The list of complaints behind a figure: `/complaints`. No text and no customer: numbers, places, words, clocks."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final, Literal

import orjson
from fastapi import APIRouter, Depends, Query
from fastapi.responses import HTMLResponse

from workers.cases.figures import Asked
from workers.cases.part import UNKNOWN, Part
from workers.desk.caller import sight
from workers.desk.services import DeskServices
from workers.errors import Refused
from workers.names import SHANGHAI
from workers.store import staff
from workers.store.case_list import COUNTED, CaseList, Order, Place, StatusWord, Wanted
from workers.store.facts import Of
from workers.store.tables import Complaint
from workers.store.urgency import Urgency

_PAGE: Final = 50
OF_WORDS: Final[dict[Of, tuple[str, str]]] = {
    "due": ("时限已到或已办结", "deadline met or passed"),
    "in-time": ("按时", "in time"),
    "missed": ("超时", "missed"),
    "answered": ("已评价", "answered the survey"),
    "satisfied": ("满意", "satisfied"),
    "dissatisfied": ("不满意", "dissatisfied"),
    "solved": ("已解决", "solved"),
    "unsolved": ("未解决", "not solved"),
    "repeated": ("重复投诉", "repeated"),
    "reopened": ("重启过", "reopened"),
    "withdrawn": ("已撤诉", "withdrawn"),
    "ended": ("已办结", "ended"),
}
URGENCY_WORDS: Final[dict[Urgency, tuple[str, str]]] = {
    "on-time": ("时限内", "On time"),
    "due-soon": ("即将到期", "Due soon"),
    "overdue": ("已超时", "Overdue"),
    "nothing-due": ("无待办时限", "Nothing due"),
}
Word = Annotated[str, Query(max_length=64, pattern=r"^[^\x00-\x1f]*$")]


@dataclass(frozen=True)
class Chosen:
    """What the address says, word by word; the same words make the address of the next page."""

    status: StatusWord = ""
    urgency: Urgency | Literal[""] = ""
    province: Word = ""
    city: Word = ""
    branch: Word = ""
    group: Word = ""
    owner: Word = ""
    category: Word = ""
    product: Word = ""
    policy: Word = ""
    channel: Word = ""
    cause: Word = ""
    priority: Word = ""
    number: Annotated[str, Query(max_length=32)] = ""
    first: Annotated[str, Query(alias="from", max_length=10)] = ""
    last: Annotated[str, Query(alias="to", max_length=10)] = ""
    of: Of | Literal[""] = ""
    order: Order | Literal[""] = ""

    def address(self) -> dict[str, str]:
        """As words of an address; what says nothing is left out."""
        named = {"from": self.first, "to": self.last, **vars(self)}
        return {name: str(value) for name, value in named.items() if value and name not in {"first", "last"}}

    def wanted(self, now: datetime) -> Wanted:
        """As the store takes it. Raises Refused: a period or a place that is none."""
        today = now.astimezone(SHANGHAI).date()
        period = Asked.parse(self.first or None, self.last or None, (), today) if self.has_period else None
        part = Part.parse(self.province, self.city, self.branch)
        keys = {name: str(getattr(self, name)) for name in _KEYS if getattr(self, name)}
        is_timed = self.status == "running" or bool(self.urgency)
        return Wanted(
            status=self.status,
            urgency=self.urgency,
            part=part,
            keys=keys,
            period=period,
            of=self.of,
            number=self.number.strip(),
            order=self.order or ("due" if is_timed else "new"),
        )

    @property
    def has_period(self) -> bool:
        """Whether only complaints of some days are wanted; a figure (`of`) is always of some days."""
        return bool(self.first or self.last or self.of)


_KEYS: Final = ("group", "owner", "category", "product", "policy", "channel", "cause", "priority")


def add_case_list(pages: APIRouter, services: DeskServices, page: Callable[..., HTMLResponse]) -> None:
    """The list."""

    @pages.get("/complaints")
    def complaints(
        chosen: Annotated[Chosen, Depends()],
        after: Annotated[str, Query(max_length=200)] = "",
    ) -> HTMLResponse:
        """The complaints that fit, a page of them; only those that lie where the person works."""
        now = services.clock.now()
        wanted = chosen.wanted(now)
        with services.database.read() as tx:
            seen = sight().covers(Complaint)
            listed = CaseList(tx, wanted, now, services.figures.windows, seen)
            found = listed.page(after=read_place(after) if after else None, limit=_PAGE)
            count = listed.count()
            owners = {line.owner_person for line in found.lines} | {wanted.keys.get("owner")}
            people = staff.names(tx, owners)
        return page(
            "complaints.html",
            chosen=chosen.address(),
            back=wanted.part.names,
            wanted=wanted,
            filters=_told(wanted, services, people),
            lines=found.lines,
            more=write_place(found.after) if found.after else None,
            is_first=not after,
            count=count,
            is_more=count >= COUNTED,
            people=people,
            urgencies=URGENCY_WORDS,
        )


def _told(wanted: Wanted, services: DeskServices, people: dict[str, str]) -> list[tuple[str, str, list[str]]]:
    """What the list is narrowed to: (Chinese, English, the words of the address that take it away again)."""
    labels = services.labels
    told: list[tuple[str, str, list[str]]] = []
    names = wanted.part.names
    if names:
        place = " ".join("未知" if name == UNKNOWN else name for name in names.values())
        told.append((place, "place", [*names]))
    if wanted.urgency:
        told.append((*URGENCY_WORDS[wanted.urgency], ["urgency"]))
    if wanted.status:
        is_running = wanted.status == "running"
        zh = "办理中" if is_running else labels.zh(wanted.status)
        told.append((zh, "running" if is_running else labels.en(wanted.status), ["status"]))
    if wanted.of:
        told.append((*OF_WORDS[wanted.of], ["of"]))
    if wanted.period is not None:
        told.append((f"{wanted.period.first} – {wanted.period.last}", "received", ["from", "to", "of"]))
    for key, value in wanted.keys.items():
        if value == UNKNOWN:
            told.append((f"{_KEY_WORDS[key]}未知", f"no {key}", [key]))
        elif key == "owner":
            told.append((people.get(value, value), "owner", [key]))
        else:
            told.append((labels.zh(value, key), labels.en(value, key), [key]))
    return told


_KEY_WORDS: Final = {
    "group": "部门",
    "owner": "责任人",
    "category": "类别",
    "product": "产品",
    "policy": "规定",
    "channel": "渠道",
    "cause": "原因",
    "priority": "等级",
}


def write_place(place: Place) -> str:
    """A place in the list as a word for an address."""
    content = orjson.dumps([place.at, place.number])
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def read_place(word: str) -> Place:
    """The place that a word stands for. Raises Refused: it is none."""
    try:
        content = base64.urlsafe_b64decode(word + "=" * (-len(word) % 4))
        said, number = orjson.loads(content)
        at = None if said is None else datetime.fromisoformat(said)
        if not isinstance(number, str) or (at is not None and at.tzinfo is None):
            raise ValueError
    except (binascii.Error, ValueError, TypeError) as error:
        raise Refused(
            "这不是列表中的位置。 `after` is no place in the list: begin anew at /complaints."
        ) from error
    return Place(at, number)
