"""The dictionary of process variables: which there are, and what each may be. Data of the designers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from jsonschema import Draft202012Validator, FormatChecker

from workers.errors import Refused

_FORMATS: Final = FormatChecker(formats=("date",))


@_FORMATS.checks("date-time", raises=ValueError)
def _is_instant(value: object) -> bool:
    """With a zone: a timer that reads one without would not know when."""
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


@dataclass(frozen=True)
class Dictionary:
    """What bpmn/variables.schema.json says, by the name of the variable."""

    variables: Mapping[str, Mapping[str, Any]]

    def check(self, values: Mapping[str, Any]) -> None:
        """Are these values that the processes understand?

        Raises:
            Refused: each that is not is named, with what it may be; never the value.
        """
        faults = [fault for name, value in sorted(values.items()) if (fault := self._fault(name, value))]
        if faults:
            raise Refused("；".join(faults))

    def says(self, name: str) -> str:
        """What a variable is, for people; empty for one that is not in the dictionary."""
        return str(self.variables.get(name, {}).get("description", ""))

    def _fault(self, name: str, value: Any) -> str | None:
        schema = self.variables.get(name)
        if schema is None:
            return f"没有变量 {name[:60]} There is no process variable {name[:60]}"
        if Draft202012Validator(_strict(name, schema), format_checker=_FORMATS).is_valid(value):
            return None
        return f"{name} 的值不对，应为 {_expected(schema)} The value of {name} is not {_expected(schema)}"


def _strict(name: str, schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """A text that is called `…_at` is an instant, whether or not its line in the dictionary says so."""
    return {**schema, "format": "date-time"} if name.endswith("_at") else schema


def _expected(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return " | ".join(str(each) for each in schema["enum"])[:200]
    kinds = schema.get("type", "any")
    kind = "/".join(kinds) if isinstance(kinds, list) else str(kinds)
    examples = schema.get("examples") or []
    limits = [
        f"{word} {schema[word]}" for word in ("minimum", "maximum", "pattern", "format") if word in schema
    ]
    return " ".join([kind, *limits, *([f"例如 e.g. {examples[0]}"] if examples else [])])[:200]
