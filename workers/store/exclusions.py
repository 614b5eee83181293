"""Four eyes: people who must not complete a user task, though they are in its group (rules B7, D3).

A worker adds them in its transaction before the task is created; the desk then neither offers them the task nor
takes it from them (`workers.desk.people.Authority`). A worker that acts on the answer checks again with `reason`:
the engine's own API knows nothing of this.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from workers.store import statements
from workers.store.exclusion_tables import Exclusion

WHOLE_CASE: Final = "case"
"""The scope of an exclusion that holds in every process of the case."""

Because = Literal["asked", "decided", "worked-before"]

SENTENCES: Final[dict[str, str]] = {
    "asked": "提出人不得审批 who asked never decides",
    "decided": "已审批过另一环节 has decided another step",
    "worked-before": "此前已参与办理 has worked on the case before",
}
"""What a person who tries is told."""

Barred = dict[tuple[str, str, str], str]
"""(number, form, scope) -> because, of one person."""


def add(
    tx: Session,
    number: str,
    form: str,
    people: Iterable[str],
    because: Because,
    now: datetime,
    *,
    scope: str = WHOLE_CASE,
) -> None:
    """Keeps these people from the tasks with this form; twice changes nothing.

    Args:
        number: of the complaint or incident.
        form: form id.
        people: usernames.
        because: what who tries is told, see SENTENCES.
        scope: key of a process instance (`job.process_instance_key`): only its own tasks, so that a second
            instance for the same case begins afresh.
    """
    key = ["number", "form", "scope", "person"]
    for person in sorted(set(people)):
        row = {"number": number, "form": form, "scope": scope, "person": person}
        statements.insert_if_absent(tx, Exclusion, key, because=because, since=now, **row)


def people(tx: Session, number: str, form: str, scope: str = WHOLE_CASE) -> set[str]:
    """Who is kept from the tasks with this form, in this process instance or in the whole case."""
    mine = select(Exclusion.person).where(Exclusion.number == number, Exclusion.form == form)
    return set(tx.scalars(mine.where(Exclusion.scope.in_({scope, WHOLE_CASE}))))


def of_person(tx: Session, person: str) -> Barred:
    """Everything that this person is kept from."""
    mine = select(Exclusion.number, Exclusion.form, Exclusion.scope, Exclusion.because)
    return {
        (number, form, scope): why for number, form, scope, why in tx.execute(mine.filter_by(person=person))
    }


def reason(barred: Barred, number: str, form: str | None, scope: str) -> str | None:
    """Why the person of `of_person` may not complete a task, in both languages; None when they may."""
    if form is None:
        return None
    because = barred.get((number, form, scope)) or barred.get((number, form, WHOLE_CASE))
    return SENTENCES[because] if because else None
