"""A major event as somebody reports it (rule E1): one JSON object, checked strictly."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from workers.cases.complaint import Slug
from workers.cases.intake_words import FLAGS
from workers.cases.readable import Line, Story, Word
from workers.cases.region import Region
from workers.errors import Refused
from workers.names import Category

KINDS: Final = (
    "cluster-complaints",
    "hall-outage",
    "media-exposure",
    "regulator",
    "legal",
    "privacy-leak",
    "network-outage",
    "group-petition",
)
"""What may be a major event (rule E1). Decision `incident-level` says when it is one, and of which level."""

MOST: Final = 2_000_000_000
"""More people, or minutes, than there can be."""

_Count = Annotated[int, Field(strict=True, ge=0, le=MOST)]


class EventReport(BaseModel):
    """A report, valid and in one spelling."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    policy: Slug
    kind: Slug
    region: Region
    text: Story | None = None
    product: Word | None = None
    category: Slug | None = None
    """Complaints of this category (and product) from the place join the event by themselves; null: by hand only."""
    affected_users: _Count | None = None
    outage_minutes: _Count | None = None
    flags: Annotated[list[Slug], Field(max_length=len(FLAGS))] = []
    external_ref: Line | None = None

    @field_validator("policy")
    @classmethod
    def _known_policy(cls, value: str, info: ValidationInfo) -> str:
        policies = (info.context or {}).get("policies")
        return value if policies is None else _one_of(value, policies)

    @field_validator("kind")
    @classmethod
    def _known_kind(cls, value: str) -> str:
        return _one_of(value, KINDS)

    @field_validator("category")
    @classmethod
    def _known_category(cls, value: str | None) -> str | None:
        return value if value is None else _one_of(value, [each.value for each in Category])

    @field_validator("flags")
    @classmethod
    def _known_flags(cls, value: list[str]) -> list[str]:
        return sorted({_one_of(flag, FLAGS) for flag in value})

    @field_validator("region")
    @classmethod
    def _somewhere(cls, value: Region) -> Region:
        if not any((value.province, value.city, value.branch)):
            raise ValueError("names no place: give a province, a city or a branch")
        return value


class SignedReport(EventReport):
    """The same with who gives it."""

    person: str = Field(alias="as", strict=True, max_length=200)


def parse_report(raw: object, *, policies: Collection[str] | None = None) -> tuple[EventReport, str]:
    """The report in a JSON object, and who gives it: `as`.

    Args:
        raw: as parsed from JSON, or its text.
        policies: those the deployed tables know; None: any.

    Raises:
        Refused: it is no such object; names every field that is wrong and repeats nothing that was written.
    """
    try:
        found: Any = json.loads(raw) if isinstance(raw, str | bytes) else raw
    except (ValueError, RecursionError):
        raise Refused("an event is one JSON object") from None
    try:
        signed = SignedReport.model_validate(found, context={"policies": policies})
    except ValidationError as error:
        problems = (_sentence(problem) for problem in error.errors(include_input=False))
        raise Refused("; ".join(problems)) from None
    return signed, signed.person


def _sentence(problem: Any) -> str:
    where = ".".join(str(part) for part in problem["loc"]) or "the event"
    return f"{where}: {problem['msg'].removeprefix('Value error, ')}"


def _one_of(value: str, known: Collection[str]) -> str:
    if value not in known:
        raise ValueError(f"is none of {', '.join(sorted(known))}")
    return value
