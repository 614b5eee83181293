"""Checks answers against a Camunda form on the server, as the form itself does in the browser.

Text fields hold what people write (possibly personal data): those answers are the store's, not the engine's.
Every other answer is a process variable. As in form-js, lengths count the trimmed text, a pattern may match
anywhere, an unticked checkbox is ``false``, and a field that a condition hides is neither required nor asked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from workers.cases.form_conditions import Condition
from workers.cases.form_values import CHECKS, EMPTY, TEXT_TYPES, Rules, Wrong, is_empty
from workers.cases.wording import CONTEXTS, Context
from workers.errors import Broken, Refused

_CONTAINERS: Final = frozenset({"default", "group"})
_SILENT: Final = frozenset(
    {
        "text",
        "html",
        "image",
        "button",
        "spacer",
        "separator",
        "iframe",
        "table",
        "expression",
        "documentPreview",
    }
)


@dataclass(frozen=True)
class Validated:
    """Answers that fit the form.

    Attributes:
        variables: key -> JSON value for the engine; every field that is not text, null when unanswered.
        texts: key -> what was written, for the store; only what was written.
    """

    variables: dict[str, Any] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Field:
    """One question of a form."""

    key: str
    label: str
    type: str
    rules: Rules
    hide: Condition | None
    wording: Context = "answer"
    """What its text is, for the wording check: the component's property `wording`."""

    @property
    def is_text(self) -> bool:
        """Is the answer something a person wrote, which stays in the store?"""
        return self.type in TEXT_TYPES

    def described(self) -> dict[str, Any]:
        """The question as JSON: key, label, type, required, options; where set also limits, hidden_if;
        of a text also wording, which says what may be written there (docs/wording.md)."""
        told: dict[str, Any] = {
            "key": self.key,
            "label": self.label,
            "type": self.type,
            "required": self.rules.is_required,
            "options": [{"value": value, "label": label} for value, label in self.rules.options],
        }
        if limits := self.rules.limits():
            told["limits"] = limits
        if self.hide is not None:
            told["hidden_if"] = self.hide.expression.removeprefix("=").strip()
        if self.is_text:
            told["wording"] = self.wording
        return told


class Form:
    """A form schema as Camunda Modeler saves it.

    Args:
        schema: The parsed ``.form`` file.

    Attributes:
        person_keys: keys of read-only fields with the property ``source`` = ``person``: process variables that
            the server fills with the username of who completes the task, in the same step.

    Raises:
        Broken: the schema uses something that cannot be checked here, or two fields share a key.
    """

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self.id = str(schema.get("id", ""))
        self._fields: dict[str, Field] = {}
        self.person_keys = frozenset(
            str(component["key"]) for component in _components(schema, _names_person) if component.get("key")
        )
        for component in _components(schema):
            found = _field(component)
            if found.key in self._fields:
                raise Broken(f"the form “{self.id}” has two fields with the key {found.key}")
            self._fields[found.key] = found
        if twice := sorted(self.person_keys & self._fields.keys()):
            raise Broken(f"the form “{self.id}” has two fields with the key {twice[0]}")
        for each in self._fields.values():
            if each.hide is not None and (missing := each.hide.keys - set(self._fields)):
                raise Broken(
                    f"the condition of {each.key} reads {sorted(missing)}, which the form does not ask"
                )

    @property
    def fields(self) -> list[dict[str, Any]]:
        """The questions in order: key, label, type, required, options (see Field.described)."""
        return [each.described() for each in self._fields.values()]

    @property
    def labels(self) -> dict[str, str]:
        """Key -> label."""
        return {each.key: each.label for each in self._fields.values()}

    def worded(self, texts: Mapping[str, str]) -> list[tuple[str, Context, str]]:
        """Name, context and text of each of these texts, for the wording check."""
        asked = ((each, texts[each.key]) for each in self._fields.values() if each.key in texts)
        return [
            (f"{each.label}（{each.key}）" if each.label else each.key, each.wording, text)
            for each, text in asked
        ]

    def validate(self, answers: object, *, now: datetime | None = None) -> Validated:
        """Checks a JSON object of answers.

        Args:
            answers: key -> answer, as parsed from JSON.
            now: The present, for date fields that refuse the past.

        Raises:
            Refused: says every problem at once, by key, with what is allowed; never repeats a text.
        """
        if not isinstance(answers, Mapping):
            raise Refused('the answers must be a JSON object, like {"is_settled": true}')
        problems = [self._unknown(key) for key in answers if key not in self._fields]
        done = Validated()
        known = {each.key: _given(each, answers) for each in self._fields.values()}
        for each in self._fields.values():
            if each.hide is not None and each.hide.holds(known):
                if not is_empty(each.type, answers.get(each.key)):
                    problems.append(f"{each.key} is not asked when {each.described()['hidden_if']}")
                elif not each.is_text:
                    done.variables[each.key] = EMPTY.get(each.type)
                continue
            try:
                _accept(each, known[each.key], now, done)
            except Wrong as wrong:
                problems.append(f"{each.key}（{each.label}）{wrong}" if each.label else f"{each.key} {wrong}")
        if problems:
            raise Refused(f"the answers do not fit the form {self.id}: " + "; ".join(problems))
        return done

    def _unknown(self, key: object) -> str:
        shown = repr(str(key)[:40])
        if not self._fields:
            return f"{shown} is not asked (this form asks nothing)"
        return f"{shown} is not asked (asked: {', '.join(self._fields)})"


