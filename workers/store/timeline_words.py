"""What the codes of the timeline say to people: templates timeline.json, with the words of labels.json."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Final, Self

from pydantic import TypeAdapter, ValidationError

from workers.errors import Broken
from workers.names import SHANGHAI

SENTENCES: Final = "timeline.json"
LABELS: Final = "labels.json"

Said = Mapping[str, str]
"""The same in two languages: zh and en."""

_PLACE: Final = re.compile(r"\{(\w+)\}")
_TABLE: Final = TypeAdapter(dict[str, dict[str, str]])
_YES: Final = {"zh": "是", "en": "yes"}
_NO: Final = {"zh": "否", "en": "no"}
_KINDS: Final = {"fields": "field", "event": "event", "by": "by", "mark": "mark", "evidence": "evidence"}
"""Facts whose words have a label of their own kind: `field:city` is not the tier `city`."""


@dataclass(frozen=True)
class TimelineWords:
    """Says what happened, Chinese first.

    Attributes:
        sentences: code -> sentence with {facts} in it.
        labels: word, or `kind:word` -> what people read.
    """

    sentences: Mapping[str, Said]
    labels: Mapping[str, Said]

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Reads both files of the templates folder. Raises Broken, naming file and fault."""
        return cls(_read(folder / SENTENCES), _read(folder / LABELS))

    def what(self, code: str, facts: Mapping[str, Any]) -> str:
        """One line in both languages. A code without a sentence stays as it is; no fact is a dash."""
        sentence = self.sentences.get(code)
        if sentence is None:
            return code
        return " · ".join(self._filled(sentence[language], facts, language) for language in ("zh", "en"))

    def _filled(self, sentence: str, facts: Mapping[str, Any], language: str) -> str:
        def word(place: re.Match[str]) -> str:
            name = place.group(1)
            return self._spoken(facts.get(name), _KINDS.get(name, ""), language)

        return _PLACE.sub(word, sentence)

    def _spoken(self, value: Any, kind: str, language: str) -> str:
        match value:
            case None:
                return "—"
            case bool():
                return (_YES if value else _NO)[language]
            case list():
                between = "、" if language == "zh" else ", "
                return between.join(self._spoken(each, kind, language) for each in value) or "—"
            case str():
                label = self.labels.get(f"{kind}:{value}") or self.labels.get(value)
                return label[language] if label else _moment(value)
            case _:
                return str(value)


@cache
def shipped() -> TimelineWords:
    """The words that come with the program."""
    package = Path(__file__).parent.parent
    folders = (package / "_shipped" / "templates", package.parent / "templates")
    return TimelineWords.load(next(folder for folder in folders if (folder / SENTENCES).exists()))


def _moment(text: str) -> str:
    """An instant as people read it; any other text as it is."""
    try:
        found = datetime.fromisoformat(text) if "T" in text else None
    except ValueError:
        return text
    return text if found is None or found.tzinfo is None else f"{found.astimezone(SHANGHAI):%Y-%m-%d %H:%M}"


def _read(path: Path) -> dict[str, dict[str, str]]:
    try:
        found = _TABLE.validate_json(path.read_bytes())
    except OSError as error:
        raise Broken(f"{path.name} can't be read: {error.strerror}") from error
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in problem["loc"])
        raise Broken(f"{path.name} is no table of words with zh and en: {where} {problem['msg']}") from None
    for code, said in found.items():
        if set(said) != {"zh", "en"}:
            raise Broken(f"{path.name}: {code} needs zh and en and nothing else")
    return found
