"""Where a customer turns whom we could not help: templates/authorities.json (rule B7)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from workers.errors import Broken
from workers.names import APPEAL_DEADLINE
from workers.store import appeals, deadlines
from workers.store.outbox import Transaction
from workers.store.tables import Complaint

FILE: Final = "authorities.json"


class _Said(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    zh: str
    en: str


class Authority(_Said):
    """An authority: what it is called, how it is reached, and by what name in single provinces."""

    phone: str
    website: str
    place: _Said
    provinces: dict[str, _Said] = Field(default_factory=dict)


_TABLE: Final = TypeAdapter(dict[str, Authority])


@dataclass(frozen=True)
class Authorities:
    """The authorities by the word that decision `appeal-rule` names."""

    known: dict[str, Authority]

    @classmethod
    def load(cls, templates: Path) -> Self:
        """Reads the file. Raises Broken, naming file and fault."""
        try:
            return cls(_TABLE.validate_json((templates / FILE).read_bytes()))
        except OSError as error:
            raise Broken(f"{FILE} cannot be read: {error.strerror}") from error
        except ValidationError as error:
            first = error.errors(include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            raise Broken(f"{FILE} is not valid: {where} {first['msg']}") from error

    def facts(self, word: str | None, province: str | None) -> dict[str, str | None]:
        """What a template says of an authority; all null where none is named.

        Raises:
            Broken: the word is not in the file.
        """
        if word is None:
            return dict.fromkeys(("authority_name", "authority_name_en", "authority_phone", "authority_url"))
        found = self.known.get(word)
        if found is None:
            raise Broken(f"{FILE} does not know {word!r}; it knows {', '.join(self.known)}")
        # 浙江 and 浙江省 are the same province.
        near = next(
            (said for name, said in found.provinces.items() if (province or "").startswith(name)), found
        )
        return {
            "authority_name": near.zh,
            "authority_name_en": near.en,
            "authority_phone": found.phone,
            "authority_url": found.website,
        }


@dataclass(frozen=True)
class AppealFacts:
    """What texts about an appeal may say besides the standard facts; null where there is no appeal."""

    authorities: Authorities

    @classmethod
    def load(cls, templates: Path) -> Self:
        """Reads authorities.json. Raises Broken."""
        return cls(Authorities.load(templates))

    def of(self, tx: Transaction, complaint: Complaint, used: Collection[str]) -> dict[str, Any]:
        """Number, decision and deadline of the appeal, and who comes after; nothing where the text uses none of it."""
        if not any(fact.startswith(("appeal_", "authority_")) for fact in used):
            return {}
        appeal = appeals.find(tx, complaint.number)
        due = (each.due_at for each in deadlines.of(tx, complaint.number) if each.kind == APPEAL_DEADLINE)
        return {
            "appeal_number": appeal.number if appeal else None,
            "appeal_finding": appeal.finding if appeal else None,
            "appeal_due_at": next(due, None),
            **self.authorities.facts(appeal.authority if appeal else None, complaint.province),
        }
