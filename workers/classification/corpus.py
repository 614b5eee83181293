"""The texts that the model learns from and the ones it is judged by. Both ship with the package."""

from __future__ import annotations

import csv
import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from workers.classification.features import plain
from workers.errors import Broken
from workers.names import Category

DATA: Final = Path(__file__).parent / "data"
TRAINING: Final = DATA / "training.csv"
VAGUE: Final = DATA / "vague.csv"
"""Texts that say nothing of their category, kept for judging: none may be decided without a person."""
DEVELOPMENT: Final = DATA / "development.csv"
"""Held-out texts of earlier rounds: good for finding faults, too kind for judging."""
HOLDOUT: Final = DATA / "holdout.csv"
"""Written without sight of the training texts, for judging alone."""
UNCLEAR: Final = "unclear"
"""No category of a complaint: what the model learns vague texts and texts from elsewhere to be, so that they get
little confidence. It is never an answer."""


@dataclass(frozen=True)
class Example:
    """A text and its category. `group`: variants of one text share it; in the holdout: the kind of text."""

    group: str
    category: str
    text: str


def read_examples(path: Path, *, may_be_unclear: bool = False) -> list[Example]:
    """Rows of a CSV file with the columns group (or kind), category, text. Raises Broken, naming the line.

    `may_be_unclear`: rows may have the label `unclear` besides the categories.
    """
    labels = [*Category, *([UNCLEAR] if may_be_unclear else [])]
    examples: list[Example] = []
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.reader(file, strict=True)
        header = next(rows, [])
        if len(header) != 3 or header[0] not in {"group", "kind"} or header[1:] != ["category", "text"]:
            raise Broken(f"{path.name} must begin with the line group,category,text")
        for row in rows:
            if len(row) != 3 or not row[0] or row[1] not in labels or not row[2].strip():
                needed = f"a {header[0]}, one of {', '.join(labels)} and a text"
                raise Broken(f"{path.name}, line {rows.line_num}: {needed} are needed")
            examples.append(Example(*row))
    return examples


def folds(examples: Sequence[Example], count: int) -> list[int]:
    """A fold per example: a group is never split, categories are spread evenly, and it is always the same."""
    order = sorted(
        {(one.category, hashlib.sha256(one.group.encode()).hexdigest(), one.group) for one in examples}
    )
    placed: dict[str, int] = {}
    seen: Counter[str] = Counter()
    for category, _, group in order:
        placed.setdefault(group, seen[category] % count)
        seen[category] += 1
    return [placed[one.group] for one in examples]


def shingles(text: str, size: int = 2) -> frozenset[str]:
    """Runs of `size` letters, digits or Chinese characters of a text; the whole of a shorter one, none of none."""
    letters = "".join(filter(str.isalnum, plain(text)))
    if not letters:
        return frozenset()
    return frozenset(letters[at : at + size] for at in range(max(1, len(letters) - size + 1)))


def likeness(left: frozenset[str], right: frozenset[str]) -> float:
    """How much two texts are one: 0 nothing in common, 1 the same, or one sentence contained in the other."""
    if not left or not right:
        return 0.0
    common = len(left & right)
    smaller = min(len(left), len(right))
    return max(common / len(left | right), common / smaller if smaller >= 10 else 0.0)
