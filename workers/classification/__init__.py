"""Finds a complaint's category: rules a designer edits, then a text model with confidence (rule A4)."""

from workers.classification.classifier import Classification, Classifier

__all__ = ["Classification", "Classifier"]
