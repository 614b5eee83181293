"""Files outside the database, each under the hash of its content: a file is there whole or not at all (rule B9)."""

from __future__ import annotations

import errno
import hashlib
import os
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from workers.errors import Broken, Refused, Unavailable

_INCOMING: Final = "incoming"
_ABANDONED_SECONDS: Final = 24 * 60 * 60
"""Longer than any upload is silent: whoever receives writes again and again, or gives up."""
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@dataclass(frozen=True)
class Draft:
    """A file that has come in and is not kept yet: look at it, then keep or discard it."""

    path: Path
    sha256: str
    size: int


class Incoming:
    """A file that is coming in, piece by piece. Nothing is left behind unless `finish` was reached."""

    def __init__(self, folder: Path, largest: int) -> None:
        self._largest, self._size, self._digest = largest, 0, hashlib.sha256()
        with _told():
            folder.mkdir(parents=True, exist_ok=True)
            self._handle, name = tempfile.mkstemp(dir=folder)
        self._path = Path(name)
        self._is_open = True

    def write(self, piece: bytes) -> None:
        """Adds a piece.

        Raises:
            Refused: it is longer than is taken. Unavailable: the disk is full or cannot be written.
        """
        self._size += len(piece)
        if self._size > self._largest:
            raise Refused(f"文件过大。 The file is longer than the {self._largest} bytes that are taken.")
        self._digest.update(piece)
        with _told():
            _write(self._handle, piece)

    def finish(self) -> Draft:
        """The whole file, on disk. Raises Refused when it is empty, Unavailable as `write`."""
        if self._size == 0:
            raise Refused("文件为空。 The file is empty.")
        with _told():
            os.fsync(self._handle)
        self._close()
        return Draft(self._path, self._digest.hexdigest(), self._size)

    def discard(self) -> None:
        """Removes what came in so far; after `finish` it does nothing."""
        if self._is_open:
            self._close()
            self._path.unlink(missing_ok=True)

    def _close(self) -> None:
        os.close(self._handle)
        self._is_open = False


class FileStore:
    """Keeps files under DATA/evidence. What is kept never changes: its name is its content.

    Args:
        folder: made when the first file comes.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def receive(self, largest: int) -> Incoming:
        """A place for a file that comes in; the caller finishes or discards it. Raises Unavailable."""
        return Incoming(self._folder / _INCOMING, largest)

    def sweep(self) -> int:
        """Removes what came in and was never finished, because its process was killed; returns how many files.

        Only what nobody has written to for a day, by the clock of the folder itself: other processes, also on other
        machines, may be receiving into it. A folder that cannot be changed is left as it is: sweeping can wait.
        """
        folder, swept = self._folder / _INCOMING, 0
        if not folder.is_dir():
            return 0
        with suppress(OSError):
            with tempfile.NamedTemporaryFile(dir=folder) as probe:
                now = Path(probe.name).stat().st_mtime
            for path in folder.iterdir():
                with suppress(OSError):  # another process may sweep as well
                    if path.is_file() and now - path.stat().st_mtime > _ABANDONED_SECONDS:
                        path.unlink()
                        swept += 1
        return swept

    def keep(self, draft: Draft) -> None:
        """Puts the draft in its place, at once and for good; one that is there already stays.

        Raises:
            Unavailable: the disk is full or cannot be written.
        """
        target = self._path(draft.sha256)
        with _told():
            target.parent.mkdir(parents=True, exist_ok=True)
            draft.path.replace(target)
            for folder in (target.parent, target.parent.parent):
                _sync(folder)

    def discard(self, draft: Draft) -> None:
        """Removes a draft; one that was kept is no draft any more."""
        with suppress(OSError):
            draft.path.unlink()

    def put(self, content: bytes) -> Draft:
        """Keeps what the program itself has written. Raises Unavailable."""
        incoming = self.receive(largest=len(content))
        try:
            incoming.write(content)
            draft = incoming.finish()
        finally:
            incoming.discard()
        self.keep(draft)
        return draft

    def forget(self, sha256: str) -> None:
        """Removes a kept file for good (rule C10); one that is gone is fine. Raises Unavailable as `keep`."""
        with _told():
            self._path(sha256).unlink(missing_ok=True)

    def find(self, sha256: str) -> Path:
        """Where a kept file is. Raises Broken when it is gone: then the folder was changed from outside."""
        path = self._path(sha256)
        if not path.is_file():
            raise Broken(
                f"the file {sha256[:12]}… is no longer in the evidence folder; restore it from a backup"
            )
        return path

    def read(self, sha256: str) -> bytes:
        """The content of a kept file, which still is what it was. Raises Broken when it is gone or was changed."""
        content = self.find(sha256).read_bytes()
        if hashlib.sha256(content).hexdigest() != sha256:
            raise Broken(f"the file {sha256[:12]}… has been changed on disk; restore it from a backup")
        return content

    def _path(self, sha256: str) -> Path:
        return self._folder / sha256[:2] / sha256


class _told:  # noqa: N801  (used as a verb)
    """Says in a sentence what the disk says in a number."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if not isinstance(error, OSError):
            return
        if error.errno in _FULL:
            raise Unavailable(
                "磁盘已满，文件未保存。 The disk is full: the file was not kept; make room, then send it again."
            ) from error
        raise Unavailable(
            f"文件无法保存。 The evidence folder cannot be written ({error.strerror}); nothing was kept."
        ) from error


def _write(handle: int, chunk: bytes) -> None:
    view = memoryview(chunk)
    while view:
        view = view[os.write(handle, view) :]


def _sync(folder: Path) -> None:
    if os.name == "nt":
        return  # a folder cannot be opened there
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
