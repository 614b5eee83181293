"""How long elements of processes took, added up so that a heat map need not read every case."""

from __future__ import annotations

from datetime import date

from sqlalchemy import BigInteger, Date, String
from sqlalchemy.orm import Mapped, mapped_column

from workers.store.database import Base


class ElementTime(Base):
    """Elements that ended on a day, by how long they had taken. Written with the records that say so.

    A bucket is half an octave of seconds: bucket b holds 2^(b/2) to 2^((b+1)/2) seconds, the first everything below.
    """

    __tablename__ = "element_times"

    process_id: Mapped[str] = mapped_column(String(128), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    """In Shanghai."""
    element_id: Mapped[str] = mapped_column(String(128), primary_key=True)
    bucket: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    count: Mapped[int]
    seconds: Mapped[int] = mapped_column(BigInteger)
    """The sum."""
