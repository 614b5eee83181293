"""The text model in use: weights of terms, a few arrays of numbers. It needs neither numpy, which would be a tenth of a
worker's memory for the sake of a thousand multiplications, nor scikit-learn, nor pickle."""

from __future__ import annotations

import json
import math
import sys
import zipfile
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

from workers.classification.features import Recipe, terms

_FORMAT: Final = 3
_ABOUT: Final = "about.json"
_NUMBERS: Final = ("idf", "weights", "bias")


@dataclass(frozen=True)
class Weighing:
    """TF-IDF, scaled by the length of the whole text with its unknown terms and a fixed ballast: a text of
    unknown words, or of hardly any words, gets small weights, and so little confidence."""

    vocabulary: Mapping[str, int]
    idf: array[float]
    """One per term of the vocabulary."""
    unknown_idf: float
    ballast: float
    """Added to the squared length, as if every text had that much more to say."""

    def weigh(self, counts: Mapping[str, int]) -> tuple[list[int], list[float]]:
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
                weights.append(frequency * self.idf[column])
        length = math.sqrt(sum(weight * weight for weight in weights) + unknown + self.ballast)
        return columns, [weight / length for weight in weights] if length else weights


@dataclass(frozen=True)
class LinearModel:
    """Scores per category are linear in the weights; softmax of score / temperature: probabilities."""

    categories: tuple[str, ...]
    """What it tells apart: the categories of complaints and `corpus.UNCLEAR`."""
    recipe: Recipe
    weighing: Weighing
    weights: array[float]
    """terms × categories, a term after the other"""
    bias: array[float]
    """One per category."""
    temperature: float

    def probabilities(self, text: str) -> list[float]:
        """One per category, in the order of `categories`; they add up to 1."""
        columns, values = self.weighing.weigh(terms(text, self.recipe))
        count = len(self.categories)
        if not columns:  # nothing known in it: no category is likelier than another
            return [1 / count] * count
        scores = list(self.bias)
        for column, value in zip(columns, values, strict=True):
            row = self.weights[column * count : (column + 1) * count]
            scores = [score + value * weight for score, weight in zip(scores, row, strict=True)]
        return _softmax([score / self.temperature for score in scores])


def _softmax(scores: Sequence[float]) -> list[float]:
    highest = max(scores)
    raised = [math.exp(score - highest) for score in scores]
    whole = sum(raised)
    return [each / whole for each in raised]


def write_model(model: LinearModel, file: BinaryIO) -> None:
    """Save as a zip file: JSON and numbers, nothing that runs when it is read."""
    about: dict[str, Any] = {
        "format": _FORMAT,
        "byteorder": sys.byteorder,
        "categories": model.categories,
        "chars": model.recipe.chars,
        "words": model.recipe.words,
        "unknown_idf": model.weighing.unknown_idf,
        "ballast": model.weighing.ballast,
        "temperature": model.temperature,
        "terms": sorted(model.weighing.vocabulary, key=model.weighing.vocabulary.__getitem__),
    }
    numbers = (model.weighing.idf, model.weights, model.bias)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as saved:
        saved.writestr(_ABOUT, json.dumps(about, ensure_ascii=False))
        for name, values in zip(_NUMBERS, numbers, strict=True):
            saved.writestr(name, values.tobytes())


def read_model(path: Path) -> LinearModel:
    """Load what `write_model` saved.

    Raises:
        ValueError, OSError, KeyError, TypeError, EOFError, zipfile.BadZipFile, zlib.error: it is not that.
    """
    with zipfile.ZipFile(path) as saved:
        about = json.loads(saved.read(_ABOUT))
        if (about["format"], about["byteorder"]) != (_FORMAT, sys.byteorder):
            raise ValueError("not a model of this version")
        idf, weights, bias = (array("d", saved.read(name)) for name in _NUMBERS)
    vocabulary = {term: column for column, term in enumerate(about["terms"])}
    categories = tuple(about["categories"])
    sizes = (len(vocabulary), len(vocabulary) * len(categories), len(categories))
    if (len(idf), len(weights), len(bias)) != sizes:
        raise ValueError("the model lacks numbers")
    if not (
        all(math.isfinite(each) for part in (idf, weights, bias) for each in part)
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
