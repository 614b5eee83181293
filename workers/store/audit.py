"""What people did, in order; only ever added to. Nothing of a customer may get in: it stays longer than records do."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from workers.cases.masking import numbers_in
from workers.store.account_tables import AuditEntry

Way = Literal["session", "token", "command"]
Fact = str | int | bool | None

_ACTION: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_WORD: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}")


def add(
    tx: Session,
    now: datetime,
    who: str | None,
    action: str,
    subject: str | None = None,
    *,
    way: Way,
    facts: Mapping[str, Fact] | None = None,
) -> None:
    """Keeps that somebody did something, in the transaction in which it is done.

    Args:
        who: username; None: nobody was named.
        action: kebab words in the past tense, e.g. `task-claimed`.
        subject: a number of a case, a task's key, a username.
        facts: figures and single words of the process.

    Raises:
        ValueError: a word is none, or could be a telephone number: texts that people wrote do not belong here.
    """
    if not _ACTION.fullmatch(action) or len(action) > 64:
        raise ValueError(f"{action!a} is no action")
    for value in (subject, *(facts or {}).values()):
        if isinstance(value, str) and word(value) is None:
            raise ValueError(f"the audit takes single words of the process, not what {action} was given")
    tx.add(AuditEntry(at=now, who=who, way=way, action=action, subject=subject, facts=dict(facts or {})))


def word(text: str | None) -> str | None:
    """A single word that may be in the audit; None for anything else."""
    is_word = text is not None and _WORD.fullmatch(text) and numbers_in(text) == text
    return text if is_word else None


def page(
    tx: Session, *, who: str | None = None, subject: str | None = None, limit: int = 200
) -> list[AuditEntry]:
    """What was done, newest first; by this person, or to this subject, where given."""
    wanted = select(AuditEntry).order_by(AuditEntry.id.desc()).limit(limit)
    if who is not None:
        wanted = wanted.where(AuditEntry.who == who)
    if subject is not None:
        wanted = wanted.where(AuditEntry.subject == subject)
    return list(tx.scalars(wanted))
