"""The tables of the API: tokens of other systems, and requests that are answered once (docs/api.md)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from workers.store.database import Base, Instant


class ApiToken(Base):
    """What another system shows when it calls the API. The token itself is only with that system."""

    __tablename__ = "api_tokens"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    """Kebab words, e.g. `crm-intake`; never given twice, so that the audit stays clear."""
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    """SHA-256 of the token: whoever reads the database cannot call with it."""
    scopes: Mapped[list[str]] = mapped_column(JSON)
    username: Mapped[str | None] = mapped_column(ForeignKey("staff.username"))
    """In whose name it acts, with that person's groups, rights and region; None: in the name that a call gives."""
    province: Mapped[str | None] = mapped_column(String(64))
    city: Mapped[str | None] = mapped_column(String(64))
    branch: Mapped[str | None] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(Instant)
    expires_at: Mapped[datetime] = mapped_column(Instant)
    used_at: Mapped[datetime | None] = mapped_column(Instant)
    """When it was last shown, to the minute."""
    revoked_at: Mapped[datetime | None] = mapped_column(Instant)


class OnceRequest(Base):
    """A write with an Idempotency-Key: under way, or done with its answer.

    Neither the key nor anything that was sent or answered can be read from it: key and request are kept as hashes, the
    answer is encrypted with the key, which only the client has.
    """

    __tablename__ = "once_requests"
    __table_args__ = (
        CheckConstraint("(status is null) = (answer is null)", name="answer"),
        Index("once_requests_expires_at_idx", "expires_at"),
    )

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    """Hash of caller, method, route and key."""
    fingerprint: Mapped[str] = mapped_column(String(64))
    """Hash of the key and everything that was asked."""
    attempt: Mapped[str] = mapped_column(String(32))
    """Which try has it now: one that was given up cannot answer for the next."""
    lease_until: Mapped[datetime] = mapped_column(Instant)
    """Until then the try is believed to be under way."""
    expires_at: Mapped[datetime] = mapped_column(Instant)
    status: Mapped[int | None]
    """HTTP status of the answer; None: under way."""
    answer: Mapped[bytes | None] = mapped_column(LargeBinary)
