"""Words that are never said to a customer nor written in a work order, and what to say instead (rules D5, D6).

The words are data (templates/wording.json). They are found also with blanks or signs put between their characters,
in full or half width, in upper or lower case, and in traditional writing. A sign that ends a part of a sentence
separates words (“请重启系统，故障仍在”), unless there is one between all the characters (“黑,名,单”).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Annotated, Final, Literal, TypeAlias, get_args

import opencc
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from workers.errors import Broken, Refused

Context = Literal["message", "answer", "agreement", "note", "quoted"]
"""What a text is: a message to the customer, a work order's answer, a settlement agreement, an internal technical
note, or the customer's own words, which are never checked."""
CONTEXTS: Final[tuple[Context, ...]] = get_args(Context)
Level = Literal["refused", "advised"]
"""`refused`: the text is not taken. `advised`: it is, and better words are offered while it is written."""

_SEPARATORS: Final = frozenset("，。；：！？、,.;:!?…\n\r\v\f\u2028\u2029|/\\")
_SKIPPED: Final = frozenset("ZPSCM")
"""First letters of the Unicode categories that an eye reads over: blanks, punctuation, symbols, control, marks."""
_Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class Label(BaseModel):
    """The name of a context."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    zh: _Text
    en: _Text


class Rule(BaseModel):
    """Words that say the same, where they may not be, why, and what to write instead.

    `patterns` are regular expressions that see the text without blanks and signs, in simplified writing; one that
    begins with ^ may go across the parts of a sentence. A word
    inside one of `allowed_within` is meant otherwise and is let pass.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]*$")]
    rule: _Text
    words: tuple[_Text, ...] = Field(min_length=1)
    patterns: tuple[_Text, ...] = ()
    allowed_within: tuple[_Text, ...] = ()
    refused_in: frozenset[Context] = frozenset()
    advised_in: frozenset[Context] = frozenset()
    is_words_only_named: bool = False
    """The words name the rule in sentences; only the patterns are looked for."""
    zh: _Text
    en: _Text
    instead: tuple[_Text, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _holds_together(self) -> Rule:
        if not self.refused_in | self.advised_in or "quoted" in self.refused_in | self.advised_in:
            raise ValueError(
                f"{self.id}: say where it is refused or advised; the customer's own words never are"
            )
        if self.refused_in & self.advised_in:
            raise ValueError(f"{self.id}: a context is either refused or advised")
        if self.is_words_only_named and not self.patterns:
            raise ValueError(f"{self.id}: without its words it needs patterns")
        for pattern in self.patterns:
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"{self.id}: {pattern!r} is not a regular expression: {error}") from error
        return self

    def level(self, context: Context) -> Level | None:
        """How a text of this context with these words is treated; None: nothing is said about it."""
        if context in self.refused_in:
            return "refused"
        return "advised" if context in self.advised_in else None


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    contexts: dict[Context, Label]
    rules: tuple[Rule, ...]

    @model_validator(mode="after")
    def _is_whole(self) -> _File:
        if set(self.contexts) != set(CONTEXTS):
            raise ValueError(f"contexts must be exactly {', '.join(CONTEXTS)}")
        if len({rule.id for rule in self.rules}) != len(self.rules):
            raise ValueError("two rules have one id")
        for rule in self.rules:
            for other in self.rules:
                for text in rule.instead:
                    if any(other.level(c) == "refused" and _written(other, text) for c in rule.refused_in):
                        raise ValueError(f"{rule.id}: offers {text!r}, which {other.id} refuses itself")
        return self


@dataclass(frozen=True)
class Found:
    """A word of the list in a text. `start` and `end` are places in the text as it was written."""

    rule: Rule
    level: Level
    word: str
    """The word as the list has it; never a piece of the text itself."""
    start: int
    end: int


_LookedFor: TypeAlias = tuple[list[tuple[Rule, Level]], list[re.Pattern[str]]]


@dataclass(frozen=True)
class Wording:
    """The list of words.

    Args:
        contexts: their names for sentences.
        rules: in the order in which they are told.
    """

    contexts: dict[Context, Label]
    rules: tuple[Rule, ...]
    _by_context: dict[Context, _LookedFor] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @classmethod
    def read(cls, raw: bytes | str) -> Wording:
        """Reads the JSON of wording.json. Raises Broken where it is wrong, with the place."""
        try:
            file = _File.model_validate_json(raw)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            raise Broken(f"wording.json is not valid: {where} {first['msg']}".replace("  ", " ")) from error
        return cls(file.contexts, file.rules)

    def find(self, text: str, context: Context, *, quoted: Collection[str] = ()) -> list[Found]:
        """The words in a text, in the order in which they stand there.

        Args:
            quoted: pieces of the text that are the customer's own, e.g. a name; words inside them don't count.
        """
        rules, first_look = self._looked_for(context)
        kept = text.translate(_KEPT)
        if not any(pattern.search(kept) for pattern in first_look):
            return []
        seen = _Seen(text)
        excused = [span for piece in quoted if piece for span in _spans(text, piece)]
        found = [
            Found(rule, level, word, start, end)
            for rule, level in rules
            for word, start, end in _written_spans(rule, seen)
            if not any(left <= start and end <= right for left, right in excused)
        ]
        return sorted(found, key=lambda each: (each.start, -each.end))

    def _looked_for(self, context: Context) -> _LookedFor:
        """The rules of a context, and expressions one of which is found in every text that has a word of theirs."""
        if context not in self._by_context:
            rules = [(rule, level) for rule in self.rules if (level := rule.level(context)) is not None]
            searches = [search for rule, _ in rules for _, search in _searches(rule) if search.pattern]
            self._by_context[context] = rules, searches
        return self._by_context[context]

    def refused(self, text: str, context: Context, *, quoted: Collection[str] = ()) -> list[Found]:
        """The words for which the text may not be taken; once each. Arguments as for `find`."""
        found = [each for each in self.find(text, context, quoted=quoted) if each.level == "refused"]
        return list({(each.rule.id, each.word): each for each in found}.values())

    def sentence(self, found: Found, context: Context) -> str:
        """Which word, where it has no place, why, and what to write instead; in Chinese, then English."""
        offered = "”或“".join(found.rule.instead)
        return (
            f"“{found.word}”不得出现在{self.contexts[context].zh}中：{found.rule.zh}；可改为“{offered}”。"
            f" Not “{found.word}” in {self.contexts[context].en}: {found.rule.en}."
        )

    def check(self, texts: Iterable[tuple[str, Context, str]]) -> None:
        """Checks what a person wrote, before anything is changed.

        Args:
            texts: name of the field, its context, what was written there.

        Raises:
            Refused: every forbidden word, field by field, with what to write instead; repeats no text.
        """
        said = [
            f"{name}：{self.sentence(found, context)}" if name else self.sentence(found, context)
            for name, context, text in texts
            for found in self.refused(text, context)
        ]
        if said:
            raise Refused(
                "用语检查未通过，内容未提交。 The wording is refused; nothing was changed. " + " ".join(said)
            )


