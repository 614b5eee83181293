"""Fetching the engine, against a real HTTP server on this machine and a small archive in its place."""

from __future__ import annotations

import errno
import hashlib
import io
import socket
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from workers.engine import distribution, download
from workers.engine.distribution import fetch
from workers.engine.maven_settings import MavenSettings, mirrors_central
from workers.errors import Unavailable
from workers.settings import EngineSettings

VERSION = "9.9.9"
PATH = f"/maven/io/camunda/camunda-zeebe/{VERSION}/camunda-zeebe-{VERSION}.tar.gz"


def _archive() -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as tar:
        for name, content in (("lib/engine.jar", bytes(range(256)) * 3000), ("config/log4j2.xml", b"<x/>")):
            member = tarfile.TarInfo(f"camunda-zeebe-{VERSION}/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return stream.getvalue()


class Repository:
    """A Maven repository of one file, which misbehaves as it is told."""

    def __init__(self) -> None:
        self.content = _archive()
        self.sha1: str | None = hashlib.sha1(self.content).hexdigest()  # noqa: S324 - what Maven publishes
        self.ranges: list[str | None] = []
        self.authorization: list[str | None] = []
        self.break_after: list[int] = []
        """Per request: after so many bytes the connection is closed."""
        self.knows_ranges = True
        self.status = 200
        self.corrupt = 0
        """So many answers have one wrong byte."""
        repository = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, format: str, *args: object) -> None:
                pass

            def do_GET(self) -> None:
                repository.answer(self)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/maven"

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        if request.path == f"{PATH}.sha1" and self.sha1:
            self._send(request, 200, self.sha1.encode(), None)
        elif request.path != PATH:
            self._send(request, 404, b"", None)
        elif self.status != 200:
            self._send(request, self.status, b"", None)
        else:
            self._send_archive(request)

    def _send_archive(self, request: BaseHTTPRequestHandler) -> None:
        self.ranges.append(request.headers.get("Range"))
        self.authorization.append(request.headers.get("Authorization"))
        content = bytearray(self.content)
        if self.corrupt:
            self.corrupt -= 1
            content[len(content) // 2] ^= 1
        start = 0
        if self.knows_ranges and (wanted := request.headers.get("Range")):
            start = int(wanted.removeprefix("bytes=").rstrip("-"))
        cut = self.break_after.pop(0) if self.break_after else None
        self._send(request, 206 if start else 200, bytes(content[start:]), cut)

    @staticmethod
    def _send(request: BaseHTTPRequestHandler, status: int, body: bytes, cut: int | None) -> None:
        request.send_response(status)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body if cut is None else body[:cut])
        request.close_connection = True


@pytest.fixture
def repository() -> Iterator[Repository]:
    server = Repository()
    yield server
    server.close()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user without Maven settings and without proxies."""
    folder = tmp_path / "home"
    (folder / ".m2").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(folder))
    for name in ("MAVEN_HOME", "M2_HOME", "M2_REPO", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    return folder


@pytest.fixture
def settings(tmp_path: Path, repository: Repository) -> EngineSettings:
    return EngineSettings(version=VERSION, cache_dir=tmp_path / "cache", repository_url=repository.url)


def test_it_is_fetched_once_checked_and_unpacked(settings: EngineSettings, repository: Repository) -> None:
    said: list[str] = []
    folder = fetch(settings, said.append)
    assert (folder / "lib/engine.jar").stat().st_size == 768_000
    assert fetch(settings) == folder and len(repository.ranges) == 1
    assert any("100 %" in line for line in said)
    kept = {file.name for file in settings.cache_dir.iterdir()}
    assert kept - {f"camunda-zeebe-{VERSION}.lock"} == {f"camunda-zeebe-{VERSION}"}


def test_a_broken_connection_is_taken_up_where_it_stopped(
    settings: EngineSettings, repository: Repository
) -> None:
    repository.break_after = [1000, 500]
    assert fetch(settings).is_dir()
    assert repository.ranges == [None, "bytes=1000-", "bytes=1500-"]


def test_a_part_from_an_earlier_run_is_continued(settings: EngineSettings, repository: Repository) -> None:
    settings.cache_dir.mkdir()
    part = settings.cache_dir / f"camunda-zeebe-{VERSION}.tar.gz.part"
    part.write_bytes(repository.content[:1234])
    assert fetch(settings).is_dir()
    assert repository.ranges == ["bytes=1234-"]


def test_a_server_that_cannot_resume_sends_everything(
    settings: EngineSettings, repository: Repository
) -> None:
    repository.knows_ranges = False
    repository.break_after = [1000]
    assert fetch(settings).is_dir()


def test_a_wrong_part_from_before_costs_one_more_download(
    settings: EngineSettings, repository: Repository
) -> None:
    settings.cache_dir.mkdir()
    (settings.cache_dir / f"camunda-zeebe-{VERSION}.tar.gz.part").write_bytes(b"x" * 1234)
    assert fetch(settings).is_dir()
    assert repository.ranges == ["bytes=1234-", None]


def test_one_wrong_byte_is_never_unpacked(settings: EngineSettings, repository: Repository) -> None:
    repository.corrupt = 2
    with pytest.raises(Unavailable, match="is not the released file"):
        fetch(settings)
    assert not list(settings.cache_dir.glob("camunda-zeebe-9.9.9*/*"))
    assert fetch(settings).is_dir(), "a later try, from a healthy repository, is not held up"


def test_a_pinned_release_is_not_taken_from_a_repository_that_lies(
    settings: EngineSettings, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(distribution.PINNED, VERSION, download.Checksum("sha256", "0" * 64))
    with pytest.raises(Unavailable, match="not the released file"):
        fetch(settings)


@pytest.mark.parametrize(
    ("status", "sentence"),
    [(404, "There is no http"), (401, "wants a login"), (407, "proxy wants"), (503, "answered HTTP 503")],
)
def test_a_refusal_is_one_sentence(
    settings: EngineSettings, repository: Repository, status: int, sentence: str
) -> None:
    repository.status = status
    with pytest.raises(Unavailable, match=sentence):
        fetch(settings)


def test_no_checksum_no_engine(settings: EngineSettings, repository: Repository) -> None:
    repository.sha1 = None
    with pytest.raises(Unavailable, match="publishes no checksum"):
        fetch(settings)


def test_a_connection_that_always_breaks_is_told(settings: EngineSettings, repository: Repository) -> None:
    repository.break_after = [0] * 20
    with pytest.raises(Unavailable, match="goes on where it stopped"):
        fetch(settings)


@contextmanager
def _closed_port() -> Iterator[int]:
    """A port on which nobody listens, kept from others."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


