"""Files of evidence: there whole or not at all, and nothing stays behind (rules B4, B9)."""

from __future__ import annotations

import hashlib
import os
import resource
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from workers.errors import Broken, Refused, Unavailable
from workers.store.file_store import FileStore

CONTENT = "证据".encode() * 1000


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.fixture
def store(tmp_path: Path) -> FileStore:
    return FileStore(tmp_path)


def test_B9_a_file_is_kept_once_under_its_content(store: FileStore, tmp_path: Path) -> None:
    first, second = store.put(CONTENT), store.put(CONTENT)
    assert first.sha256 == second.sha256 == hashlib.sha256(CONTENT).hexdigest()
    assert len(files_in(tmp_path)) == 1
    assert store.read(first.sha256) == CONTENT


def test_B9_a_file_that_was_changed_or_removed_is_told(store: FileStore) -> None:
    kept = store.put(CONTENT)
    path = store.find(kept.sha256)
    path.write_bytes(b"something else")
    with pytest.raises(Broken, match="changed"):
        store.read(kept.sha256)
    path.unlink()
    with pytest.raises(Broken, match="no longer"):
        store.read(kept.sha256)


@pytest.mark.parametrize(("content", "largest", "says"), [(b"", 10, "empty"), (b"12345678901", 10, "longer")])
def test_B9_an_unfit_file_leaves_nothing(
    store: FileStore, tmp_path: Path, content: bytes, largest: int, says: str
) -> None:
    incoming = store.receive(largest)
    with pytest.raises(Refused, match=says):
        incoming.write(content)
        incoming.finish()
    incoming.discard()
    assert files_in(tmp_path) == []


@contextmanager
def no_file_longer_than(size: int) -> Iterator[None]:
    """The operating system refuses more: what a full disk is to a program."""

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)


@pytest.mark.skipif(os.name == "nt", reason="the limit is a POSIX one")
def test_B9_a_full_disk_gets_a_sentence_and_leaves_nothing(store: FileStore, tmp_path: Path) -> None:
    """Room for a part of the file only: not kept, nothing left, and the next one that fits is kept."""
    with no_file_longer_than(1000), pytest.raises(Unavailable, match="disk is full"):
        store.put(CONTENT)
    assert files_in(tmp_path) == []
    store.put(CONTENT)
    assert len(files_in(tmp_path)) == 1


def test_B9_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(Unavailable, match="cannot be written"):
        FileStore(tmp_path / "file" / "evidence").put(CONTENT)


def test_B9_what_a_killed_process_left_is_swept_and_what_comes_in_is_not(
    store: FileStore, tmp_path: Path
) -> None:
    """A day after the last piece nobody writes any more; a file that is still coming in stays, and is kept whole."""
    assert store.sweep() == 0, "no folder yet"
    kept = store.put(CONTENT)
    left, going_on = store.receive(len(CONTENT)), store.receive(len(CONTENT))
    left.write(CONTENT[:10])
    going_on.write(CONTENT[:10])
    long_ago = time.time() - 25 * 60 * 60
    incoming = tmp_path / "incoming"
    first, second = sorted(incoming.iterdir(), key=lambda path: path.stat().st_mtime_ns)
    for path in (first, second):
        os.utime(path, (long_ago, long_ago))
    going_on.write(CONTENT[10:])

    assert FileStore(tmp_path).sweep() == 1
    assert FileStore(tmp_path).sweep() == 0
    store.keep(going_on.finish())
    assert store.read(kept.sha256) == CONTENT
    assert files_in(incoming) == []
    left.discard()


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write everywhere")
def test_B9_a_folder_that_cannot_be_swept_stops_nobody(store: FileStore, tmp_path: Path) -> None:
    """A start does not fail because of it."""
    store.receive(10).write(b"x")
    (tmp_path / "incoming").chmod(0o500)
    try:
        assert store.sweep() == 0
    finally:
        (tmp_path / "incoming").chmod(0o700)
