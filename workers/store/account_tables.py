"""The tables of access: who may sign in, who is signed in, failed tries, and what was done (the audit)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from workers.store.database import Base, Instant


class Account(Base):
    """That a person of the staff may sign in. Groups and region are those of the staff directory."""

    __tablename__ = "accounts"

    username: Mapped[str] = mapped_column(ForeignKey("staff.username"), primary_key=True)
    password_hash: Mapped[str | None] = mapped_column(Text)
    """argon2id with parameters and salt; None: signs in with the identity provider only."""
    must_change: Mapped[bool] = mapped_column(default=False)
    """Somebody else knows the password: nothing but changing it works."""
    is_demo: Mapped[bool] = mapped_column(default=False)
    """Made by `up --demo`; works only while the instance runs that way."""
    created_at: Mapped[datetime] = mapped_column(Instant)
    changed_at: Mapped[datetime] = mapped_column(Instant)
    """When the password was set."""
    signed_in_at: Mapped[datetime | None] = mapped_column(Instant)
    disabled_at: Mapped[datetime | None] = mapped_column(Instant)


class SignInSession(Base):
    """Somebody who is signed in. The token itself is only in their browser."""

    __tablename__ = "sessions"
    __table_args__ = (
        CheckConstraint("way in ('password','oidc')", name="way"),
        Index("sessions_username_idx", "username"),
    )

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    """SHA-256 of the token: whoever reads the database cannot sign in with it."""
    username: Mapped[str] = mapped_column(ForeignKey("accounts.username"))
    csrf: Mapped[str] = mapped_column(String(64))
    """What forms and calls of this session's pages have to bring along."""
    way: Mapped[str] = mapped_column(String(16))
    created_at: Mapped[datetime] = mapped_column(Instant)
    seen_at: Mapped[datetime] = mapped_column(Instant)
    expires_at: Mapped[datetime] = mapped_column(Instant)


class LoginFailure(Base):
    """Failed tries to sign in, of an account or from an address, that still count."""

    __tablename__ = "login_failures"
    __table_args__ = (CheckConstraint("kind in ('account','address')", name="kind"),)

    kind: Mapped[str] = mapped_column(String(16), primary_key=True)
    whose: Mapped[str] = mapped_column(String(64), primary_key=True)
    """Hash of what was typed as a name (it may be a password), or a network address."""
    count: Mapped[int]
    last_at: Mapped[datetime] = mapped_column(Instant)
    wait_until: Mapped[datetime | None] = mapped_column(Instant)


class AuditEntry(Base):
    """One thing that somebody did. The database refuses to change or remove it. Nothing personal of a customer."""

    __tablename__ = "audit"
    __table_args__ = (
        CheckConstraint("way in ('session','token','command')", name="way"),
        Index("audit_subject_idx", "subject"),
        Index("audit_who_at_idx", "who", "at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    at: Mapped[datetime] = mapped_column(Instant)
    who: Mapped[str | None] = mapped_column(String(64))
    """Username; None: a script with the instance's token, or a command on its machine, that named nobody."""
    way: Mapped[str] = mapped_column(String(16))
    action: Mapped[str] = mapped_column(String(64))
    """Kebab words, e.g. `signed-in`, `task-completed`."""
    subject: Mapped[str | None] = mapped_column(String(64))
    """A number of a case, a task's key, a username: what it was done to."""
    facts: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """Figures and words of the process, see workers.store.audit."""
