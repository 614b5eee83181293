"""Which category a complaint belongs to (rule A4), by the designer's rules or else by the text model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from workers.classification.cache import cached_model
from workers.classification.corpus import UNCLEAR
from workers.classification.model import LinearModel
from workers.classification.rules import RuleTable, check_rules, load_rules


@dataclass(frozen=True)
class Classification:
    """What was found.

    category: one of names.Category.
    confidence: 0 to 1; the model's is calibrated by cross-validation (docs/classification.md says how well). A
    text that does not say what it is about gets a low one; its category is a suggestion and no more.
    source: "rule:<row id>" or "model".
    """

    category: str
    confidence: float
    source: str


class Classifier:
    """The one function behind the task `classify-complaint`. May be used by several threads at once."""

    def __init__(self, rules_path: Path, cache_dir: Path) -> None:
        """`rules_path`: classification-rules.dmn. `cache_dir`: where the taught model is kept."""
        self._rules_path = rules_path
        self._cache_dir = cache_dir
        self._lock = Lock()
        self._rules: RuleTable | None = None
        self._model: LinearModel | None = None

    def check(self) -> list[str]:
        """What is wrong with the rules, one sentence each; for `duban deploy`. Empty: nothing."""
        return check_rules(self._rules_path)

    def prepare(self) -> None:
        """Load rules and model now, not at the first complaint. Raises Broken when rules cannot be used."""
        self._loaded()

    def classify(
        self, text: str, product: str | None = None, channel: str | None = None, flags: Sequence[str] = ()
    ) -> Classification:
        """The category of a complaint. Answers for any text. Raises Broken when the rules cannot be used."""
        rules, model = self._loaded()
        rule = rules.first_match(text, product, channel, flags)
        if rule is not None:
            return Classification(rule.category, rule.confidence, f"rule:{rule.id}")
        return by_model(model, text)

    def _loaded(self) -> tuple[RuleTable, LinearModel]:
        with self._lock:
            if self._rules is None:
                self._rules = load_rules(self._rules_path)
            if self._model is None:
                self._model = cached_model(self._cache_dir)
            return self._rules, self._model


def by_model(model: LinearModel, text: str) -> Classification:
    """What the text model alone says: the likeliest category. What it holds for unclear lowers the confidence."""
    probabilities = dict(zip(model.categories, model.probabilities(text), strict=True))
    probabilities.pop(UNCLEAR, None)
    best = max(probabilities, key=probabilities.__getitem__)
    return Classification(best, min(1.0, probabilities[best]), "model")
