"""What the calls of the API answer, for the description at /api/v1/openapi.json. Nothing is converted by these: tests
hold them and the answers together (tests/desk/test_openapi.py)."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel

from workers.cases.region import Region
from workers.names import Status

At = datetime | None


class Answer(BaseModel):
    """An object with these keys and no other."""

    model_config = ConfigDict(extra="forbid")


class Made(Answer):
    number: str = Field(examples=["TS20260301-000001"])


class Owner(Answer):
    group: str | None
    person: str | None


class MaskedCustomer(Answer):
    name: str | None = Field(examples=["王*明"])
    phone: str | None = Field(examples=["+86138****8000"])
    email: str | None


class ComplaintLine(Answer):
    number: str = Field(examples=["TS20260301-000001"])
    policy: str
    channel: str
    status: Status
    category: str | None
    priority: str | None
    owner: Owner
    tier: str
    satisfaction: str | None
    outcome: str | None
    product: str | None
    region: Region
    flags: list[str]
    received_at: datetime
    closed_at: At
    due_at: At


class Deadline(Answer):
    kind: str
    due_at: datetime
    met_at: At
    missed: bool
    missed_by: str | None
    extended_from: At


class Entry(Answer):
    at: datetime
    who: str
    what: Any
    code: str


class Message(Answer):
    event: str
    channel: str
    to: str
    recipient: str
    status: str
    at: At


class CaseTask(Answer):
    task: str
    name: str
    number: str | None
    groups: list[str]
    due_at: At
    form: str | None


class Evidence(Answer):
    sha256: str
    name: str
    kind: str
    media_type: str
    size: int
    added_by: str
    at: datetime


class AddedEvidence(Evidence):
    number: str


class CaseMark(Answer):
    mark: str
    is_set: bool
    by: str
    at: datetime


class Mark(CaseMark):
    grounds: str


class Stuck(Answer):
    key: str
    name: str
    cause: str
    error_type: str
    since: datetime


class StuckWork(BaseModel):
    """Stuck work, as operations see it (docs/desk.md)."""

    key: str
    name: str
    number: str | None
    cause: str
    since: datetime


class Case(Answer):
    """A complaint with everything that happened to it; of an event, an Event."""

    number: str
    policy: str
    channel: str
    status: Status
    category: str | None
    priority: str | None
    owner: Owner
    tier: str
    satisfaction: str | None
    outcome: str | None
    product: str | None
    region: Region
    flags: list[str]
    customer: MaskedCustomer
    missing_fields: list[str]
    confidence: float | None
    classified_by: str | None
    occurred_at: At
    received_at: datetime
    closed_at: At
    deadlines: list[Deadline]
    timeline: list[Entry]
    messages: list[Message]
    tasks: list[CaseTask]
    appeal: dict[str, Any] | None
    evidence: list[Evidence]
    marks: list[CaseMark]
    marked: list[str]
    refunds: list[dict[str, Any]]
    incident: Stuck | None
    watchers: list[str]


class EventLine(Answer):
    number: str = Field(examples=["SJ20260301-0001"])
    policy: str
    kind: str
    status: str
    tier: str | None
    reason: str | None
    outcome: str | None
    owner: Owner
    region: Region
    product: str | None
    category: str | None
    affected_users: int | None
    outage_minutes: int | None
    flags: list[str]
    source: str
    complaint_count: int
    declared_at: datetime
    acknowledged_at: At
    decided_at: At
    solved_at: At
    closed_at: At


class Report(Answer):
    kind: str
    sequence: int
    owner: Owner
    due_at: datetime
    overdue: bool
    lapsed: bool
    submitted_at: At
    author: str | None


class Event(EventLine):
    reports: list[Report]
    complaints: list[str]
    timeline: list[Entry]
    messages: list[Message]
    tasks: list[CaseTask]
    incident: Stuck | None
    watchers: list[str]
    round: int


class CaseOrEvent(RootModel[Case | Event]):
    """What a number stands for: a complaint, or an event."""


class Withdrawal(Made):
    withdrawal: Literal["asked"]


class Extension(Made):
    extension: Literal["asked"]


class Survey(Made):
    satisfaction: Literal["satisfied", "dissatisfied"]
    is_solved: bool


class Appeal(Made):
    appeal: str


class Marked(Made):
    marked: list[str]


class Note(Answer):
    id: int
    number: str
    author: str
    of_customer: bool
    text: str
    at: datetime


class Task(Answer):
    task: str
    name: str
    number: str | None
    groups: list[str]
    due_at: At
    form: str | None
    fields: list[dict[str, Any]]
    assignee: str | None
    created_at: datetime
    state: Literal["open", "completed", "cancelled"]
    ended_at: At
    broken: str | None = None


class Completed(Answer):
    task: str
    number: str
    name: str
    form: str | None
    person: str = Field(alias="as")
    completed_at: datetime


class FoundWord(Answer):
    word: str
    start: int
    end: int
    level: str
    rule: str
    why: dict[str, str]
    instead: list[str]
    says: str


class Wording(Answer):
    context: str
    ok: bool
    found: list[FoundWord]


class Question(Answer):
    key: str
    label: str
    options: list[dict[str, Any]]


class Guide(BaseModel):
    """The next question, or with `question` null what comes next."""

    kind: str
    question: Question | None
    next_step: str | None


class Rectification(Answer):
    id: str
    number: str
    group: str
    owner: str | None
    cause_code: str | None
    status: str
    round: int
    opened_at: datetime
    due_at: datetime
    missed: bool
    done_at: At
    checked_at: At
    is_effective: bool | None


class Attached(Made):
    complaint_count: int


class Detached(Attached):
    complaint: str


class HandedBack(Made):
    hand_back: Literal["asked"]


class Raised(Made):
    raised: Literal["asked"] = Field(alias="raise")


class Found(Answer):
    number: str
    policy: str
    channel: str
    status: Status
    category: str | None
    received_at: datetime
    closed_at: At
    is_anonymised: bool
    customer: MaskedCustomer


class Month(Answer):
    policy: str
    month: str
    count: int


class Expired(Answer):
    expired: int
    events: int
    by_month: list[Month]


class Run(Answer):
    number: str = Field(examples=["DA20260301-0001"])
    state: str
    opened_by: str
    counted: bool
    expired: int
    anonymised: int
    kept: int
    by_month: list[Month]


class Retried(Answer):
    incident: str
    state: Literal["retried"]


class Figures(BaseModel):
    """The report of `duban figures --json` (docs/figures.md)."""

    first: date = Field(alias="from")
    last: date = Field(alias="to")
    made_at: datetime
    by: list[str]
    total: dict[str, Any] | None
    rows: list[dict[str, Any]]
    notes: list[str]


class Suggestion(Answer):
    id: int
    status: Literal["open", "accepted", "rejected", "done"]
    text: str
    number: str | None
    owner_group: str
    by: str
    at: datetime
    reason: str | None
    decided_by: str | None
    decided_at: At


class Now(Answer):
    now: datetime


class Ticket(BaseModel):
    """A trouble ticket of TMF621 v5; docs/tmf621.md says what is in it."""

    type_: Literal["TroubleTicket"] = Field(alias="@type")
    id: str
    href: str
    name: str | None = None
    description: str | None = None
    severity: Literal["Minor", "Major", "Critical"] | None = None
    ticket_type: Literal["complaint"] | None = Field(None, alias="ticketType")
    status: Literal["acknowledged", "inProgress", "resolved", "closed", "cancelled"] | None = None
    creation_date: At = Field(None, alias="creationDate")
    last_update: At = Field(None, alias="lastUpdate")
    expected_resolution_date: At = Field(None, alias="expectedResolutionDate")
    resolution_date: At = Field(None, alias="resolutionDate")


class Problem(BaseModel):
    """RFC 9457."""

    type: str = Field(examples=["/problems/refused"])
    title: str
    status: int
    detail: str
    error: str
