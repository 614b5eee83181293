"""The embedded billing's account holders: who a customer number belongs to (rule B2)."""

from __future__ import annotations

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from workers.store.database import Base


class AccountHolder(Base):
    """The holder of an account, loaded from a file: billing's own record, not a case's."""

    __tablename__ = "account_holders"

    customer_no: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    phone: Mapped[str] = mapped_column(String(32))
    """E.164."""
