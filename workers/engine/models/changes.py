"""What a deployment would change: the files of a folder held against what the engine has."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from workers.engine.models.library import Models
from workers.store.deployed import Known


class Change(StrEnum):
    """What a deployment does with a file."""

    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    UNKNOWN = "unknown"
    """The engine has it; with which content was not kept when it was deployed."""
    GONE = "gone"
    """Not in the folder any more. Nothing is taken from the engine: what runs on it goes on."""


@dataclass(frozen=True)
class Difference:
    """A file, and what a deployment would do with it.

    Attributes:
        kind: process, decision or form.
        id: of a process or form; of a decision file its name.
        version: the newest that the engine has; None where it has none.
    """

    kind: str
    id: str
    file: str
    change: Change
    version: int | None

    @property
    def is_effective(self) -> bool:
        """The engine would have something that it has not now, or it is not known."""
        return self.change in {Change.NEW, Change.CHANGED, Change.UNKNOWN}


def differences(models: Models, known: Iterable[Known]) -> list[Difference]:
    """Every file of the folder, and what the engine has beside them; by kind and id."""
    there = {(each.kind, each.id): each for each in known}
    mine = {("process", each.id): each.file for each in models.processes.values()}
    mine |= {("decision", each.file.name): each.file for each in models.decisions.values()}
    mine |= {("form", each.id): each.file for each in models.forms.values()}
    found = [_compared(kind, id_, file, there.get((kind, id_))) for (kind, id_), file in mine.items()]
    found += [
        Difference(each.kind, each.id, each.file or "", Change.GONE, each.version)
        for key, each in there.items()
        if key not in mine
    ]
    return sorted(found, key=lambda each: (_KINDS.index(each.kind), each.id))


_KINDS = ("process", "decision", "form")


def _compared(kind: str, id_: str, file: Path, known: Known | None) -> Difference:
    if known is None:
        return Difference(kind, id_, file.name, Change.NEW, None)
    if known.checksum is None:
        return Difference(kind, id_, file.name, Change.UNKNOWN, known.version)
    is_same = known.checksum == checksum(file) and known.file in {None, file.name}
    change = Change.UNCHANGED if is_same else Change.CHANGED
    return Difference(kind, id_, file.name, change, known.version)


def checksum(file: Path) -> str:
    """How the engine writes what is in a file. It takes one of the same name and content for the same."""
    digest = hashlib.md5(file.read_bytes(), usedforsecurity=False).digest()
    return base64.b64encode(digest).decode()
