"""Pages and API on the parts of an instance.

Half of all that a start has to import is for them: `up` imports this module while the engine starts.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from fastapi import FastAPI

from workers.bootstrap.engine_room import engine_room
from workers.bootstrap.figures import figure_source
from workers.bootstrap.parts import Parts
from workers.bootstrap.resources import templates_dir
from workers.cases.passwords import Passwords
from workers.desk.app import create_app
from workers.desk.appeal_windows import appeal_windows
from workers.desk.fault_guides import FaultGuides
from workers.desk.front_desk import FrontDesk
from workers.desk.health import HealthCheck
from workers.desk.provider import Provider
from workers.desk.records import retention_rules
from workers.desk.services import DeskServices, House, SigningIn
from workers.engine.gateway import Gateway
from workers.engine.incidents import Incidents
from workers.engine.models import Models
from workers.engine.user_tasks import UserTasks
from workers.settings import Settings
from workers.store import staff
from workers.store.timeline_words import TimelineWords


@dataclass(frozen=True)
class Running:
    """What pages and API need of an instance that runs, besides its parts.

    Attributes:
        token: of the instance's own commands.
        is_demo: there are demo accounts.
        wake_relay: from any thread: the engine is owed something.
        advance_clock: moves the test clock; None: no such clock.
    """

    token: str
    is_demo: bool
    models: Models
    gateway: Gateway
    user_tasks: UserTasks
    passwords: Passwords
    wake_relay: Callable[[], None]
    health: HealthCheck
    advance_clock: Callable[[timedelta], Awaitable[datetime]] | None


def app_of(parts: Parts, running: Running) -> FastAPI:
    """The web application."""
    settings, models = parts.settings, running.models
    incidents, templates = Incidents(running.gateway), templates_dir(settings)
    return create_app(
        DeskServices(
            database=parts.database,
            clock=parts.clock,
            user_tasks=running.user_tasks,
            incidents=incidents,
            engine_room=engine_room(parts, models, running.gateway, incidents),
            wake_relay=running.wake_relay,
            policies=models.policies(),
            health=running.health,
            token=running.token,
            labels=parts.labels,
            wording=parts.wording,
            messenger=parts.messenger,
            files=parts.files,
            evidence=settings.evidence,
            rights=parts.rights,
            front_desk=FrontDesk.load(templates, models.policies()),
            fault_guides=FaultGuides(models, templates),
            retention_rules=retention_rules(models),
            appeal_windows=appeal_windows(models),
            timeline_words=TimelineWords.load(templates),
            signing_in=_signing_in(parts, running),
            is_sample_staff=settings.staff_file is None,
            advance_clock=running.advance_clock,
            figures=figure_source(settings, models),
            api=settings.api,
            house=_house(settings),
            hosts=_hosts(settings),
        )
    )


def _signing_in(parts: Parts, running: Running) -> SigningIn:
    settings = parts.settings
    return SigningIn(
        running.passwords,
        settings.login,
        is_required=settings.web.login == "required",
        is_demo=running.is_demo,
        public_url=settings.web.public_url,
        provider=Provider(settings.oidc, parts.clock) if settings.oidc.issuer else None,
        groups=frozenset(running.models.groups() | parts.rights.named() | staff.OWN_GROUPS),
    )


def _house(settings: Settings) -> House:
    """What the operator is called, as in the messages."""
    told = settings.notifications
    return House(told.organisation, told.organisation_en, told.hotline)


def _hosts(settings: Settings) -> frozenset[str]:
    """Names, beside the loopback ones, by which browsers may call this server."""
    named = {settings.web.host, urlsplit(settings.web.public_url or "").hostname}
    named |= {host.strip() for host in settings.web.allowed_hosts.split(",")}
    return frozenset(host for host in named if host)