def _given(each: Field, answers: Mapping[str, Any]) -> Any:
    """The answer, or the form's default where nothing was said."""
    if each.key in answers:
        return answers[each.key]
    return each.rules.default if each.rules.default is not None else EMPTY.get(each.type)


def _accept(each: Field, value: Any, now: datetime | None, done: Validated) -> None:
    if is_empty(each.type, value):
        if each.rules.is_required:
            raise Wrong(f"is required: {each.rules.allowed(each.type)}")
        if not each.is_text:
            done.variables[each.key] = EMPTY.get(each.type)
        return
    checked = CHECKS[each.type](value, each.rules, now)
    if each.is_text:
        done.texts[each.key] = checked
    else:
        done.variables[each.key] = checked


def _asks(component: Mapping[str, Any]) -> bool:
    return not (component.get("disabled") or component.get("readonly"))


def _names_person(component: Mapping[str, Any]) -> bool:
    """Is the field filled with who answers, not by who answers?"""
    return (component.get("properties") or {}).get("source") == "person" and not _asks(component)


def _components(
    schema: Mapping[str, Any], wanted: Callable[[Mapping[str, Any]], bool] = _asks
) -> Iterator[Mapping[str, Any]]:
    """The components that ask something (or are `wanted`), groups opened, in order."""
    for component in schema.get("components", []):
        kind = component.get("type")
        if kind in _CONTAINERS:
            if component.get("path"):
                raise Broken(
                    f"the group {component.get('id')} has a path: nested answers are not supported, remove it"
                )
            if component.get("conditional", {}).get("hide"):
                raise Broken(f"the group {component.get('id')} has a condition: put it on its fields")
            yield from _components(component, wanted)
        elif kind in CHECKS:
            if wanted(component):
                yield component
        elif kind not in _SILENT:
            raise Broken(f"the form has a component of type {kind}, which cannot be checked on the server")


def _field(component: Mapping[str, Any]) -> Field:
    key = component.get("key")
    kind = component["type"]
    if not isinstance(key, str) or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,63}", key):
        raise Broken(f"a {kind} of the form has the key {key!r}: a key is 1 to 64 letters, digits and _")
    label = component.get("label") or component.get("dateLabel") or component.get("timeLabel") or ""
    hide = (component.get("conditional") or {}).get("hide")
    wording = (component.get("properties") or {}).get("wording", "answer")
    if wording not in CONTEXTS:
        raise Broken(f"the property wording of {key} is {wording!r}; it is one of {', '.join(CONTEXTS)}")
    return Field(key, str(label), kind, Rules.read(component), Condition(hide) if hide else None, wording)
