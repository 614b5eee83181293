"""The text model in use: weights of terms, a few numpy arrays. It needs neither scikit-learn nor pickle."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from workers.classification.features import Recipe, terms

Floats = NDArray[np.float64]

_FORMAT: Final = 2


@dataclass(frozen=True)
class Weighing:
    """TF-IDF, scaled by the length of the whole text with its unknown terms and a fixed ballast: a text of
    unknown words, or of hardly any words, gets small weights, and so little confidence."""

    vocabulary: Mapping[str, int]
    idf: Floats
    """One per term of the vocabulary."""
    unknown_idf: float
    ballast: float
    """Added to the squared length, as if every text had that much more to say."""

    def weigh(self, counts: Mapping[str, int]) -> tuple[NDArray[np.intp], Floats]:
        """Columns and weights of the known terms."""
        columns: list[int] = []
        weights: list[float] = []
        unknown = 0.0
        for term, count in counts.items():
            frequency = 1.0 + math.log(count)
            column = self.vocabulary.get(term)
            if column is None:
                unknown += (frequency * self.unknown_idf) ** 2
            else:
                columns.append(column)
                weights.append(frequency * float(self.idf[column]))
        values = np.asarray(weights, dtype=np.float64)
        length = math.sqrt(float(values @ values) + unknown + self.ballast)
        return np.asarray(columns, dtype=np.intp), values / length if length else values


@dataclass(frozen=True)
class LinearModel:
    """Scores per category are linear in the weights; softmax of score / temperature: probabilities."""

    categories: tuple[str, ...]
    """What it tells apart: the categories of complaints and `corpus.UNCLEAR`."""
    recipe: Recipe
    weighing: Weighing
    weights: Floats
    """terms × categories"""
    bias: Floats
    temperature: float

    def probabilities(self, text: str) -> Floats:
        """One per category, in the order of `categories`; they add up to 1."""
        columns, values = self.weighing.weigh(terms(text, self.recipe))
        if not len(columns):  # nothing known in it: no category is likelier than another
            return np.full(len(self.categories), 1 / len(self.categories))
        return softmax((values @ self.weights[columns] + self.bias) / self.temperature)


def softmax(scores: Floats) -> Floats:
    """Probabilities from scores, along the last axis."""
    raised = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=-1, keepdims=True), dtype=np.float64)


def write_model(model: LinearModel, file: BinaryIO) -> None:
    """Save as .npz: arrays and JSON, nothing that runs when it is read."""
    about: dict[str, Any] = {
        "format": _FORMAT,
        "categories": model.categories,
        "chars": model.recipe.chars,
        "words": model.recipe.words,
        "unknown_idf": model.weighing.unknown_idf,
        "ballast": model.weighing.ballast,
        "temperature": model.temperature,
        "terms": sorted(model.weighing.vocabulary, key=model.weighing.vocabulary.__getitem__),
    }
    np.savez_compressed(
        file,
        about=np.frombuffer(json.dumps(about, ensure_ascii=False).encode(), dtype=np.uint8),
        idf=model.weighing.idf,
        weights=model.weights,
        bias=model.bias,
    )


def read_model(path: Path) -> LinearModel:
    """Load what `write_model` saved. Raises ValueError, OSError, KeyError or EOFError when it is not that."""
    with path.open("rb") as file, np.load(file, allow_pickle=False) as saved:
        about = json.loads(saved["about"].tobytes())
        idf, weights, bias = (
            np.asarray(saved[name], dtype=np.float64) for name in ("idf", "weights", "bias")
        )
    vocabulary = {term: column for column, term in enumerate(about["terms"])}
    categories = tuple(about["categories"])
    shapes = (idf.shape, weights.shape, bias.shape)
    if about["format"] != _FORMAT or shapes != (
        (len(vocabulary),),
        (len(vocabulary), len(categories)),
        (len(categories),),
    ):
        raise ValueError("not a model of this version")
    if not (
        np.isfinite(weights).all()
        and np.isfinite(bias).all()
        and np.isfinite(idf).all()
        and about["temperature"] > 0
    ):
        raise ValueError("the model holds numbers that cannot be used")
    weighing = Weighing(vocabulary, idf, float(about["unknown_idf"]), float(about["ballast"]))
    return LinearModel(
        categories,
        Recipe(about["chars"], about["words"]),
        weighing,
        weights,
        bias,
        float(about["temperature"]),
    )
