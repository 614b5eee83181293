"""Models, templates, rules and tasks held against each other, before anything is deployed."""

from __future__ import annotations

from workers.bootstrap.parts import CLASSIFICATION_RULES
from workers.bootstrap.resources import models_dir, templates_dir
from workers.classification import Classifier
from workers.engine.models import Models, contracts_of
from workers.notifications.render import Templates
from workers.settings import Settings
from workers.tasks import TASKS


def check(settings: Settings) -> list[str]:
    """The faults, each a sentence; none: the models may be deployed.

    Raises:
        Refused: a folder that is not there. Broken: there is no process in it.
    """
    folder = models_dir(settings)
    templates = Templates(templates_dir(settings))
    findings = Models.load(folder).check(contracts_of(TASKS), templates.facts.events.keys())
    rules = Classifier(folder / CLASSIFICATION_RULES, settings.engine.cache_dir).check()
    return [str(finding) for finding in findings] + templates.check() + rules
