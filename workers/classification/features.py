"""From a text to countable terms. Training and use share this file, so that both see the same."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

MAX_CHARACTERS: Final = 6000
"""A longer text is read at its beginning and its end only; what a complaint is about stands there."""
TAIL: Final = 1500

_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
_SPACE = re.compile(r"\s+")
_NOT_WORD = re.compile(r"[^\w]+")


def plain(text: str) -> str:
    """The text with one form a character (NFKC), in lower case, blanks collapsed: what rules and model read.

    A blank next to a Chinese character says nothing and is dropped: "没 有 信号" reads "没有信号".
    """
    whole = text.encode("utf-8", "replace").decode()  # half a surrogate pair is no character
    collapsed = _SPACE.sub(" ", unicodedata.normalize("NFKC", whole).casefold()).strip()
    if " " not in collapsed:
        return collapsed
    parts = collapsed.split(" ")
    joined = [parts[0]]
    for left, right in pairwise(parts):
        if left[-1:].isascii() and right[:1].isascii():
            joined.append(" ")
        joined.append(right)
    return "".join(joined)


@dataclass(frozen=True)
class Recipe:
    """Which terms a text is cut into: character n-grams up to `chars` long, words up to `words` in a row."""

    chars: int = 0
    words: int = 0


def terms(text: str, recipe: Recipe) -> Counter[str]:
    """Terms of a text and how often each occurs. Time grows with the length, which is bounded."""
    if len(text) > MAX_CHARACTERS:
        text = text[: MAX_CHARACTERS - TAIL] + " " + text[-TAIL:]
    ready = _NUMBER.sub("0", plain(text))
    found: Counter[str] = Counter()
    if recipe.chars:
        line = "^" + _NOT_WORD.sub(" ", ready).strip() + "$"
        for size in range(1, recipe.chars + 1):
            found.update(line[at : at + size] for at in range(len(line) - size + 1))
        for term in (" ", "^", "$"):
            found.pop(term, None)
    if recipe.words:
        found.update(_words(ready, recipe.words))
    return found


def _words(ready: str, longest: int) -> list[str]:
    import rjieba  # its dictionary takes a moment to load, and a recipe without words does without it

    words = [word for word in rjieba.cut(ready) if not _NOT_WORD.fullmatch(word)]
    found = [f"|{word}" for word in words]
    if longest > 1:
        found += [f"|{left}|{right}" for left, right in pairwise(words)]
    return found
