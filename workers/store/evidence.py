"""Evidence of a case and marks on it: what there is, by whom, since when (rules B4, B9, D11)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from workers.errors import Conflict, NotFound
from workers.store import timeline
from workers.store.appeal_tables import CaseFile, Evidence, Mark
from workers.store.file_store import Draft
from workers.store.statements import insert_if_absent

MARKS: Final = ("malicious", "false", "unreasonable-behaviour")


def add(
    tx: Session, number: str, draft: Draft, *, name: str, media_type: str, kind: str, by: str, at: datetime
) -> tuple[Evidence, bool]:
    """Notes a file with the case; the same content twice is one piece of evidence.

    Returns:
        The piece, and whether it is new.
    """
    row = {"name": name, "media_type": media_type, "size": draft.size, "kind": kind, "added_by": by, "at": at}
    is_new = insert_if_absent(tx, Evidence, ["number", "sha256"], number=number, sha256=draft.sha256, **row)
    if is_new:
        key = f"{number}:evidence:{draft.sha256}"
        timeline.add(tx, number, at, by, "evidence-added", key, evidence=kind, sha256=draft.sha256)
    return get(tx, number, draft.sha256), is_new


def get(tx: Session, number: str, sha256: str) -> Evidence:
    """A piece of evidence. Raises NotFound."""
    found = tx.get(Evidence, (number, sha256))
    if found is None:
        raise NotFound(f"没有这份证据。 The case {number} has no evidence {sha256[:12]!a}.")
    return found


def of(tx: Session, number: str) -> list[Evidence]:
    """The evidence of a case, in the order it came."""
    mine = select(Evidence).where(Evidence.number == number)
    return list(tx.scalars(mine.order_by(Evidence.at, Evidence.sha256)))


def mark(tx: Session, number: str, kind: str, *, is_set: bool, grounds: str, by: str, at: datetime) -> Mark:
    """Sets a mark, or takes it back; the caller holds the complaint. Handling goes on as before.

    Raises:
        Conflict: the complaint is marked so already, or is not marked so.
    """
    if (kind in marked(tx, number)) == is_set:
        said = "已有此标记。 is marked so already" if is_set else "没有此标记。 is not marked so"
        raise Conflict(f"{number} {said}: {kind}; nothing was changed.")
    row = Mark(number=number, kind=kind, is_set=is_set, grounds=grounds, by=by, at=at)
    tx.add(row)
    tx.flush()
    code = "mark-set" if is_set else "mark-reversed"
    timeline.add(tx, number, at, by, code, f"{number}:mark:{row.id}", mark=kind)
    return row


def marks(tx: Session, number: str) -> list[Mark]:
    """Every mark that was set or taken back, in order."""
    return list(tx.scalars(select(Mark).where(Mark.number == number).order_by(Mark.id)))


def marked(tx: Session, number: str) -> Collection[str]:
    """The marks that hold now."""
    return _holding(marks(tx, number))


def _holding(history: list[Mark]) -> list[str]:
    newest = {each.kind: each.is_set for each in history}
    return [kind for kind in MARKS if newest.get(kind)]


def keep_case_file(tx: Session, number: str, audience: str, sha256: str, size: int, at: datetime) -> bool:
    """Notes a compiled case file; the first one stays. Returns whether it is new."""
    row = {"number": number, "audience": audience, "sha256": sha256, "size": size, "at": at}
    return insert_if_absent(tx, CaseFile, ["number", "audience"], **row)


def case_file(tx: Session, number: str, audience: str) -> CaseFile | None:
    """The case file for `authority` or `customer`, if it has been compiled."""
    return tx.get(CaseFile, (number, audience))
