"""The data folder of one instance: who holds it, how commands find it, what it keeps."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from workers.errors import Refused, Unavailable

NEEDED_BYTES: Final = 2 * 1024**3
"""The engine stops accepting work below its own disk watermark; starting with less only postpones the trouble."""


@dataclass(frozen=True)
class InstanceFile:
    """How commands reach a running instance: instance.json, readable by its owner only."""

    url: str
    token: str
    pid: int
    engine_address: str
    engine_rest_url: str

    @classmethod
    def read(cls, folder: Path) -> InstanceFile | None:
        """What the running instance wrote; None where none runs."""
        try:
            return cls(**json.loads((folder / "instance.json").read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def write(self, folder: Path) -> None:
        """Replaces instance.json in one step."""
        draft = folder / "instance.json.draft"
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(asdict(self), file)
        draft.replace(folder / "instance.json")


@contextmanager
def held(folder: Path) -> Iterator[Path]:
    """Holds the data folder for one `duban up`.

    Raises:
        Refused: another instance holds it, or it is no folder that can be written to.
        Unavailable: its disk is too full for the engine.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        free = shutil.disk_usage(folder).free
        lock = FileLock(folder / "lock", timeout=0)
        lock.acquire()
    except Timeout as error:
        raise Refused(
            f"another `duban up` uses the data folder {folder}{_holder(folder)}. Stop it, or give another --data."
        ) from error
    except OSError as error:
        raise Refused(
            f"the data folder {folder} cannot be used: {error.strerror}. Give another --data."
        ) from error
    try:
        if free < NEEDED_BYTES:
            raise Unavailable(
                f"the disk of {folder} has {free // 1024**2} MB free; the engine needs {NEEDED_BYTES // 1024**2} MB. "
                "Free some space, or give a --data on another disk."
            )
        yield folder
    finally:
        (folder / "instance.json").unlink(missing_ok=True)
        lock.release()


def _holder(folder: Path) -> str:
    instance = InstanceFile.read(folder)
    return f" (process {instance.pid})" if instance else ""
