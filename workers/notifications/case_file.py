"""The whole case as one readable page: registration, process, evidence, result, survey (rules B7, A8, B10)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from jinja2 import FileSystemLoader, StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from workers.cases import masking
from workers.errors import Broken
from workers.names import SHANGHAI
from workers.notifications.labels import Labels
from workers.settings import Settings
from workers.store import case_view, complaints, evidence
from workers.store.outbox import Transaction
from workers.store.timeline_words import TimelineWords

TEMPLATE: Final = "case-file.html"
_FOR_CUSTOMERS: Final = frozenset({"customer_reply", "withdrawal_reason", "survey_comment", "appeal_reason"})
"""What the customer wrote, or was told in writing; other answers are notes between staff."""
_OUR_PEOPLE: Final = frozenset({"assigned", "accepted", "appeal-assigned", "staff-told"})
"""Entries that name members of staff."""


class CaseFiles:
    """Renders case files from templates/case-file."""

    def __init__(self, templates: Path, settings: Settings) -> None:
        self._labels = Labels.load(templates)
        self._words = TimelineWords.load(templates)
        self._told = settings.notifications
        self._environment = ImmutableSandboxedEnvironment(
            loader=FileSystemLoader(templates / "case-file"), autoescape=True, undefined=StrictUndefined
        )
        self._environment.filters |= {"moment": _moment, "word": self._word}

    def render(self, tx: Transaction, number: str, audience: str, now: datetime) -> str:
        """The page.

        Args:
            audience: `authority`: everything, unmasked; `customer`: what concerns the customer, staff and personal
                data masked.

        Raises:
            Broken: the template is faulty.
        """
        is_whole = audience == "authority"
        case = case_view.show(tx, number, self._words, now=now, with_text=True)
        personal = case.pop("personal")
        complaint = complaints.get(tx, number)
        view = {
            "case": case if is_whole else _without_staff(case),
            "personal": personal,
            "customer": personal if is_whole else case["customer"] | _masked_number(personal),
            "region": " ".join(part for part in complaints.region(complaint).model_dump().values() if part),
            "evidence": evidence.of(tx, number),
            "answers": [each for each in personal["answers"] if is_whole or each["field"] in _FOR_CUSTOMERS],
            "is_whole": is_whole,
            "now": now,
            "organisation": self._told.organisation,
            "organisation_en": self._told.organisation_en,
        }
        try:
            return self._environment.get_template(TEMPLATE).render(view)
        except TemplateError as error:
            raise Broken(f"case-file/{TEMPLATE} cannot be filled in: {error}") from error

    def _word(self, value: str | None, kind: str = "") -> str:
        return f"{self._labels.zh(value, kind)} {self._labels.en(value, kind)}" if value else "—"


def _without_staff(case: Mapping[str, Any]) -> dict[str, Any]:
    """The process record as the customer may have it: who of the staff did what is left out."""
    kept = [entry for entry in case["timeline"] if entry["code"] not in _OUR_PEOPLE]
    return {**case, "timeline": kept}


def _masked_number(personal: Mapping[str, Any]) -> dict[str, Any]:
    number = personal["customer_no"]
    return {"customer_no": masking.phone(number) if number else None}


def _moment(at: datetime | str | None) -> str:
    if at is None:
        return "—"
    instant = datetime.fromisoformat(at) if isinstance(at, str) else at
    return f"{instant.astimezone(SHANGHAI):%Y-%m-%d %H:%M}"
