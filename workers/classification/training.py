"""Teaches the model. The only file that needs scikit-learn, and only when there is no model in the cache."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from workers.classification.corpus import Example, folds
from workers.classification.features import Recipe, terms
from workers.classification.model import Floats, LinearModel, Weighing, softmax

FOLDS: Final = 5


@dataclass(frozen=True)
class Candidate:
    """A way to learn: how texts are cut, which estimator, and its strength (C of LR and SVM, alpha of NB)."""

    recipe: Recipe
    estimator: Literal["logistic", "svm", "bayes"]
    strength: float


CANDIDATES: Final[dict[str, Candidate]] = {
    "words · logistic regression": Candidate(Recipe(words=1), "logistic", 10),
    "words · naive Bayes": Candidate(Recipe(words=1), "bayes", 0.3),
    "characters 1–2 · logistic regression": Candidate(Recipe(chars=2), "logistic", 10),
    "characters 1–2 · linear SVM": Candidate(Recipe(chars=2), "svm", 0.5),
    "characters 1–2 · naive Bayes": Candidate(Recipe(chars=2), "bayes", 0.3),
    "characters 1–3 · linear SVM": Candidate(Recipe(chars=3), "svm", 0.5),
    "words + characters 1–2 · logistic regression": Candidate(Recipe(chars=2, words=1), "logistic", 10),
    "words + characters 1–2 · linear SVM": Candidate(Recipe(chars=2, words=1), "svm", 0.5),
    "words + characters 1–2 · naive Bayes": Candidate(Recipe(chars=2, words=1), "bayes", 0.3),
}
"""Naive Bayes is the complement kind (Rennie et al. 2003). n–m: character n-grams of these lengths."""
CHOSEN: Final = "words + characters 1–2 · linear SVM"
"""Best in grouped cross-validation on the training texts; docs/classification.md has the table."""


@dataclass(frozen=True)
class CrossValidation:
    """What models say of texts kept from them: scores (texts × categories) and the temperature that fits."""

    categories: tuple[str, ...]
    truth: NDArray[np.intp]
    scores: Floats
    temperature: float


def train(examples: Sequence[Example], candidate: Candidate = CANDIDATES[CHOSEN]) -> LinearModel:
    """A model of all examples, calibrated by cross-validation. The same examples give the same model."""
    counted = [terms(one.text, candidate.recipe) for one in examples]
    checked = cross_validate(examples, candidate, counted)
    weighing, weights, bias = _fit(counted, checked.truth, len(checked.categories), candidate)
    return LinearModel(checked.categories, candidate.recipe, weighing, weights, bias, checked.temperature)


def cross_validate(
    examples: Sequence[Example], candidate: Candidate, counted: Sequence[Counter[str]] | None = None
) -> CrossValidation:
    """Scores each example by a model that has seen neither it nor its variants."""
    if counted is None:
        counted = [terms(one.text, candidate.recipe) for one in examples]
    categories = tuple(sorted({one.category for one in examples}))
    truth = np.asarray([categories.index(one.category) for one in examples], dtype=np.intp)
    fold = np.asarray(folds(examples, FOLDS))
    scores = np.zeros((len(examples), len(categories)))
    for number in range(FOLDS):
        learnt = np.flatnonzero(fold != number).tolist()
        weighing, weights, bias = _fit(
            [counted[at] for at in learnt], truth[learnt], len(categories), candidate
        )
        for at in np.flatnonzero(fold == number).tolist():
            columns, values = weighing.weigh(counted[at])
            scores[at] = values @ weights[columns] + bias
    return CrossValidation(categories, truth, scores, _temperature(scores, truth))


def _fit(
    counted: Sequence[Counter[str]], truth: NDArray[np.intp], categories: int, candidate: Candidate
) -> tuple[Weighing, Floats, Floats]:
    from scipy.sparse import csr_matrix
    from threadpoolctl import threadpool_limits

    weighing = _weighing(counted)
    rows = [weighing.weigh(one) for one in counted]
    starts = np.cumsum([0, *(len(columns) for columns, _ in rows)])
    table = csr_matrix(
        (
            np.concatenate([values for _, values in rows]),
            np.concatenate([columns for columns, _ in rows]),
            starts,
        ),
        shape=(len(rows), len(weighing.vocabulary)),
    )
    estimator = _estimator(candidate)
    with threadpool_limits(1):  # the tables are small: more threads only get in each other's way
        estimator.fit(table, truth)
    if candidate.estimator == "bayes":
        return weighing, np.asarray(estimator.feature_log_prob_.T, dtype=np.float64), np.zeros(categories)
    weights = np.ascontiguousarray(estimator.coef_.T, dtype=np.float64)
    return weighing, weights, np.asarray(estimator.intercept_, dtype=np.float64)


def _estimator(candidate: Candidate) -> Any:
    if candidate.estimator == "bayes":
        from sklearn.naive_bayes import ComplementNB

        return ComplementNB(alpha=candidate.strength)
    if candidate.estimator == "svm":
        from sklearn.svm import LinearSVC

        return LinearSVC(C=candidate.strength, tol=1e-6, max_iter=20_000, random_state=0)
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=candidate.strength, max_iter=2000, random_state=0)


def _weighing(counted: Sequence[Counter[str]]) -> Weighing:
    documents: Counter[str] = Counter()
    for one in counted:
        documents.update(one.keys())
    known = sorted(documents)
    frequency = np.asarray([documents[term] for term in known], dtype=np.float64)
    idf = np.log((1 + len(counted)) / (1 + frequency)) + 1
    return Weighing({term: at for at, term in enumerate(known)}, idf, float(np.log(1 + len(counted)) + 1))


def _temperature(scores: Floats, truth: NDArray[np.intp]) -> float:
    """The divisor with which the probabilities of the right categories are highest (golden section)."""

    def loss(exponent: float) -> float:
        right = softmax(scores / np.exp(exponent))[np.arange(len(truth)), truth]
        return float(-np.log(np.maximum(right, 1e-12)).mean())

    low, high, ratio = -5.0, 5.0, (5**0.5 - 1) / 2
    for _ in range(60):
        left, right = high - ratio * (high - low), low + ratio * (high - low)
        low, high = (low, right) if loss(left) < loss(right) else (left, high)
    return float(np.exp((low + high) / 2))
