"""One check per kind of form field. A check takes the answer and returns what is kept, or raises Wrong."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any, Final

from workers.errors import Broken

TEXT_TYPES: Final = frozenset({"textfield", "textarea"})
EMPTY: Final[dict[str, Any]] = {"checkbox": False, "checklist": [], "taglist": []}
"""What form-js submits for a field that was left alone; null for every type that is not here."""

_EXACT: Final = 2**53
"""Beyond this a JSON number is not the same number in every program."""
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_PHONE = re.compile(r"\+?[0-9()\-\s]{3,32}")


class Wrong(Exception):  # noqa: N818 - reads as the word it is
    """The rest of a sentence that begins with the field's key."""


@dataclass(frozen=True)
class Rules:
    """What a field allows."""

    is_required: bool = False
    min_length: int | None = None
    max_length: int | None = None
    pattern: re.Pattern[str] | None = None
    validation_type: str | None = None
    minimum: float | None = None
    maximum: float | None = None
    decimal_digits: int | None = None
    is_string: bool = False
    options: tuple[tuple[Any, str], ...] = ()
    subtype: str = "date"
    time_format: str = "utc_offset"
    refuses_past: bool = False
    default: Any = None

    @classmethod
    def read(cls, component: Mapping[str, Any]) -> Rules:
        """Reads a form-js component. Raises Broken where a rule cannot be checked on the server."""
        key, validate = component.get("key"), component.get("validate") or {}
        pattern = validate.get("pattern")
        try:
            compiled = re.compile(pattern) if pattern else None
        except re.error as error:
            raise Broken(f"the pattern of {key} is not a regular expression: {error}") from error
        return cls(
            is_required=bool(validate.get("required")),
            min_length=_whole(validate.get("minLength"), key),
            max_length=_whole(validate.get("maxLength"), key),
            pattern=compiled,
            validation_type=validate.get("validationType"),
            minimum=_number(validate.get("min"), key),
            maximum=_number(validate.get("max"), key),
            decimal_digits=_whole(component.get("decimalDigits"), key),
            is_string=bool(component.get("serializeToString")),
            options=_options(component),
            subtype=component.get("subtype", "date"),
            time_format=component.get("timeSerializingFormat", "utc_offset"),
            refuses_past=bool(component.get("disallowPassedDates")),
            default=component.get("defaultValue"),
        )

    def limits(self) -> dict[str, Any]:
        """The limits that are set, for people and scripts."""
        told = {
            "min_length": self.min_length,
            "max_length": self.max_length,
            "pattern": self.pattern.pattern if self.pattern else None,
            "format": self.validation_type,
            "min": self.minimum,
            "max": self.maximum,
            "decimal_digits": self.decimal_digits,
        }
        return {name: value for name, value in told.items() if value not in (None, "", "custom")}

    def allowed(self, kind: str) -> str:
        """What may be answered, in words."""
        if kind in TEXT_TYPES:
            return "a text"
        if kind == "number":
            return "a number"
        if kind == "checkbox":
            return "it must be true"
        if kind == "datetime":
            return _EXAMPLES[self.subtype]
        some = "one of " if kind in {"radio", "select"} else "a list out of "
        return some + ", ".join(_shown(value) for value, _ in self.options)


def is_empty(kind: str, value: Any) -> bool:
    """Was nothing answered? An unticked checkbox counts as nothing, as in form-js."""
    if kind == "checkbox":
        return value is None or value is False
    if kind in {"checklist", "taglist"}:
        return value is None or value == []
    return value is None or (isinstance(value, str) and not value.strip())


def _check_text(value: Any, rules: Rules, now: datetime | None) -> str:
    if not isinstance(value, str):
        raise Wrong(f"must be a text, not {_kind(value)}")
    if _CONTROL.search(value):
        raise Wrong("holds a NUL or another control character")
    length = len(value.strip())
    if rules.min_length is not None and length < rules.min_length:
        raise Wrong(f"needs at least {rules.min_length} characters, has {length}")
    if rules.max_length is not None and length > rules.max_length:
        raise Wrong(f"may have at most {rules.max_length} characters, has {length}")
    if rules.pattern is not None and not rules.pattern.search(value):
        raise Wrong(f"must match the pattern {rules.pattern.pattern}")
    if rules.validation_type == "email" and not _EMAIL.fullmatch(value.strip()):
        raise Wrong("must be an e-mail address")
    if rules.validation_type == "phone" and not _PHONE.fullmatch(value.strip()):
        raise Wrong("must be a phone number")
    return value


