"""Models, templates, rules and tasks held against each other, before anything is deployed."""

from __future__ import annotations

from workers.bootstrap.parts import CLASSIFICATION_RULES
from workers.bootstrap.resources import models_dir, templates_dir
from workers.classification import Classifier
from workers.engine.models import Models, contracts_of
from workers.errors import Refused
from workers.notifications.agreements import Agreements
from workers.notifications.alert_texts import AlertTexts
from workers.notifications.render import Templates
from workers.settings import Settings
from workers.tasks import TASKS


def checked_models(settings: Settings) -> Models:
    """The models, once they hold together with templates, rules and tasks.

    Raises:
        Refused: they have faults (each is named), or a folder is not there. Broken: there is no process in it.
    """
    folder = models_dir(settings)
    models = Models.load(folder)
    templates = Templates(templates_dir(settings))
    findings = models.check(contracts_of(TASKS), templates.facts.events.keys(), templates.wording)
    rules = Classifier(folder / CLASSIFICATION_RULES, settings.engine.cache_dir).check()
    texts = templates.check() + list(Agreements(templates_dir(settings), settings).check())
    texts += AlertTexts(templates_dir(settings), templates.labels, settings).check()
    faults = [str(finding) for finding in findings] + texts + rules
    if faults:
        raise Refused("the models have faults, and nothing was deployed:\n  " + "\n  ".join(faults))
    return models
