"""A second start does not check again what was in order; whatever changed is checked."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from workers.bootstrap.contract import checked_models
from workers.bootstrap.resources import models_dir, templates_dir
from workers.errors import Refused
from workers.notifications.render import Templates
from workers.settings import Settings


def test_what_was_in_order_is_not_checked_again_until_something_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A designer's next mistake is found at the next start, although the last one was fine."""
    shipped = Settings(data=tmp_path)
    shutil.copytree(models_dir(shipped), tmp_path / "bpmn")
    shutil.copytree(templates_dir(shipped), tmp_path / "templates")
    settings = Settings(data=tmp_path, models_dir=tmp_path / "bpmn", templates_dir=tmp_path / "templates")
    passed = tmp_path / "checked-models"
    checked_models(settings, passed)

    def check(_templates: Templates) -> list[str]:
        raise AssertionError("checked again")

    with monkeypatch.context() as patch:
        patch.setattr(Templates, "check", check)
        assert checked_models(settings, passed).groups()
        with pytest.raises(AssertionError, match="checked again"):
            checked_models(settings)

    text = tmp_path / "templates" / "notifications" / "complaint-registered" / "sms.txt"
    text.write_text(text.read_text(encoding="utf-8") + "{{ secret_word }}", encoding="utf-8")
    for _ in range(2):  # a refusal is not remembered as a pass
        with pytest.raises(Refused, match="secret_word"):
            checked_models(settings, passed)
