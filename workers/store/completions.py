"""What the desk keeps around the completion of user tasks, and what customers wrote to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from workers.store import answers, statements, suggestions, timeline
from workers.store.attempt_tables import CompletionAttempt
from workers.store.statements import KEYS
from workers.store.tables import Answer, TimelineEntry


def completion_of(tx: Session, task_key: str) -> TimelineEntry | None:
    """Who completed the task, and when, as the desk wrote it down."""
    return timeline.find(tx, _key(task_key))


@dataclass(frozen=True)
class Attempt:
    """What somebody sends to complete a task. `action` is what the engine's record will show of it."""

    task_key: str
    person: str
    number: str
    action: str
    name: str
    form: str
    texts: Mapping[str, str]


def begin(tx: Session, attempt: Attempt, at: datetime) -> None:
    """Keeps an attempt before the engine is asked; an earlier one of the same person is replaced, others' are not.

    Raises:
        Conflict: the task was completed with other texts already.
    """
    tx.merge(CompletionAttempt(**{**vars(attempt), "texts": dict(attempt.texts)}, at=at))
    tx.flush()
    answers.draft(tx, attempt.number, attempt.task_key, attempt.form, attempt.texts, attempt.person, at)


def has_begun(tx: Session, task_key: str, person: str) -> bool:
    """Whether this person has sent something for the task of which nobody knows yet whether the engine took it."""
    return tx.get(CompletionAttempt, (task_key, person)) is not None


def abandon(tx: Session, task_key: str, person: str) -> None:
    """The engine refused this person's attempt. Where somebody else's is still in doubt, their texts are the draft."""
    mine = tx.get(CompletionAttempt, (task_key, person))
    if mine is not None:
        tx.delete(mine)
        tx.flush()
    if not answers.discard(tx, task_key, person):
        return
    others = select(CompletionAttempt).where(CompletionAttempt.task_key == task_key)
    last = tx.scalars(others.order_by(CompletionAttempt.at.desc()).limit(1)).first()
    if last is not None:
        answers.draft(tx, last.number, task_key, last.form, last.texts, last.person, last.at)


def complete(
    tx: Session, number: str, task_key: str, person: str, at: datetime, *, name: str, form: str | None
) -> datetime:
    """The engine took the completion: texts are final, and the timeline says who did what, once.

    A text in the field `improvement_suggestion` becomes a suggestion that is tracked (rule A11).

    Returns:
        When it was completed; the first time, if this is said again.
    """
    # Locked before the answers are, here and below: desk and records may write this at the same moment.
    attempt = tx.get(CompletionAttempt, (task_key, person), with_for_update=True, populate_existing=True)
    if attempt is not None:
        answers.settle(tx, number, task_key, attempt.form, attempt.texts, person, attempt.at)
    else:
        answers.finalise(tx, task_key)  # kept before attempts were, or said again
    tx.execute(delete(CompletionAttempt).where(CompletionAttempt.task_key == task_key))
    idea = tx.get(Answer, (task_key, suggestions.FIELD), populate_existing=True)
    if idea is not None and idea.value.strip():
        suggestions.add(tx, idea.value, person, at, f"{_key(task_key)}:suggestion", number=number)
    return timeline.add(tx, number, at, person, "task-completed", _key(task_key), task=name, form=form)


_ATTEMPTS: Final = select(CompletionAttempt).where(CompletionAttempt.task_key.in_(KEYS)).with_for_update()


def by_record(tx: Session, ended: Mapping[str, tuple[str | None, datetime]]) -> None:
    """Tasks ended, as the engine's records tell: whose attempt it was is written down, though no desk lived to do it.
    What others had sent did not count, and their drafts go.

    Args:
        ended: by task key, the action of the record (None: nobody's, or taken away) and when.
    """
    for keys in statements.chunks(ended):
        found = tx.scalars(_ATTEMPTS, {"keys": keys}).all()
        for attempt in found:
            key, who, (action, at) = attempt.task_key, attempt.person, ended[attempt.task_key]
            if attempt.action == action:
                complete(tx, attempt.number, key, who, at, name=attempt.name, form=attempt.form or None)
            else:
                answers.discard(tx, key, who)
        if found:
            tx.execute(delete(CompletionAttempt).where(CompletionAttempt.task_key.in_(keys)))


def keep_customer_words(tx: Session, number: str, field: str, value: str, author: str, at: datetime) -> None:
    """Keeps what a customer wrote beside an answer (why they withdraw, what they add to the survey).

    Args:
        field: `withdrawal_reason`, `survey_comment` or `appeal_reason`.
    """
    mine = select(func.count()).where(Answer.number == number, Answer.field == field)
    key = f"{number}:{field[:4]}:{tx.execute(mine).scalar_one() + 1}"
    tx.add(
        Answer(
            task_key=key[:32],
            field=field,
            number=number,
            form="customer",
            value=value,
            author=author,
            at=at,
            is_final=True,
        )
    )


def _key(task_key: str) -> str:
    return f"task:{task_key}:completed"
