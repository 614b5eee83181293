"""Two at once on a folder, a full disk, a taken port: each a sentence that says what to do."""

from __future__ import annotations

import os
import shutil
import socket
import stat
from pathlib import Path

import pytest

from workers.bootstrap import folder, ports
from workers.bootstrap.folder import InstanceFile, held
from workers.errors import Refused, Unavailable
from workers.settings import WebSettings


def test_a_held_folder_refuses_a_second_and_names_the_first(tmp_path: Path) -> None:
    with held(tmp_path):
        InstanceFile("http://127.0.0.1:1", "token", os.getpid(), "127.0.0.1:2", "http://127.0.0.1:3").write(
            tmp_path
        )
        with pytest.raises(Refused, match=str(os.getpid())), held(tmp_path):
            pass
        assert InstanceFile.read(tmp_path) is not None, "the refusal left the first one's file alone"
    assert InstanceFile.read(tmp_path) is None
    with held(tmp_path):
        pass


def test_the_token_is_for_its_owner_only(tmp_path: Path) -> None:
    InstanceFile("http://127.0.0.1:1", "token", 1, "127.0.0.1:2", "http://127.0.0.1:3").write(tmp_path)
    assert stat.S_IMODE((tmp_path / "instance.json").stat().st_mode) == 0o600


def test_a_full_disk_is_told_before_anything_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=folder.NEEDED_BYTES - 1)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage)
    with pytest.raises(Unavailable, match="free"), held(tmp_path):
        pass
    monkeypatch.undo()
    with held(tmp_path):
        pass


def test_a_taken_port_is_refused_when_it_was_asked_for_and_avoided_when_not() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(Refused, match="--port"), ports.listening(WebSettings(port=port)):
            pass
        unasked = WebSettings.model_construct({"host"}, host="127.0.0.1", port=port, public_url=None)
        with ports.listening(unasked) as listener:
            assert listener.getsockname()[1] != port
