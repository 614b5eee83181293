"""The engine's distribution: fetched once from a Maven repository, checked, unpacked into the user's
cache."""

from __future__ import annotations

import errno
import json
import os
import shutil
import tarfile
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import filelock

from workers.engine.download import Checksum, download, published_checksum
from workers.engine.maven_settings import MavenSettings, Repository
from workers.errors import Unavailable
from workers.settings import EngineSettings

PINNED = {
    # Computed from the archive whose SHA-1 is the published one, 38889d4209faf0520553eec17339a8fc005c295a.
    "8.5.8": Checksum("sha256", "53ce62b008e61a87a3f7aed700065ad1352084a24c85771bc4e8300828bf95b4"),
}
"""What the archive of a release must be, whatever a repository says."""

MANIFEST = "duban-manifest.json"
_ROOM = 700_000_000  # archive and unpacked files, side by side for a moment

Say = Callable[[str], None]


def fetch(
    settings: EngineSettings,
    progress: Say = lambda _text: None,
    abandoned: threading.Event | None = None,
) -> Path:
    """The folder of the unpacked engine; fetched, checked and unpacked by the first call.

    Blocking: run it in a thread. Several processes may call it at once, one of them works and the others
    wait.

    Args:
        settings: release, cache folder, repository and checksum.
        progress: takes sentences for people. The bar itself goes to stderr.
        abandoned: when it is set, the call ends soon; what was fetched is kept for the next one.

    Raises:
        Unavailable: no network, no such release, wrong checksum, no room: one sentence that says what to do.
    """
    cache = settings.cache_dir
    home = cache / f"camunda-zeebe-{settings.version}"
    if _is_complete(home):
        return home
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with _alone(cache / f"{home.name}.lock", progress, abandoned):
            if not _is_complete(home):
                archive = _archive(settings, progress, abandoned)
                progress("正在解开引擎… Unpacking the engine…")
                _unpack(archive, home)
                if archive.parent == cache:
                    archive.unlink()
    except OSError as error:
        raise Unavailable(_sentence(error, cache)) from error
    return home


@contextmanager
def _alone(file: Path, progress: Say, abandoned: threading.Event | None) -> Iterator[None]:
    lock = filelock.FileLock(file)
    is_told = False
    while True:
        try:
            lock.acquire(timeout=0.5)
            break
        except filelock.Timeout:
            if abandoned is not None and abandoned.is_set():
                raise Unavailable("已中止。 Stopped while another process fetches the engine.") from None
            if not is_told:
                progress("另一个进程正在获取引擎，等待… Another process is fetching the engine, waiting…")
                is_told = True
    try:
        yield
    finally:
        lock.release()


def _archive(settings: EngineSettings, progress: Say, abandoned: threading.Event | None) -> Path:
    name = f"camunda-zeebe-{settings.version}.tar.gz"
    path = f"io/camunda/camunda-zeebe/{settings.version}/{name}"
    maven = MavenSettings.of_this_user()
    repository = maven.central()
    if settings.repository_url:
        url = settings.repository_url.rstrip("/")
        repository = Repository(url, "DUBAN_ENGINE__REPOSITORY_URL", proxy=maven.proxy_for(url))
    expected = PINNED.get(settings.version)
    if settings.archive_sha1:
        expected = Checksum("sha1", settings.archive_sha1.strip().lower())
    kept = maven.local_repository() / path
    if expected is not None and kept.is_file() and expected.matches(kept):
        progress(f"使用本机 Maven 仓库里的引擎。 Using the engine from the local Maven repository: {kept}")
        return kept
    if shutil.disk_usage(settings.cache_dir).free < _ROOM:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    if expected is None:
        expected = published_checksum(repository, path)
    progress(
        f"正在获取 Zeebe {settings.version}（只需一次）… "
        f"Fetching Zeebe {settings.version} ({repository.origin}), once…"
    )
    target = settings.cache_dir / name
    download(repository, path, target, expected, progress, abandoned)
    return target


def _unpack(archive: Path, home: Path) -> None:
    """Unpack beside `home`, note what belongs to it, then put it in place in one step."""
    folder = Path(tempfile.mkdtemp(prefix=".unpack-", dir=home.parent))
    try:
        with tarfile.open(archive) as tar:
            if hasattr(tarfile, "data_filter"):
                tar.extractall(folder, filter="data")
            else:  # Python 3.11.0 to 3.11.3; the archive's checksum is known
                tar.extractall(folder)  # noqa: S202
        (inner,) = folder.iterdir()
        sizes = {
            file.relative_to(inner).as_posix(): file.stat().st_size
            for file in inner.rglob("*")
            if file.is_file()
        }
        (inner / MANIFEST).write_text(json.dumps(sizes, sort_keys=True), encoding="utf-8")
        shutil.rmtree(home, ignore_errors=True)  # a damaged one
        inner.replace(home)
    except (tarfile.TarError, EOFError, ValueError) as error:
        archive.unlink(missing_ok=True)
        raise Unavailable(
            f"引擎压缩包损坏，请重试。 The engine's archive {archive} is damaged; try again. ({error})"
        ) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _is_complete(home: Path) -> bool:
    """Every file of the manifest is there with its size: a crash may have lost the last pages of some."""
    try:
        sizes = json.loads((home / MANIFEST).read_text(encoding="utf-8"))
        return all((home / name).stat().st_size == size for name, size in sizes.items())
    except (OSError, ValueError):
        return False


def _sentence(error: OSError, cache: Path) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return (
            f"磁盘已满：{cache} 需要约 700 MB。 The disk is full: {cache} needs about 700 MB; make room or "
            "set "
            "DUBAN_ENGINE__CACHE_DIR to another folder."
        )
    reason = error.strerror or error
    return (
        f"缓存目录 {cache} 无法写入。 The cache folder {cache} cannot be written ({reason}); "
        "set DUBAN_ENGINE__CACHE_DIR to a folder of yours."
    )
