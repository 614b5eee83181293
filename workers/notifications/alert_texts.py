"""What an alert says: by e-mail from templates/alerts, to programs as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from jinja2 import ChoiceLoader, FileSystemLoader, TemplateError, TemplateNotFound, TemplateSyntaxError

from workers.errors import Broken
from workers.notifications import phrases
from workers.notifications.alert_lines import LINES, Line, as_json, lines
from workers.notifications.labels import Labels
from workers.notifications.render import SUBJECT_LIMIT, Rendered, sandbox
from workers.settings import Settings
from workers.store.alert_tables import Trouble
from workers.store.alerts import Telling

TELLINGS: Final[tuple[Telling, ...]] = ("raised", "reminded", "tested")
_FILES: Final = ("subject.txt", "body.txt", "body.html")
_NOW: Final = datetime(2026, 11, 24, 3, 20, tzinfo=UTC)
_URL: Final = "https://duban.example.com"


@dataclass(frozen=True)
class Told:
    """What an alert tells, the oldest first. `still` was told before and is not over, as far as it is listed."""

    number: str
    telling: Telling
    at: datetime
    begun: Sequence[Trouble] = ()
    ended: Sequence[Trouble] = ()
    still: Sequence[Trouble] = ()
    still_count: int = 0


class AlertTexts:
    """The folder `alerts` of the templates. Its e-mails are made from the frames of `notifications`.

    Args:
        folder: of the templates.
        labels: what people call the kinds of troubles (`alert:incident`) and reports.
    """

    def __init__(self, folder: Path, labels: Labels, settings: Settings) -> None:
        self._labels = labels
        own, shared = FileSystemLoader(folder / "alerts"), FileSystemLoader(folder / "notifications")
        self._environment = sandbox(ChoiceLoader([own, shared]), labels)
        told = settings.notifications
        self._house = {
            "organisation": told.organisation,
            "organisation_en": told.organisation_en,
            "hotline": told.hotline,
        }
        self._base = (settings.web.public_url or "").rstrip("/") or None

    def mail(self, told: Told) -> Rendered:
        """The e-mail. Raises Broken, naming the file: a template is faulty."""
        return self._render(told.telling, self._facts(told))

    def document(self, told: Told) -> str:
        """The JSON that the webhook takes (docs/alerting.md). Raises Broken as `mail`: it has the subject in it."""
        facts = self._facts(told)
        said: dict[str, Any] = {
            "type": f"alert.{told.telling}",
            "timestamp": told.at.isoformat(),
            "data": {
                "number": told.number,
                "summary": self._text(f"{told.telling}/subject.txt", facts),
                "url": f"{self._base}/operations/alerts" if self._base else None,
                "counts": {name: facts[f"{name}_count"] for name in ("begun", "ended", "still")},
                **{name: as_json(facts[name], self._base) for name in ("begun", "ended", "still")},
            },
        }
        return json.dumps(said, ensure_ascii=False)

    def check(self) -> list[str]:
        """What is wrong with the templates, a sentence each: every text is made, with all facts and with few."""
        problems = []
        for telling in TELLINGS:
            for told in (_full(telling), _bare(telling)):
                try:
                    self._render(telling, self._facts(told, None if told.still else _URL))
                except Broken as broken:
                    problems.append(str(broken))
                    break
        return problems

    def _facts(self, told: Told, base: str | None = None) -> dict[str, Any]:
        facts: dict[str, Any] = {
            "number": told.number,
            "now": told.at,
            "base": base or self._base,
            **self._house,
        }
        for name, troubles in (("begun", told.begun), ("ended", told.ended), ("still", told.still)):
            found: list[Line] = lines(troubles)
            facts[name], facts[f"{name}_more"] = found[:LINES], max(0, len(found) - LINES)
            facts[f"{name}_count"] = len(troubles)
        facts["still_count"] = told.still_count
        return facts

    def _render(self, telling: Telling, facts: dict[str, Any]) -> Rendered:
        subject, body, html = (self._text(f"{telling}/{name}", facts) for name in _FILES)
        return Rendered(phrases.one_line(subject)[:SUBJECT_LIMIT], phrases.readable(body), html)

    def _text(self, name: str, facts: dict[str, Any]) -> str:
        try:
            text = self._environment.get_template(name).render(facts)
        except TemplateNotFound as error:
            raise Broken(f"alerts/{error.name} does not exist") from error
        except TemplateSyntaxError as error:
            raise Broken(f"alerts/{error.name or name}:{error.lineno}: {error.message}") from error
        except TemplateError as error:
            raise Broken(f"alerts/{name}: {error.message or type(error).__name__}") from error
        except Exception as error:
            raise Broken(f"alerts/{name}: {type(error).__name__}") from error
        return phrases.one_line(text) if name.endswith("subject.txt") else text


def _full(telling: Telling) -> Told:
    """One of everything."""
    stuck = {"process": "refund-approval", "process_name": "退费审批", "element": "Task_PostRefund"}
    stuck |= {
        "element_name": "入账",
        "error_type": "JOB_NO_RETRIES",
        "says": "Unavailable: the ledger is away",
    }
    kinds: list[tuple[str, str | None, dict[str, Any]]] = [
        ("incident", "TS20261124-000123", stuck),
        ("dead-letter", "TS20261124-000124", {"channel": "sms", "says": "the SMS gateway answered 400"}),
        ("complaint-overdue", "TS20261124-000125", {"place": "江苏 南京"}),
        ("place-overdue", None, {"place": "江苏 南京", "overdue": 20}),
        ("report-overdue", "SJ20261124-0001", {"report": "first", "group": "city-duty"}),
        ("workers", None, {"job_type": "post-refund"}),
    ]
    found = [
        Trouble(kind=kind, cause="0123456789ab", number=number, facts=facts, since=_NOW)
        for kind, number, facts in kinds
    ]
    if telling == "tested":
        return Told("GJ20261124-000001", telling, _NOW)
    begun = found if telling == "raised" else []
    return Told("GJ20261124-000001", telling, _NOW, begun, begun, found, len(found))


def _bare(telling: Telling) -> Told:
    facts = {"process": "x", "process_name": "x", "element": "y", "element_name": "y", "error_type": "NEW"}
    found = [
        Trouble(kind="incident", cause="0123456789ab", facts=facts, since=_NOW),
        Trouble(
            kind="complaint-overdue", cause="x", number="TS20261124-000125", facts={"place": ""}, since=_NOW
        ),
        Trouble(
            kind="dead-letter", cause="x", number="TS20261124-000125", facts={"channel": "email"}, since=_NOW
        ),
    ]
    return Told("GJ20261124-000001", telling, _NOW, found if telling == "raised" else ())