class _Seen:
    """A text as a reader sees it: without blanks and signs, one writing; and the way back to what was written."""

    def __init__(self, text: str) -> None:
        kept: list[str] = []
        self.places: list[int] = []
        self._gaps: list[int] = []
        gap = 0
        for place, written in enumerate(text):
            signs, after = _read(written)
            for plain, before in signs:
                kept.append(plain)
                self.places.append(place)
                self._gaps.append(max(gap, before))
                gap = 0
            gap = max(gap, after)
        self.kept = "".join(kept)

    def is_one_word(self, start: int, end: int) -> bool:
        """Whether no separator parts these characters, or something stands between all of them."""
        inside = self._gaps[start + 1 : end]
        return 2 not in inside or 0 not in inside

    def written(self, start: int, end: int) -> tuple[int, int]:
        """The places in the text as written."""
        return self.places[start], self.places[end - 1] + 1


def _written(rule: Rule, text: str) -> bool:
    return any(True for _ in _written_spans(rule, _Seen(text)))


def _written_spans(rule: Rule, seen: _Seen) -> Iterator[tuple[str, int, int]]:
    """Word of the list, and where it was written. One place is told once, for the longest word."""
    allowed = [span for each in rule.allowed_within for span in _matches(_word(each), seen)]
    told: list[tuple[int, int]] = []
    for word, pattern in _searches(rule):
        for start, end in _matches(pattern, seen):
            if any(left <= start and end <= right for left, right in allowed):
                continue
            if any(left < end and start < right for left, right in told):
                continue
            told.append((start, end))
            yield word, *seen.written(start, end)


@cache
def _searches(rule: Rule) -> list[tuple[str, re.Pattern[str]]]:
    words = [] if rule.is_words_only_named else sorted(rule.words, key=len, reverse=True)
    return [(each, _word(each)) for each in words] + [
        (rule.words[0], re.compile(each)) for each in rule.patterns
    ]


@cache
def _word(word: str) -> re.Pattern[str]:
    return re.compile(re.escape(_Seen(word).kept))


def _matches(pattern: re.Pattern[str], seen: _Seen) -> Iterator[tuple[int, int]]:
    place = 0
    while (match := pattern.search(seen.kept, place)) is not None and match.end() > match.start():
        is_whole = pattern.pattern.startswith("^") or seen.is_one_word(*match.span())
        if is_whole:
            yield match.span()
        place = match.end() if is_whole else match.start() + 1


def _spans(text: str, piece: str) -> Iterator[tuple[int, int]]:
    place = text.find(piece)
    while place >= 0:
        yield place, place + len(piece)
        place = text.find(piece, place + 1)


@cache
def _converter() -> opencc.OpenCC:
    return opencc.OpenCC("t2s")


_COMMON: Final = 16_384
"""More characters than texts have in common, fewer than there are."""


@lru_cache(_COMMON)
def _read(written: str) -> tuple[tuple[tuple[str, int], ...], int]:
    """What a reader sees in one written character, each with the gap before it; and the gap after the last."""
    signs: list[tuple[str, int]] = []
    gap = 0
    for char in unicodedata.normalize("NFKC", written) or "\u200b":
        if written in _SEPARATORS or char in _SEPARATORS:
            gap = 2
        elif unicodedata.category(char)[0] in _SKIPPED:
            gap = max(gap, 1)
        else:
            for plain in _simplified(char.casefold()):
                signs.append((plain, gap))
                gap = 0
    return tuple(signs), gap


class _Kept(dict[int, str]):
    """For `str.translate`: a character as `_Seen.kept` has it. Most texts have no word, and this tells so fast."""

    def __missing__(self, code: int) -> str:
        plain = "".join(sign for sign, _ in _read(chr(code))[0])
        if len(self) < _COMMON:
            self[code] = plain
        return plain


_KEPT: Final = _Kept()


@cache
def _simplified(char: str) -> str:
    return str(_converter().convert(char)) if char[:1] >= "\u2e80" else char
