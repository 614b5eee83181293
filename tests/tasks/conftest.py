"""Collaborators of task handlers, the real ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from workers.bootstrap.resources import models_dir, templates_dir
from workers.cases.calendar import WorkingCalendar
from workers.classification import Classifier
from workers.notifications.case_file import CaseFiles
from workers.notifications.messenger import Messenger
from workers.notifications.render import Templates
from workers.settings import Settings
from workers.store.file_store import FileStore


@pytest.fixture
def messenger(tmp_path: Path) -> Messenger:
    settings = Settings(data=tmp_path)
    return Messenger(Templates(templates_dir(settings)), settings)


@pytest.fixture(scope="session")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Classifier:
    settings = Settings(data=tmp_path_factory.mktemp("data"))
    rules = models_dir(settings) / "complaint-handling" / "classification-rules.dmn"
    return Classifier(rules, settings.engine.cache_dir)


@pytest.fixture
def calendar() -> WorkingCalendar:
    return WorkingCalendar()


@pytest.fixture
def case_writing(tmp_path: Path) -> dict[type, object]:
    """What writes case files, and where they are kept."""
    settings = Settings(data=tmp_path)
    return {
        FileStore: FileStore(tmp_path / "evidence"),
        CaseFiles: CaseFiles(templates_dir(settings), settings),
    }
