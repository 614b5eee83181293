"""Models, templates, rules and tasks held against each other, before anything is deployed."""

from __future__ import annotations

import contextlib
import hashlib
import sys
from pathlib import Path

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


def checked_models(settings: Settings, passed: Path | None = None) -> Models:
    """The models, once they hold together with templates, rules and tasks.

    Args:
        passed: a file that remembers what was in order: the very same models, texts and program are not checked again,
            which takes seconds. None: everything is checked.

    Raises:
        Refused: they have faults (each is named), or a folder is not there. Broken: there is no process in it.
    """
    folder = models_dir(settings)
    models = Models.load(folder)
    seal = _seal(settings) if passed is not None else ""
    if passed is not None and _reads(passed, seal):
        return models
    templates = Templates(templates_dir(settings))
    findings = models.check(contracts_of(TASKS), templates.facts.events.keys(), templates.wording)
    rules = Classifier(folder / CLASSIFICATION_RULES, settings.engine.cache_dir).check()
    texts = templates.check() + list(Agreements(templates_dir(settings), settings).check())
    texts += AlertTexts(templates_dir(settings), templates.labels, settings).check()
    faults = [str(finding) for finding in findings] + texts + rules
    if faults:
        raise Refused("the models have faults, and nothing was deployed:\n  " + "\n  ".join(faults))
    if passed is not None:
        with contextlib.suppress(OSError):  # a folder that cannot be written: checked again next time
            passed.write_text(seal, encoding="ascii")
    return models


def _seal(settings: Settings) -> str:
    """Changes with every file of models, templates and this program, and with what texts say of the operator."""
    digest = hashlib.sha256(f"{sys.version} {settings.notifications.model_dump_json()}".encode())
    program = Path(__file__).parents[1].rglob("*.py")
    told = (path for folder in (models_dir(settings), templates_dir(settings)) for path in folder.rglob("*"))
    for path in sorted((*program, *told)):
        if path.is_file():
            digest.update(f"{path} {path.stat().st_size}\n".encode() + path.read_bytes())
    return digest.hexdigest()


def _reads(path: Path, seal: str) -> bool:
    try:
        return path.read_text(encoding="ascii") == seal
    except (OSError, UnicodeDecodeError):
        return False
