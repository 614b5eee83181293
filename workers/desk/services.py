"""What the desk works with: collaborators that bootstrap builds, by what the desk needs of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from workers.cases.passwords import Passwords
from workers.cases.retention import Rule
from workers.cases.rights import Rights
from workers.cases.wording import Wording
from workers.clock import Clock
from workers.desk.appeal_windows import Windows
from workers.desk.engine_room import EngineRoom
from workers.desk.fault_guides import FaultGuides
from workers.desk.figures import FigureSource
from workers.desk.front_desk import FrontDesk
from workers.desk.health import Health as Health
from workers.desk.health import HealthCheck
from workers.desk.provider import Provider
from workers.notifications.labels import Labels
from workers.notifications.messenger import Messenger
from workers.settings import ApiSettings, EvidenceSettings, LoginSettings
from workers.store.database import Database
from workers.store.file_store import FileStore
from workers.store.timeline_words import TimelineWords


class UserTaskPort(Protocol):
    """The engine's user tasks (workers.engine.user_tasks)."""

    async def complete(self, key: str, variables: Mapping[str, Any], action: str = ...) -> None:
        """Completes an open task; `action` is kept in the engine's records.

        Raises:
            NotFound, Conflict: it is not open in the engine. Refused: the engine does not take the variables.
            Unavailable: no answer; it may or may not be done.
        """
        ...

    async def assign(self, key: str, person: str, *, take_over: bool = ...) -> None:
        """Gives an open task to somebody. Raises Conflict when another has it and `take_over` is False; see above."""
        ...

    async def unassign(self, key: str) -> None:
        """Gives an open task back to its groups. Raises the same."""
        ...


class IncidentPort(Protocol):
    """The engine's incidents (workers.engine.incidents)."""

    async def resolve(self, key: str, job_key: str | None = None) -> None:
        """Gives the job its tries back and resolves the incident.

        Raises:
            NotFound, Conflict: it is not open in the engine. Unavailable: no answer.
        """
        ...


@dataclass(frozen=True)
class SigningIn:
    """How people sign in.

    Attributes:
        passwords: hashes and checks them.
        limits: of sessions and failed tries.
        is_required: pages are for people who are signed in.
        is_demo: demo accounts work.
        public_url: how the service is called from outside; with https, cookies are Secure.
        provider: the identity provider; None: only local accounts.
        groups: every group that there is.
    """

    passwords: Passwords
    limits: LoginSettings = field(default_factory=lambda: LoginSettings())
    is_required: bool = True
    is_demo: bool = False
    public_url: str | None = None
    provider: Provider | None = None
    groups: frozenset[str] = frozenset()


@dataclass(frozen=True)
class House:
    """What the operator is called, and where customers call."""

    organisation: str = "客户服务中心"
    organisation_en: str = "Customer Service Centre"
    hotline: str = "10000"


@dataclass(frozen=True)
class DeskServices:
    """Everything the desk needs.

    Attributes:
        engine_room: what operations need of the engine.
        wake_relay: told that the engine is owed a message; may be called from any thread.
        policies: the policies that the deployed decision tables know.
        health: for /readyz.
        token: what a caller of the API shows.
        labels: words of the process for people.
        signing_in: how people sign in.
        is_sample_staff: the sample directory is in use: names that are not in it may act, too.
        advance_clock: moves the test clock, returns when what that sets off has settled; None: no such clock.
        files: where evidence and case files are.
        evidence: how much of it is taken.
        rights: which groups may mark, and read what is not for everybody.
        front_desk: what the front desk chooses from.
        fault_guides: what the front desk asks about a fault, and what comes next.
        retention_rules: how long records are kept, by policy.
        appeal_windows: how long after the closing an appeal is taken.
        wording: the words that may not be written, and where.
        messenger: writes to the customers of an event.
        timeline_words: what the timeline says; None: as shipped.
        figures: what figures need beside the store.
        api: how long answers are kept for requests that are sent again.
        house: what customers' pages say of the operator.
        hosts: names under which this server is spoken to, beside the loopback ones.
    """

    database: Database
    clock: Clock
    user_tasks: UserTaskPort
    incidents: IncidentPort
    engine_room: EngineRoom
    wake_relay: Callable[[], None]
    policies: Collection[str]
    health: HealthCheck
    token: str
    labels: Labels
    wording: Wording
    messenger: Messenger
    files: FileStore
    evidence: EvidenceSettings
    rights: Rights
    front_desk: FrontDesk
    fault_guides: FaultGuides
    retention_rules: Sequence[Rule]
    signing_in: SigningIn
    appeal_windows: Windows
    is_sample_staff: bool
    advance_clock: Callable[[timedelta], Awaitable[datetime]] | None = None
    timeline_words: TimelineWords | None = None
    api: ApiSettings = field(default_factory=lambda: ApiSettings())
    house: House = field(default_factory=House)
    figures: FigureSource = field(default_factory=FigureSource)
    hosts: frozenset[str] = field(default_factory=frozenset)
