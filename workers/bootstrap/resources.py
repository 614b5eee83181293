"""Where the models and templates are: named in the settings, shipped in the wheel, or in the checkout."""

from __future__ import annotations

from pathlib import Path

from workers.errors import Refused
from workers.settings import Settings

SAMPLE_COMPLAINTS = "sample-complaints.jsonl"
_PACKAGE = Path(__file__).parent.parent


def models_dir(settings: Settings) -> Path:
    """The folder of processes, decision tables and forms. Raises Refused when there is none."""
    return _find(settings.models_dir, "bpmn", "DUBAN_MODELS_DIR")


def templates_dir(settings: Settings) -> Path:
    """The folder of templates. Raises Refused when there is none."""
    return _find(settings.templates_dir, "templates", "DUBAN_TEMPLATES_DIR")


def deploy_file(name: str) -> Path:
    """A file shipped under deploy/."""
    shipped = _PACKAGE / "_shipped" / "deploy" / name
    return shipped if shipped.exists() else _PACKAGE.parent / "deploy" / name


def _find(wanted: Path | None, name: str, setting: str) -> Path:
    for folder in (wanted,) if wanted else (_PACKAGE / "_shipped" / name, _PACKAGE.parent / name):
        if folder.is_dir():
            return folder
    raise Refused(f"the folder {wanted or name} is not there; set {setting} to the folder that holds it")
