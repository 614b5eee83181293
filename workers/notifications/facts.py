"""Which facts a notification template may use: the declaration in templates/notifications/facts.json."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from workers.errors import Broken

FILE = "facts.json"

Channel = Literal["sms", "email"]


class Fact(BaseModel):
    """One fact: what it is (for designers), of which type, and an example.

    Types: `text` and `url` are strings, `word` has a label in labels.json, `words` is a list of such words,
    `instant` a point in time. An optional fact may be null, and every template must read well without it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: Literal["text", "url", "word", "words", "instant"]
    zh: str
    en: str
    example: str | list[str]
    optional: bool = False
    quoted: bool = False
    """The customer's own word (a name, a product): the wording check lets it pass."""

    def accepts(self, value: object) -> bool:
        """Is this a value of the declared type?"""
        if value is None:
            return self.optional
        if self.type == "instant":
            return isinstance(value, datetime) and value.tzinfo is not None
        if self.type == "words":
            return isinstance(value, list) and all(isinstance(word, str) for word in value)
        return isinstance(value, str)

    def example_value(self) -> Any:
        """The example as a template receives it. Raises ValueError when it is not of the declared type."""
        value = datetime.fromisoformat(str(self.example)) if self.type == "instant" else self.example
        if not self.accepts(value):
            raise ValueError(f"the example is no {self.type}")
        return value


class Event(BaseModel):
    """One kind of notification: who gets it, about what, when, and the facts only it has."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    to: Literal["customer", "staff", "authority"]
    about: Literal["complaint", "incident", "case", "retention-run"] = "complaint"
    """Whose facts its texts have; `case`: those that a complaint and an incident both have."""
    contact: bool = False
    """For customers: whom to speak to, where the complaint names somebody else, is told as well (rule B11)."""
    zh: str
    en: str
    facts: dict[str, Fact] = Field(default_factory=dict)


class Facts(BaseModel):
    """The whole declaration."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    standard: dict[str, Fact]
    customer: dict[str, Fact]
    staff: dict[str, Fact]
    authority: dict[str, Fact] = Field(default_factory=dict)
    """What a regulator or hotline is told of a complaint beside the standard facts."""
    case: dict[str, Fact] = Field(default_factory=dict)
    """What staff are told of any case, be it a complaint or an incident."""
    incident: dict[str, Fact] = Field(default_factory=dict)
    """What staff are told of an incident beside that."""
    run: dict[str, Fact] = Field(default_factory=dict)
    """What staff are told of a run of record retention, instead of the facts of a case."""
    events: dict[str, Event]

    @classmethod
    def load(cls, folder: Path) -> Facts:
        """Reads `facts.json` of the notifications folder. Raises Broken, naming file and cause."""
        path = folder / FILE
        try:
            return cls.model_validate_json(path.read_bytes())
        except OSError as error:
            raise Broken(f"notifications/{FILE} cannot be read: {error.strerror}") from error
        except ValidationError as error:
            first = error.errors(include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            raise Broken(f"notifications/{FILE} is not valid: {where} {first['msg']}") from error

    def of(self, event: str) -> dict[str, Fact]:
        """Every fact that the templates of an event have. Raises Broken when the event isn't declared."""
        declared = self.events.get(event)
        if declared is None:
            raise Broken(f"notifications/{FILE} declares no event '{event}'")
        own = {"customer": self.customer, "staff": self.staff, "authority": self.authority}[declared.to]
        known = {
            "complaint": self.standard | own,
            "incident": self.case | self.incident,
            "case": self.case,
            "retention-run": self.run,
        }
        return known[declared.about] | declared.facts

    def chosen(self, event: str, given: Mapping[str, object]) -> dict[str, object]:
        """The declared facts out of what is given. Raises Broken for one missing or of another type."""
        chosen: dict[str, object] = {}
        for name, fact in self.of(event).items():
            if name not in given:
                raise Broken(f"notification '{event}' needs the fact '{name}'")
            if not fact.accepts(given[name]):
                raise Broken(f"notification '{event}' needs the fact '{name}' as {fact.type}")
            chosen[name] = given[name]
        return chosen

    def written(self, event: str, given: Mapping[str, object], *, quoted: bool) -> list[str]:
        """The texts of the given facts that are the customer's own words, or those that are ours."""
        facts = self.of(event)
        return [
            value
            for name, value in given.items()
            if isinstance(value, str) and name in facts and facts[name].quoted is quoted
        ]

    def examples(self, event: str, *, bare: bool = False) -> dict[str, object]:
        """Example facts of an event; `bare` leaves out what is optional."""
        return {
            name: None if bare and fact.optional else fact.example_value()
            for name, fact in self.of(event).items()
        }
