"""How well complaints are classified, on texts the model has not learnt from: docs/classification.md."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from workers.classification.classifier import Classification, by_model
from workers.classification.corpus import UNCLEAR, Example
from workers.classification.model import LinearModel
from workers.classification.rules import RuleTable
from workers.classification.training import CANDIDATES, Candidate, cross_validate, softmax
from workers.names import Category

THRESHOLDS: Final = (0.5, 0.6, 0.7, 0.8, 0.9)
SHIPPED_THRESHOLD: Final = 0.8
"""Of complaint-policy.dmn as shipped; only for the titles and columns of tables. A test compares the two."""
BANDS: Final = (0.0, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
CATEGORIES: Final = tuple(str(category) for category in Category)


@dataclass(frozen=True)
class Judged:
    """A text with what was found."""

    example: Example
    found: Classification

    @property
    def is_right(self) -> bool:
        return self.found.category == self.example.category


Table = list[list[str]]
"""Rows of cells, the first row is the heading."""


def judge(examples: Sequence[Example], classify: Callable[[str], Classification]) -> list[Judged]:
    """Classify every example."""
    return [Judged(one, classify(one.text)) for one in examples]


def both(rules: RuleTable, model: LinearModel) -> Callable[[str], Classification]:
    """Rules first, then the model: what the worker does."""

    def classify(text: str) -> Classification:
        rule = rules.first_match(text)
        return (
            by_model(model, text)
            if rule is None
            else Classification(rule.category, rule.confidence, f"rule:{rule.id}")
        )

    return classify


def accuracy(judged: Sequence[Judged]) -> float:
    """Share that is right; NaN of none."""
    return sum(one.is_right for one in judged) / len(judged) if judged else float("nan")


def scores(judged: Sequence[Judged], category: str) -> tuple[float, float, float]:
    """Precision, recall and F1 of a category."""
    hits = sum(one.is_right for one in judged if one.example.category == category)
    found = sum(one.found.category == category for one in judged)
    there = sum(one.example.category == category for one in judged)
    return (
        hits / found if found else 0.0,
        hits / there if there else 0.0,
        2 * hits / (found + there) if found + there else 0.0,
    )


def macro_f1(judged: Sequence[Judged]) -> float:
    """Mean F1 of the categories, each counted alike."""
    return sum(scores(judged, category)[2] for category in CATEGORIES) / len(CATEGORIES)


def share(value: float) -> str:
    """A figure as the documents show it."""
    return "–" if value != value else f"{value:.1%}"


def report(examples: Sequence[Example], rules: RuleTable, model: LinearModel) -> Iterator[tuple[str, Table]]:
    """Tables with their titles, on texts kept from training."""
    alone = judge(examples, lambda text: by_model(model, text))
    together = judge(examples, both(rules, model))
    yield "Rules, model, both", summary(alone, together)
    yield "Per category", per_category(together)
    yield "Confusion", confusion(together)
    yield "Per kind of text", per_kind(together)
    yield "Coverage and accuracy by threshold", coverage(together)
    yield "Reliability of the model's confidence", reliability(alone)


def summary(alone: Sequence[Judged], together: Sequence[Judged]) -> Table:
    """Rules alone, model alone, both."""
    ruled = [one for one in together if one.found.source != "model"]
    count = len(together)
    return [
        ["", "texts answered", "accuracy on these", "macro-F1"],
        ["rules alone", f"{len(ruled)} of {count}", share(accuracy(ruled)), "–"],
        ["model alone", f"{count} of {count}", share(accuracy(alone)), share(macro_f1(alone))],
        ["both", f"{count} of {count}", share(accuracy(together)), share(macro_f1(together))],
    ]


def per_category(judged: Sequence[Judged]) -> Table:
    """Precision, recall and F1 per category."""
    rows = [["category", "texts", "precision", "recall", "F1"]]
    for category in CATEGORIES:
        count = sum(one.example.category == category for one in judged)
        rows.append([category, str(count), *(share(value) for value in scores(judged, category))])
    return rows


def confusion(judged: Sequence[Judged]) -> Table:
    """Rows: what a text is. Columns: what was found."""
    counted = Counter((one.example.category, one.found.category) for one in judged)
    head = ["is ↓ found →", *CATEGORIES]
    return [head, *([truth, *(str(counted[truth, found]) for found in CATEGORIES)] for truth in CATEGORIES)]


def per_kind(judged: Sequence[Judged]) -> Table:
    """Accuracy per kind of text, and the share that the shipped threshold leaves to a person."""
    person = f"to a person below {SHIPPED_THRESHOLD}"
    rows = [["kind", "texts", "accuracy", person, "accuracy of the rest"]]
    for kind in dict.fromkeys(one.example.group for one in judged):
        of_kind = [one for one in judged if one.example.group == kind]
        sure = [one for one in of_kind if one.found.confidence >= SHIPPED_THRESHOLD]
        rows.append(
            [
                kind,
                str(len(of_kind)),
                share(accuracy(of_kind)),
                share(1 - len(sure) / len(of_kind)),
                share(accuracy(sure)),
            ]
        )
    return rows


def coverage(judged: Sequence[Judged]) -> Table:
    """What a threshold of the policy means: how much goes without a person, and how much of that is right."""
    rows = [
        ["threshold", "decided by machine", "accuracy of these", "wrong, of all complaints", "to a person"]
    ]
    for threshold in THRESHOLDS:
        sure = [one for one in judged if one.found.confidence >= threshold]
        wrong = sum(not one.is_right for one in sure) / len(judged)
        part = len(sure) / len(judged)
        rows.append([f"{threshold:.1f}", share(part), share(accuracy(sure)), share(wrong), share(1 - part)])
    return rows


def reliability(judged: Sequence[Judged]) -> Table:
    """Does a confidence of 0.8 mean that 80 % are right? Last row: the mean gap, weighted by texts (ECE)."""
    rows = [["confidence", "texts", "mean confidence", "accuracy"]]
    gap = 0.0
    for low, high in pairwise(BANDS):
        band = [
            one for one in judged if low <= one.found.confidence < high or one.found.confidence == high == 1.0
        ]
        if not band:
            continue
        mean = sum(one.found.confidence for one in band) / len(band)
        gap += abs(mean - accuracy(band)) * len(band) / len(judged)
        rows.append([f"{low:.1f}–{high:.1f}", str(len(band)), share(mean), share(accuracy(band))])
    return [*rows, ["mean gap", str(len(judged)), "", share(gap)]]


def vague(judged: Sequence[Judged]) -> Table:
    """Of the texts that say nothing of their category: how many a threshold leaves to a person, as it should."""
    rows = [["threshold", "texts", "to a person", "decided by machine"]]
    for threshold in THRESHOLDS:
        sure = sum(one.found.confidence >= threshold for one in judged) / len(judged)
        rows.append([f"{threshold:.1f}", str(len(judged)), share(1 - sure), share(sure)])
    return rows


def compare(examples: Sequence[Example]) -> Table:
    """The ways to learn, by grouped cross-validation on the training texts."""
    rows = [
        ["terms · estimator", "accuracy", "macro-F1", "log loss", f"vague texts below {SHIPPED_THRESHOLD}"]
    ]
    for name, candidate in CANDIDATES.items():
        clear, unclear, loss = _kept_out(examples, candidate)
        below = sum(one.found.confidence < SHIPPED_THRESHOLD for one in unclear) / len(unclear)
        rows.append([name, share(accuracy(clear)), share(macro_f1(clear)), f"{loss:.3f}", share(below)])
    return rows


def choice(examples: Sequence[Example], candidate: Candidate) -> Table:
    """What a threshold means by grouped cross-validation: the figures it is chosen by."""
    clear, unclear, _ = _kept_out(examples, candidate)
    head, *rows = coverage(clear)
    said = {row[0]: row[2] for row in vague(unclear)[1:]}
    return [[*head, "vague texts to a person"], *([*row, said[row[0]]] for row in rows)]


def _kept_out(examples: Sequence[Example], candidate: Candidate) -> tuple[list[Judged], list[Judged], float]:
    """Texts with a category and those without, judged by models that have seen neither them nor variants; log loss."""
    checked = cross_validate(examples, candidate)
    probabilities = softmax(checked.scores / checked.temperature)
    loss = -float(np.log(np.maximum(probabilities[np.arange(len(examples)), checked.truth], 1e-12)).mean())
    columns = [checked.categories.index(category) for category in CATEGORIES]
    answers = probabilities[:, columns]
    judged = [
        Judged(one, Classification(CATEGORIES[int(row.argmax())], float(row.max()), "model"))
        for one, row in zip(examples, answers, strict=True)
    ]
    return (
        [one for one in judged if one.example.category != UNCLEAR],
        [one for one in judged if one.example.category == UNCLEAR],
        loss,
    )


def by_rule(examples: Sequence[Example], rules: RuleTable) -> Table:
    """How often each rule decides, and how often rightly."""
    rows = [["rule", "decides", "right"]]
    matched = [
        (rule.id, rule.category == one.category) for one in examples if (rule := rules.first_match(one.text))
    ]
    for rule in rules.rules:
        answers = [right for name, right in matched if name == rule.id]
        rows.append([rule.id, str(len(answers)), str(sum(answers))])
    return rows


def markdown(table: Table) -> str:
    """The table as Markdown."""
    head, *rows = table
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)