def test_no_network_is_told(settings: EngineSettings) -> None:
    with _closed_port() as port:
        settings.repository_url = f"http://127.0.0.1:{port}"
        with pytest.raises(Unavailable, match="Cannot reach 127"):
            fetch(settings)


def test_a_proxy_that_refuses_is_told(settings: EngineSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    with _closed_port() as port:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{port}")
        monkeypatch.setenv("NO_PROXY", "")
        monkeypatch.setenv("no_proxy", "")
        settings.repository_url = "http://repository.invalid/maven"
        with pytest.raises(Unavailable, match="HTTPS_PROXY"):
            fetch(settings)


def test_a_full_disk_is_told(settings: EngineSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(download, "_copy", full)
    with pytest.raises(Unavailable, match="The disk is full"):
        fetch(settings)


def test_a_download_that_is_abandoned_ends_and_is_kept(
    settings: EngineSettings, repository: Repository
) -> None:
    abandoned = threading.Event()
    with pytest.raises(Unavailable, match="goes on where this one ended"):
        fetch(settings, lambda _line: abandoned.set(), abandoned)
    assert fetch(settings).is_dir()


def test_the_local_maven_repository_is_used_when_its_file_is_right(
    settings: EngineSettings, repository: Repository, home: Path
) -> None:
    kept = home / ".m2/repository" / PATH.removeprefix("/maven/")
    kept.parent.mkdir(parents=True)
    kept.write_bytes(repository.content)
    settings.archive_sha1 = repository.sha1
    assert fetch(settings).is_dir()
    assert repository.ranges == [] and kept.exists()


def test_a_file_lost_from_the_cache_is_put_back(settings: EngineSettings, repository: Repository) -> None:
    (fetch(settings) / "lib/engine.jar").write_bytes(b"half")
    assert (fetch(settings) / "lib/engine.jar").stat().st_size == 768_000


def test_two_at_once_download_once(settings: EngineSettings, repository: Repository) -> None:
    found: list[Path] = []
    threads = [threading.Thread(target=lambda: found.append(fetch(settings))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 3 and len(repository.ranges) == 1


def test_the_mirror_of_the_settings_is_used_with_its_login(
    settings: EngineSettings, repository: Repository, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIRROR_PASSWORD", "secret")
    (home / ".m2/settings.xml").write_text(
        f"""<settings xmlns="http://maven.apache.org/SETTINGS/1.0.0">
        <mirrors><mirror><id>ours</id><mirrorOf>external:*,!other</mirrorOf><url>{repository.url}/</url></mirror></mirrors>
        <servers><server><id>ours</id><username>me</username><password>${{env.MIRROR_PASSWORD}}</password></server></servers>
        <proxies><proxy><host>127.0.0.1</host><port>9</port><nonProxyHosts>localhost|127.*</nonProxyHosts></proxy></proxies>
        </settings>"""
    )
    settings.repository_url = None
    assert fetch(settings).is_dir()
    assert repository.authorization == ["Basic bWU6c2VjcmV0"]


def test_a_proxy_of_the_settings_is_used_where_it_applies(home: Path) -> None:
    (home / ".m2/settings.xml").write_text(
        "<settings><localRepository>${user.home}/kept</localRepository><proxies>"
        "<proxy><active>false</active><host>old</host></proxy>"
        "<proxy><host>proxy</host><port>3128</port><username>a b</username><password>c@d</password>"
        "<nonProxyHosts>*.inside</nonProxyHosts></proxy></proxies></settings>"
    )
    maven = MavenSettings.of_this_user()
    assert maven.proxy_for("https://outside/x") == "http://a%20b:c%40d@proxy:3128"
    assert maven.proxy_for("https://mirror.inside/x") is None
    assert maven.local_repository() == home / "kept"


def test_settings_that_are_no_xml_are_named(home: Path) -> None:
    (home / ".m2/settings.xml").write_text("<settings>")
    with pytest.raises(Unavailable, match=r"settings\.xml cannot be read"):
        MavenSettings.of_this_user()


@pytest.mark.parametrize(
    ("pattern", "covers"),
    [
        ("central", True),
        ("*", True),
        ("external:*", True),
        ("a,central", True),
        ("*,!central", False),
        ("a", False),
    ],
)
def test_which_mirrors_cover_central(pattern: str, covers: bool) -> None:
    assert mirrors_central(pattern) is covers
