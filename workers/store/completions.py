"""What the desk keeps around the completion of user tasks, and what customers wrote to it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from workers.store import answers, suggestions, timeline
from workers.store.tables import Answer, TimelineEntry


def completion_of(tx: Session, task_key: str) -> TimelineEntry | None:
    """Who completed the task, and when, as the desk wrote it down."""
    return timeline.find(tx, _key(task_key))


def complete(
    tx: Session, number: str, task_key: str, person: str, at: datetime, *, name: str, form: str | None
) -> datetime:
    """The engine took the completion: texts are final, and the timeline says who did what, once.

    A text in the field `improvement_suggestion` becomes a suggestion that is tracked (rule A11).

    Returns:
        When it was completed; the first time, if this is said again.
    """
    answers.finalise(tx, task_key)
    idea = tx.get(Answer, (task_key, suggestions.FIELD))
    if idea is not None and idea.value.strip():
        suggestions.add(tx, idea.value, person, at, f"{_key(task_key)}:suggestion", number=number)
    return timeline.add(tx, number, at, person, "task-completed", _key(task_key), task=name, form=form)


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
