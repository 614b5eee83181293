"""What people sent to complete user tasks, until the engine's record says which of it was taken."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from workers.store.database import Base, Instant


class CompletionAttempt(Base):
    """One person's newest attempt at one task, texts and all. Gone when the task has ended."""

    __tablename__ = "completion_attempts"

    task_key: Mapped[str] = mapped_column(String(32), primary_key=True)
    person: Mapped[str] = mapped_column(String(64), primary_key=True)
    number: Mapped[str] = mapped_column(ForeignKey("cases.number"), index=True)
    action: Mapped[str] = mapped_column(String(64))
    """What the engine's record shows where it was this attempt that completed the task."""
    name: Mapped[str] = mapped_column(String(300))
    form: Mapped[str] = mapped_column(String(128))
    texts: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)
    at: Mapped[datetime] = mapped_column(Instant)
