"""Runs that move process instances to another version of their process, and what became of each instance."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from workers.store.database import Base, Instant


class MoveRun(Base):
    """A run that a person has asked for."""

    __tablename__ = "move_runs"

    id: Mapped[int] = mapped_column(primary_key=True)
    process_id: Mapped[str] = mapped_column(String(128))
    from_key: Mapped[str] = mapped_column(String(32))
    from_version: Mapped[int]
    to_key: Mapped[str] = mapped_column(String(32))
    to_version: Mapped[int]
    asked_by: Mapped[str | None] = mapped_column(String(64))
    asked_at: Mapped[datetime] = mapped_column(Instant)
    ended_at: Mapped[datetime | None] = mapped_column(Instant)


class MoveItem(Base):
    """An instance of a run. state: waiting, moved, refused, gone (it ended meanwhile)."""

    __tablename__ = "move_items"
    __table_args__ = (Index("move_items_state_idx", "run_id", "state"),)

    run_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    instance_key: Mapped[str] = mapped_column(String(32), primary_key=True)
    number: Mapped[str | None] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(16), default="waiting")
    says: Mapped[str | None] = mapped_column(String(500))
    """Why the engine did not take it."""
