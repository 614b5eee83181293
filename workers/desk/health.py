"""How a part of an instance is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Health:
    """Whether a part is well, and the sentence that says so. Not `is_needed`: without it the desk is of use, too."""

    is_ok: bool
    says: str
    is_needed: bool = True


HealthCheck = Callable[[], Awaitable[Mapping[str, Health]]]
"""Looks at the parts, by name (engine, database, records)."""
