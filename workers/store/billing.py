"""The embedded billing and ledger: tables for operators who have not connected theirs (rules D1, D2)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from workers.cases.readable import Line
from workers.cases.refund import Charge, Posting
from workers.errors import Conflict, NotFound, Refused
from workers.store import statements
from workers.store.refund_tables import ChargeRow, LedgerEntry

_Id = Annotated[str, StringConstraints(strict=True, pattern=r"^[A-Za-z0-9._-]{1,64}$")]


class ChargeLine(BaseModel):
    """A charge in the charges file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    charge_id: _Id
    customer_no: _Id
    kind: Literal["charge", "benefit"]
    period: Annotated[str, StringConstraints(pattern=r"^\d{4}-(0[1-9]|1[0-2])$")]
    item: Line
    amount_fen: Annotated[int, Field(strict=True, gt=0)]
    is_granted: bool = False


def read_file(path: Path) -> list[ChargeLine]:
    """The charges in a JSON file: a list of objects with the fields of ChargeLine.

    Raises:
        Refused: the file can't be read or is no such list; says where.
    """
    try:
        return TypeAdapter(list[ChargeLine]).validate_json(path.read_bytes())
    except OSError as error:
        raise Refused(f"The charges file {path} can't be read: {error.strerror}.") from error
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in problem["loc"]) or "the file"
        raise Refused(f"In the charges file {path}, {where}: {problem['msg']}.") from None


def load(tx: Session, lines: Iterable[ChargeLine]) -> None:
    """Adds the charges that are not there yet; those that are stay, with what was granted since."""
    known = set(tx.scalars(select(ChargeRow.charge_id)))
    tx.add_all(ChargeRow(**line.model_dump()) for line in lines if line.charge_id not in known)
    tx.flush()


def find(tx: Session, customer_no: str, kind: str, period: str | None = None) -> list[Charge]:
    """Charges (or benefits) of a customer, of one month or of all, the newest first."""
    mine = select(ChargeRow).where(ChargeRow.customer_no == customer_no, ChargeRow.kind == kind)
    if period is not None:
        mine = mine.where(ChargeRow.period == period)
    rows = tx.scalars(mine.order_by(ChargeRow.period.desc(), ChargeRow.charge_id.desc()))
    return [
        Charge(row.charge_id, row.kind, row.period, row.item, row.amount_fen, row.is_granted) for row in rows
    ]


def regrant(tx: Session, charge_id: str, refund_no: str) -> None:
    """Marks a promised benefit as granted after all, under the refund number; twice is once.

    Raises:
        NotFound: no such benefit. Conflict: the customer has it already.
    """
    row = tx.get(ChargeRow, charge_id, with_for_update=True)
    if row is None or row.kind != "benefit":
        raise NotFound(f"There is no benefit {charge_id}.")
    if row.regranted_by == refund_no:
        return
    if row.is_granted:
        raise Conflict(f"The benefit {charge_id} has been granted already.")
    row.is_granted, row.regranted_by = True, refund_no
    tx.flush()


def post(tx: Session, posting: Posting, now: datetime) -> None:
    """Posts to the embedded ledger, once per refund number.

    Raises:
        Conflict: something else was posted under this number.
    """
    row = {"number": posting.number, "kind": posting.kind, "charge_id": posting.charge_id}
    values = {"refund_no": posting.refund_no, "amount_fen": posting.amount_fen, **row}
    if statements.insert_if_absent(tx, LedgerEntry, ["refund_no"], posted_at=now, **values):
        return
    there = tx.get_one(LedgerEntry, posting.refund_no)
    if any(getattr(there, name) != value for name, value in values.items()):
        raise Conflict(f"Something else was posted under {posting.refund_no} already.")


def entries(tx: Session) -> list[LedgerEntry]:
    """Everything that was posted, by refund number."""
    return list(tx.scalars(select(LedgerEntry).order_by(LedgerEntry.refund_no)))
