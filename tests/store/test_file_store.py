"""Files of evidence: there whole or not at all, and nothing stays behind (rules B4, B9)."""

from __future__ import annotations

import hashlib
import os
import resource
import signal
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
