"""Models, templates, rules and tasks held against each other, before anything is deployed."""

from __future__ import annotations

from workers.bootstrap.resources import models_dir
from workers.settings import Settings


def check(settings: Settings) -> list[str]:
    """The faults, each a sentence; none: the models may be deployed."""
    from workers.engine.models import Models

    return [str(finding) for finding in Models.load(models_dir(settings)).check()]
