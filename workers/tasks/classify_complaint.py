"""Find the category of a complaint: the designers' rules first, then the trained model (rule A4).

Job type: classify-complaint
Reads: number.
Sets: category, confidence (0 to 1), classified_by (`rule:<id>` or `model`).
Throws: nothing.
Effect: none; what is decided in the end, by machine or person, is written by record-classification.

Job type: record-classification
Reads: number, category, classified_by, confidence.
Sets: nothing.
Throws: nothing.
Effect: category, confidence and who decided are kept with the complaint.
"""

from __future__ import annotations

from typing import Any

from workers.classification import Classifier
from workers.clock import Clock
from workers.store import complaints, timeline
from workers.store.database import Database


def classify_complaint(database: Database, classifier: Classifier, *, number: str) -> dict[str, Any]:
    """Returns category, confidence and source for the text in the store; the text itself never leaves it."""
    with database.read() as tx:
        complaint = complaints.get(tx, number)
    found = classifier.classify(complaint.text, complaint.product, complaint.channel, complaint.flags)
    return {
        "category": found.category,
        "confidence": round(found.confidence, 4),
        "classified_by": found.source,
    }


def record_classification(
    database: Database,
    clock: Clock,
    *,
    number: str,
    category: str,
    classified_by: str,
    confidence: float | None = None,
) -> None:
    """Keeps the category; a person's classification carries no confidence."""
    key = f"{number}:classified"
    with database.begin() as tx:
        complaint = complaints.get(tx, number)
        if timeline.find(tx, key) is None:
            complaint.category = category
            complaint.classified_by = classified_by
            complaint.confidence = None if classified_by == "person" else confidence
            timeline.add(
                tx, number, clock.now(), "duban", "classified", key, category=category, by=classified_by
            )