def _check_number(value: Any, rules: Rules, now: datetime | None) -> Any:
    if rules.is_string and isinstance(value, str) and re.fullmatch(r"-?\d{1,15}(\.\d{1,15})?", value):
        number: float = float(value)
    elif isinstance(value, bool) or not isinstance(value, int | float):
        raise Wrong(f"must be a number, not {_kind(value)}")
    elif isinstance(value, float) and not math.isfinite(value):
        raise Wrong("must be a finite number")
    else:
        number = value
    if abs(number) > _EXACT:
        raise Wrong("is too large a number to be carried exactly")
    if rules.minimum is not None and number < rules.minimum:
        raise Wrong(f"must be at least {rules.minimum:g}")
    if rules.maximum is not None and number > rules.maximum:
        raise Wrong(f"must be at most {rules.maximum:g}")
    if rules.decimal_digits is not None and round(number, rules.decimal_digits) != number:
        raise Wrong(f"may have {rules.decimal_digits} digits after the point")
    return str(value) if rules.is_string else value


def _check_checkbox(value: Any, rules: Rules, now: datetime | None) -> bool:
    if not isinstance(value, bool):
        raise Wrong(f"must be true or false, not {_kind(value)}")
    return value


def _check_choice(value: Any, rules: Rules, now: datetime | None) -> Any:
    for option, _ in rules.options:
        if _same(value, option):
            return option
    raise Wrong(f"must be {rules.allowed('select')}")


def _check_choices(value: Any, rules: Rules, now: datetime | None) -> list[Any]:
    if not isinstance(value, list):
        raise Wrong(f"must be {rules.allowed('taglist')}")
    chosen: list[Any] = []
    for one in value:
        if not any(_same(one, option) for option, _ in rules.options):
            raise Wrong(f"must be {rules.allowed('taglist')}")
        if any(_same(one, other) for other in chosen):
            raise Wrong("names the same choice twice")
        chosen.append(one)
    return chosen


def _check_datetime(value: Any, rules: Rules, now: datetime | None) -> str:
    example = _EXAMPLES[rules.subtype]
    if not isinstance(value, str) or not _SHAPES[rules.subtype].fullmatch(value):
        raise Wrong(f"must be {example}")
    has_zone = bool(re.search(r"(Z|[+-]\d\d:\d\d)$", value)) and rules.subtype != "date"
    if rules.subtype != "date" and has_zone is (rules.time_format == "no_timezone"):
        raise Wrong("must have no offset" if has_zone else f"needs an offset: {example}")
    try:
        if rules.subtype == "time":
            time.fromisoformat(value)
            return value
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise Wrong(f"is no such day or time; it must be {example}") from None
    if rules.refuses_past and now is not None and moment.date() < _today(moment, now):
        raise Wrong("must not lie in the past")
    return value


def _today(moment: datetime, now: datetime) -> date:
    return now.astimezone(moment.tzinfo).date() if moment.tzinfo else now.date()


def _same(value: Any, option: Any) -> bool:
    if isinstance(value, bool) or isinstance(option, bool):
        return value is option
    if isinstance(value, int | float) and isinstance(option, int | float):
        return value == option
    return type(value) is type(option) and bool(value == option)


def _kind(value: Any) -> str:
    names: dict[type, str] = {
        bool: "true or false",
        int: "a number",
        float: "a number",
        str: "a text",
        list: "a list",
        dict: "an object",
    }
    return names.get(type(value), "null")


def _shown(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _options(component: Mapping[str, Any]) -> tuple[tuple[Any, str], ...]:
    if component["type"] not in {"radio", "select", "checklist", "taglist"}:
        return ()
    values = component.get("values")
    if not isinstance(values, list) or not values:
        raise Broken(
            f"{component.get('key')} needs static options; options from a variable cannot be checked here"
        )
    return tuple((each["value"], str(each.get("label", each["value"]))) for each in values)


def _whole(value: Any, key: object) -> int | None:
    number = _number(value, key)
    return None if number is None else int(number)


def _number(value: Any, key: object) -> float | None:
    if value is None or value == "":
        return None
    try:
        return int(value) if isinstance(value, int) or str(value).isdigit() else float(value)
    except (TypeError, ValueError):
        raise Broken(
            f"a limit of {key} is {value!r}: only plain numbers can be checked on the server"
        ) from None


_ZONE = r"(Z|[+-]\d\d:\d\d)?"
_SHAPES: Final = {
    "date": re.compile(r"\d{4}-\d\d-\d\d", re.ASCII),
    "time": re.compile(r"\d\d:\d\d(:\d\d)?" + _ZONE, re.ASCII),
    "datetime": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?" + _ZONE, re.ASCII),
}
_EXAMPLES: Final = {
    "date": "a day like 2026-03-01",
    "time": "a time like 09:30+08:00",
    "datetime": "an instant like 2026-03-01T09:30+08:00",
}

CHECKS: Final[dict[str, Callable[[Any, Rules, datetime | None], Any]]] = {
    "textfield": _check_text,
    "textarea": _check_text,
    "number": _check_number,
    "checkbox": _check_checkbox,
    "radio": _check_choice,
    "select": _check_choice,
    "checklist": _check_choices,
    "taglist": _check_choices,
    "datetime": _check_datetime,
}
"""Component type -> its check."""
