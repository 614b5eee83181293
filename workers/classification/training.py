"""Teaches the model. The only file that needs scikit-learn, and only when there is no model in the cache."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from workers.classification.corpus import Example, folds
from workers.classification.features import Recipe, terms
from workers.classification.model import LinearModel, Weighing

Floats = NDArray[np.float64]

FOLDS: Final = 5


@dataclass(frozen=True)
class Candidate:
    """A way to learn: how texts are cut, which estimator, and its strength (C of LR and SVM, alpha of NB)."""

    recipe: Recipe
    estimator: Literal["logistic", "svm", "bayes"]
    strength: float
    ballast: float = 300
    """See `model.Weighing`."""


CANDIDATES: Final[dict[str, Candidate]] = {
    "words · linear SVM": Candidate(Recipe(words=1), "svm", 1),
    "characters 1–2 · linear SVM": Candidate(Recipe(chars=2), "svm", 1),
    "characters 1–3 · linear SVM": Candidate(Recipe(chars=3), "svm", 1),
    "words + characters 1–2 · linear SVM": Candidate(Recipe(chars=2, words=1), "svm", 1),
    "words + characters 1–2 · linear SVM, no ballast": Candidate(Recipe(chars=2, words=1), "svm", 0.5, 0),
    "words + characters 1–2 · logistic regression": Candidate(Recipe(chars=2, words=1), "logistic", 12),
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
    table = _Table.of(examples, candidate)
    checked = _cross_validate(examples, candidate, table)
    everything = np.arange(len(examples))
    idf, unknown_idf = table.idf(everything)
    weights, bias = _fit(table.weighed(idf, everything), checked.truth, candidate)
    weighing = Weighing(table.vocabulary, _plain(idf), unknown_idf, candidate.ballast)
    recipe, temperature = candidate.recipe, checked.temperature
    return LinearModel(checked.categories, recipe, weighing, _plain(weights), _plain(bias), temperature)


def _plain(numbers: Floats) -> array[float]:
    return array("d", numbers.ravel().tolist())


def cross_validate(examples: Sequence[Example], candidate: Candidate) -> CrossValidation:
    """Scores each example by a model that has seen neither it nor its variants."""
    return _cross_validate(examples, candidate, _Table.of(examples, candidate))


def _cross_validate(examples: Sequence[Example], candidate: Candidate, table: _Table) -> CrossValidation:
    categories = tuple(sorted({one.category for one in examples}))
    truth = np.asarray([categories.index(one.category) for one in examples], dtype=np.intp)
    fold = np.asarray(folds(examples, FOLDS))
    scores = np.zeros((len(examples), len(categories)))
    for number in range(FOLDS):
        learnt, kept = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
        idf, _ = table.idf(learnt)
        weights, bias = _fit(table.weighed(idf, learnt), truth[learnt], candidate)
        scores[kept] = table.weighed(idf, kept) @ weights + bias
    return CrossValidation(categories, truth, scores, _temperature(scores, truth))


@dataclass(frozen=True)
class _Table:
    """How often each text has each term (1 + log of it), to be weighed in one go: the same as `Weighing.weigh`."""

    vocabulary: dict[str, int]
    frequency: Any
    """Sparse, texts × terms."""
    ballast: float

    @classmethod
    def of(cls, examples: Sequence[Example], candidate: Candidate) -> _Table:
        from scipy.sparse import csr_matrix

        counted = [terms(one.text, candidate.recipe) for one in examples]
        vocabulary = {term: at for at, term in enumerate(sorted(set[str]().union(*counted)))}
        starts = np.cumsum([0, *map(len, counted)])
        columns = np.fromiter((vocabulary[term] for one in counted for term in one), np.intp, starts[-1])
        counts = np.fromiter((count for one in counted for count in one.values()), np.float64, starts[-1])
        shape = (len(counted), len(vocabulary))
        return cls(vocabulary, csr_matrix((1 + np.log(counts), columns, starts), shape), candidate.ballast)

    def idf(self, rows: NDArray[np.intp]) -> tuple[Floats, float]:
        """By these texts alone: per term (one that none of them has is unknown), and of an unknown term."""
        documents = np.bincount(self.frequency[rows].indices, minlength=len(self.vocabulary))
        of_unknown = float(np.log(1 + len(rows)) + 1)
        return np.log((1 + len(rows)) / (1 + documents)) + 1, of_unknown

    def weighed(self, idf: Floats, rows: NDArray[np.intp]) -> Any:
        """Sparse, these texts × terms. What a term weighs that the model has not learnt does not matter."""
        from scipy.sparse import diags

        table = self.frequency[rows] @ diags(idf)
        lengths = np.sqrt(np.asarray(table.multiply(table).sum(axis=1)).ravel() + self.ballast)
        return (diags(1 / np.maximum(lengths, 1e-12)) @ table).tocsr()


def _fit(table: Any, truth: NDArray[np.intp], candidate: Candidate) -> tuple[Floats, Floats]:
    """Weights (terms × categories) and bias. Terms that no text has get no weight, except from naive Bayes."""
    from threadpoolctl import threadpool_limits

    estimator = _estimator(candidate)
    with threadpool_limits(1):  # the tables are small: more threads only get in each other's way
        estimator.fit(table, truth)
    if candidate.estimator == "bayes":
        weights = np.asarray(estimator.feature_log_prob_.T, dtype=np.float64)
        seen = np.bincount(table.indices, minlength=table.shape[1])[:, None] > 0
        return np.where(seen, weights, 0.0), np.zeros(weights.shape[1])
    weights = np.ascontiguousarray(estimator.coef_.T, dtype=np.float64)
    return weights, np.asarray(estimator.intercept_, dtype=np.float64)


def _estimator(candidate: Candidate) -> Any:
    if candidate.estimator == "bayes":
        from sklearn.naive_bayes import ComplementNB

        return ComplementNB(alpha=candidate.strength)
    if candidate.estimator == "svm":
        from sklearn.svm import LinearSVC

        return LinearSVC(C=candidate.strength, tol=1e-3, max_iter=20_000, random_state=0)
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=candidate.strength, max_iter=2000, random_state=0)


def softmax(scores: Floats) -> Floats:
    """Probabilities from scores, along the last axis."""
    raised = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=-1, keepdims=True), dtype=np.float64)


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
