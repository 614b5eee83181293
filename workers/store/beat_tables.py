"""What processes that run workers say of themselves, so that operations see who is alive."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from workers.store.database import Base, Instant


class WorkerBeat(Base):
    """One job type in one process, as it last said. Times are of the real clock, never of a moved one."""

    __tablename__ = "worker_beats"

    host: Mapped[str] = mapped_column(String(128), primary_key=True)
    """Machine, process and a word that is new with each start: `duban-1:4711:9f3a`."""
    job_type: Mapped[str] = mapped_column(String(128), primary_key=True)
    started_at: Mapped[datetime] = mapped_column(Instant)
    seen_at: Mapped[datetime] = mapped_column(Instant, index=True)
    polled_at: Mapped[datetime | None] = mapped_column(Instant)
    """The last time the engine answered a request for such jobs."""
    running: Mapped[int]
    done: Mapped[int]
    """Completed, or ended by an error that the diagram catches; since the process began."""
    failed: Mapped[int]
    error: Mapped[str | None] = mapped_column(String(200))
    """Why the engine could not be asked the last time."""
