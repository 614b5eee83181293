"""Suggestions for improvement: made, accepted or rejected with a reason, done (rule A11)."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from workers.errors import Conflict, NotFound, Refused
from workers.store.sight import EVERYTHING, Sight
from workers.store.statements import insert_if_absent
from workers.store.suggestion_tables import Suggestion
from workers.store.tables import Case, Complaint

FIELD: Final = "improvement_suggestion"
"""A text field of this key, in whatever form, is kept as a suggestion when its task is completed."""

_BEFORE: Final = {"accepted": ("open",), "rejected": ("open", "accepted"), "done": ("accepted",)}
"""New status -> the ones it may follow."""


def add(
    tx: Session,
    text: str,
    by: str,
    at: datetime,
    key: str,
    *,
    owner_group: str | None = None,
    number: str | None = None,
) -> int:
    """Keeps a suggestion, once per key; returns its id.

    Args:
        text: what people wrote: it stays in the store.
        by: username.
        key: what makes it this suggestion, e.g. the key of the user task that brought it.
        owner_group: who decides on it; None: who owns the case, or else the complaint group.
        number: the case that gave the idea.

    Raises:
        NotFound: no case has this number. Refused: the text is empty.
    """
    if not text.strip():
        raise Refused("建议不能为空。 A suggestion needs a text.")
    if number is not None and tx.get(Case, number) is None:
        raise NotFound(f"There is no case {number[:40]!r}.")
    if owner_group is None and number is not None:
        owner_group = tx.scalar(select(Complaint.owner_group).where(Complaint.number == number))
    row = {"number": number, "text": text.strip(), "owner_group": owner_group or "complaint-group"}
    insert_if_absent(
        tx, Suggestion, ["dedupe_key"], **row, status="open", made_by=by, made_at=at, dedupe_key=key
    )
    return tx.scalars(select(Suggestion.id).where(Suggestion.dedupe_key == key)).one()


def get(tx: Session, id_: int) -> Suggestion:
    """One suggestion. Raises NotFound."""
    found = tx.get(Suggestion, id_, populate_existing=True)
    if found is None:
        raise NotFound(f"没有此建议。 There is no suggestion {id_}.")
    return found


def decide(
    tx: Session, id_: int, status: str, by: str, at: datetime, reason: str | None = None
) -> Suggestion:
    """Accepts or rejects an open suggestion, or notes that an accepted one is carried out.

    Raises:
        NotFound: there is none. Refused: no such status, or rejected without a reason.
        Conflict: it is at another point of its life; nothing is changed.
    """
    before = _BEFORE.get(status)
    if before is None:
        raise Refused(f"a suggestion becomes {', '.join(_BEFORE)}; not {status!a}")
    if status == "rejected" and not (reason or "").strip():
        raise Refused("不采纳须说明理由。 Rejecting a suggestion needs a reason.")
    found = get(tx, id_)
    changed = update(Suggestion).where(Suggestion.id == id_, Suggestion.status.in_(before))
    values = {"status": status, "reason": reason or found.reason, "decided_by": by, "decided_at": at}
    if tx.scalar(changed.values(**values).returning(Suggestion.id)) is None:
        raise Conflict(f"suggestion {id_} is {found.status}: it cannot become {status}")
    return get(tx, id_)


def listing(
    tx: Session,
    *,
    status: str | None = None,
    group: str | None = None,
    number: str | None = None,
    sight: Sight = EVERYTHING,
) -> list[Suggestion]:
    """Suggestions, newest first, narrowed to what is given and to what may be seen; those of no case everybody sees."""
    chosen = select(Suggestion).order_by(Suggestion.made_at.desc(), Suggestion.id.desc())
    chosen = chosen.where(or_(Suggestion.number.is_(None), sight.shows_number(Suggestion.number)))
    for column, value in (
        (Suggestion.status, status),
        (Suggestion.owner_group, group),
        (Suggestion.number, number),
    ):
        if value is not None:
            chosen = chosen.where(column == value)
    return list(tx.scalars(chosen))


def counts(tx: Session, start: datetime, end: datetime) -> dict[str, int]:
    """How many suggestions made in a period are in each status."""
    made = select(Suggestion.status, func.count()).where(
        Suggestion.made_at >= start, Suggestion.made_at < end
    )
    return dict.fromkeys(("open", *_BEFORE), 0) | dict(tx.execute(made.group_by(Suggestion.status)).all())
