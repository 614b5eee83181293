"""A complaint as it comes in, by whichever channel (rules A1, A2): one JSON object, checked strictly."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import Annotated, Any, Final

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from workers.cases.contact import Email, Phone
from workers.cases.intake_words import CHANNELS, FLAGS
from workers.cases.readable import Line, Note, Story, Word
from workers.cases.region import Region
from workers.errors import Refused
from workers.names import SHANGHAI

MAX_LINE_BYTES: Final = 256 * 1024
CLOCK_SKEW: Final = timedelta(minutes=5)
"""How far in the future `occurred_at` may be: clocks of other systems are never quite right."""

_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:?\d\d)?", re.ASCII)


def _instant(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError("must be a string such as 2026-11-22T20:10:00+08:00")
    try:
        if not _TIME.fullmatch(value):
            raise ValueError
        found = datetime.fromisoformat(value)
        # People in China write the time of their wall; it has one zone.
        return (found if found.tzinfo else found.replace(tzinfo=SHANGHAI)).astimezone(SHANGHAI)
    except (ValueError, OverflowError):
        raise ValueError("must be a date and time such as 2026-11-22T20:10:00+08:00") from None


def _or_empty(empty: Callable[[], object]) -> BeforeValidator:
    """A field that may be left out may be null as well."""
    return BeforeValidator(lambda value: empty() if value is None else value)


Slug = Annotated[str, StringConstraints(strict=True, pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=64)]
Instant = Annotated[datetime, BeforeValidator(_instant)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Customer(_Part):
    """Who complains. A phone number or an e-mail address is required: a customer number alone reaches nobody
    without a customer system, and this service has none.
    """

    name: Line | None = None
    phone: Phone | None = None
    email: Email | None = None
    customer_no: Word | None = None

    @model_validator(mode="after")
    def _can_be_reached(self) -> Customer:
        if self.phone is None and self.email is None:
            raise ValueError("needs a phone or an email: a way to reach the customer")
        return self

    @property
    def key(self) -> str:
        """Who this is, for recurrence (rule A11): by customer number, else phone, else e-mail address."""
        if self.customer_no is not None:
            return f"no:{self.customer_no}"
        if self.phone is not None:
            return f"phone:{self.phone}"
        return f"email:{str(self.email).lower()}"


class Contact(_Part):
    """Whom to speak to, where that is not the account holder (rule B11)."""

    name: Line | None = None
    phone: Phone


class ComplaintLine(_Part):
    """A complaint line, valid and in one spelling: phone E.164, times in Asia/Shanghai, no blank margins."""

    policy: Slug
    channel: Slug
    text: Story
    customer: Customer
    contact: Contact | None = None
    calls_on_holidays: Annotated[bool, _or_empty(bool)] = False
    """The customer asked to be called on holidays, too."""
    region: Annotated[Region, _or_empty(dict)] = Region()
    product: Word | None = None
    occurred_at: Instant | None = None
    impact: Note | None = None
    external_ref: Line | None = None
    flags: Annotated[list[Slug], Field(max_length=len(FLAGS)), _or_empty(list)] = []

    @field_validator("policy")
    @classmethod
    def _known_policy(cls, value: str, info: ValidationInfo) -> str:
        policies = (info.context or {}).get("policies")
        return value if policies is None else _one_of(value, policies)

    @field_validator("channel")
    @classmethod
    def _known_channel(cls, value: str) -> str:
        return _one_of(value, CHANNELS)

    @field_validator("flags")
    @classmethod
    def _known_flags(cls, value: list[str]) -> list[str]:
        return sorted({_one_of(flag, FLAGS) for flag in value})

    @field_validator("occurred_at")
    @classmethod
    def _not_in_the_future(cls, value: datetime | None, info: ValidationInfo) -> datetime | None:
        now = (info.context or {}).get("now")
        if value is not None and now is not None and value > now + CLOCK_SKEW:
            raise ValueError("is in the future")
        return value


def parse_line(
    raw: bytes | str, *, policies: Collection[str] | None = None, now: datetime | None = None
) -> ComplaintLine:
    """Reads one line.

    Args:
        raw: the line, UTF-8.
        policies: the policies that the models know; None: any well-formed one.
        now: the present; None: `occurred_at` may be in the future.

    Raises:
        Refused: one sentence with the field and what is wrong with it. It never repeats personal data.
    """
    return check(_decode(raw), policies=policies, now=now)


def check(
    document: object, *, policies: Collection[str] | None = None, now: datetime | None = None
) -> ComplaintLine:
    """The same for a document that is JSON already, e.g. the fields of a web form. Raises Refused."""
    if not isinstance(document, dict):
        raise Refused("A complaint must be a JSON object.")
    try:
        return ComplaintLine.model_validate(document, context={"policies": policies, "now": now})
    except ValidationError as error:
        raise Refused(_sentence(error)) from None


def _decode(raw: bytes | str) -> object:
    try:
        line = raw.encode() if isinstance(raw, str) else raw
        if len(line) > MAX_LINE_BYTES:
            raise Refused(f"The line is longer than {MAX_LINE_BYTES // 1024} KiB.")
        text = line.decode().removeprefix("\ufeff")
    except UnicodeError:
        raise Refused("The line is not UTF-8 text.") from None
    if not text.strip():
        raise Refused("The line is empty.")
    try:
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise Refused(f"The line is no JSON: {error.msg} at character {error.pos + 1}.") from None
    except RecursionError:
        raise Refused("The line is nested too deeply.") from None
    except ValueError:
        raise Refused("The line is no JSON: a number has too many digits.") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise Refused(f"The field {_shown(twice)} is there twice.")
    return found


def _no_constant(name: str) -> object:
    raise Refused(f"The line is no JSON: {name} is no number.")


def _one_of(value: str, known: Collection[str]) -> str:
    if value not in known:
        raise ValueError(f"is {value!r}, but must be one of {', '.join(sorted(known))}")
    return value


_REASONS: Final = {
    "missing": "is missing",
    "extra_forbidden": "is not a field of a complaint",
    "string_type": "must be a string",
    "list_type": "must be a list",
    "bool_type": "must be true or false",
    "model_type": "must be an object",
    "too_long": "has too many entries",
    "string_too_short": "is blank",
    "string_pattern_mismatch": "must be lower-case words joined by hyphens, such as service-desk",
    "string_unicode": "contains a character that is none",
}


def _sentence(error: ValidationError) -> str:
    problem = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(_shown(str(part)) for part in problem["loc"]) or "A name"
    match problem["type"]:
        case "value_error":
            reason = str(problem["ctx"]["error"])
        case "string_too_long":
            reason = f"is longer than {problem['ctx']['max_length']} characters"
        case kind:
            reason = _REASONS.get(kind, "is of the wrong kind")
    return f"{where} {reason}."


def _shown(name: str) -> str:
    """A name that the sender made up, safe to print: short and in ASCII."""
    return name[:40].encode("ascii", "backslashreplace").decode() + ("…" if len(name) > 40 else "")
