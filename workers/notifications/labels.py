"""What people call the words of the process (categories, priorities, tiers, groups, fields): labels.json."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from workers.errors import Broken

FILE = "labels.json"


class Label(BaseModel):
    """One word in Chinese and in English."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    zh: str
    en: str


_LABELS = TypeAdapter(dict[str, Label])


@dataclass(frozen=True)
class Labels:
    """Words and their labels.

    A key is a word (`tariff-billing`), or `kind:word` where one word has two meanings (`field:city` is where
    the customer lives, `city` the tier). A word without a label is shown as it is: products may be new.
    """

    words: Mapping[str, Label]

    @classmethod
    def load(cls, folder: Path) -> Labels:
        """Reads `labels.json` of the templates folder. Raises Broken, naming file and cause."""
        path = folder / FILE
        try:
            return cls(_LABELS.validate_json(path.read_bytes()))
        except OSError as error:
            raise Broken(f"{FILE} cannot be read: {error.strerror}") from error
        except ValidationError as error:
            first = error.errors(include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            raise Broken(f"{FILE} is not a table of words with zh and en: {where} {first['msg']}") from error

    def zh(self, word: str, kind: str = "") -> str:
        """The Chinese label of a word."""
        label = self._find(word, kind)
        return label.zh if label else word

    def en(self, word: str, kind: str = "") -> str:
        """The English label of a word."""
        label = self._find(word, kind)
        return label.en if label else word

    def _find(self, word: str, kind: str) -> Label | None:
        return self.words.get(f"{kind}:{word}") or self.words.get(word)
