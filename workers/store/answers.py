"""What people wrote in forms. It may hold personal data: it stays here and is no process variable."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Final

from sqlalchemy import bindparam, delete, func, select, update
from sqlalchemy.orm import Session

from workers.errors import Conflict
from workers.store.outbox import affected
from workers.store.statements import insert_if_absent
from workers.store.tables import Answer


def draft(
    tx: Session, number: str, task_key: str, form: str, values: Mapping[str, str], author: str, at: datetime
) -> None:
    """Keeps the texts of a form before the engine is asked to complete the task; replaces an earlier draft.

    Args:
        form: form id.
        values: text by field key.

    Raises:
        Conflict: the task was completed with other texts already.
    """
    if tx.scalars(select(func.count()).where(Answer.task_key == task_key, Answer.is_final)).one():
        raise Conflict(f"Task {task_key} has been completed already; what was written then stays.")
    tx.execute(delete(Answer).where(Answer.task_key == task_key))
    for field, value in values.items():
        row = {"task_key": task_key, "field": field, "value": value, "author": author, "at": at}
        tx.add(Answer(number=number, form=form, is_final=False, **row))
    tx.flush()


def keep(
    tx: Session, number: str, task_key: str, form: str, values: Mapping[str, str], author: str, at: datetime
) -> None:
    """Keeps texts that were written elsewhere than in a user task; they are final at once.

    Args:
        task_key: what stands for the task: up to 32 characters, once per writing.
    """
    for field, value in values.items():
        row = {"task_key": task_key, "field": field, "value": value, "author": author, "at": at}
        tx.add(Answer(number=number, form=form, is_final=True, **row))


def finalise(tx: Session, task_key: str) -> None:
    """The engine took the completion: the draft is what was answered. Twice changes nothing."""
    tx.execute(update(Answer).where(Answer.task_key == task_key).values(is_final=True))


def discard(tx: Session, task_key: str, author: str | None = None) -> int:
    """The engine refused the completion: the draft goes, where it is this author's. What is final stays.

    Returns:
        How many texts went.
    """
    mine = delete(Answer).where(Answer.task_key == task_key, Answer.is_final.is_(False))
    return affected(tx, mine if author is None else mine.where(Answer.author == author))


def settle(
    tx: Session, number: str, task_key: str, form: str, values: Mapping[str, str], author: str, at: datetime
) -> None:
    """These are the texts that the engine took with the completion, whoever else left a draft meanwhile."""
    others = (Answer.task_key == task_key, Answer.field.not_in(values))
    tx.execute(delete(Answer).where(*others))
    for field, value in values.items():
        said = {"number": number, "form": form, "value": value, "author": author, "at": at, "is_final": True}
        # Never a second insert: somebody else's draft may come in at this moment.
        if not insert_if_absent(tx, Answer, ["task_key", "field"], task_key=task_key, field=field, **said):
            mine = (Answer.task_key == task_key, Answer.field == field)
            tx.execute(update(Answer).where(*mine).values(**said))


def of(tx: Session, number: str) -> list[Answer]:
    """The final answers of a complaint, in the order they were given."""
    mine = select(Answer).where(Answer.number == number, Answer.is_final)
    return list(tx.scalars(mine.order_by(Answer.at, Answer.task_key, Answer.field)))


def latest(tx: Session, number: str) -> dict[str, str]:
    """The newest final text per field of a complaint."""
    return {answer.field: answer.value for answer in of(tx, number)}


_NEWEST: Final = (
    select(Answer.value)
    .where(
        Answer.number == bindparam("of"),
        Answer.field.in_(bindparam("fields", expanding=True)),
        Answer.value != "",
    )
    .order_by(Answer.at.desc(), Answer.task_key.desc(), Answer.field)
    .limit(1)
)


def newest(tx: Session, number: str, fields: Collection[str]) -> str | None:
    """The newest text in any of the fields, drafts too.

    The engine goes on as soon as it took a completion, before `finalise` is written: who needs the text
    of the task just completed finds it as a draft. A draft that the engine refused is discarded.
    """
    return tx.scalar(_NEWEST, {"of": number, "fields": list(fields)})
