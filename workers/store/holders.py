"""Account holders in the embedded billing: loaded from a file, asked with yes or no (rules B2, B10)."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints, TypeAdapter, ValidationError
from sqlalchemy.orm import Session

from workers.cases.contact import Phone
from workers.cases.readable import Line
from workers.errors import Refused
from workers.store.holder_tables import AccountHolder


class HolderLine(BaseModel):
    """An account holder in the holders file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    customer_no: Annotated[str, StringConstraints(strict=True, pattern=r"^[A-Za-z0-9._-]{1,64}$")]
    name: Line
    phone: Phone


def read_file(path: Path) -> list[HolderLine]:
    """The account holders in a JSON file: a list of objects with the fields of HolderLine.

    Raises:
        Refused: the file can't be read or is no such list; says where, and repeats nothing of it.
    """
    try:
        return TypeAdapter(list[HolderLine]).validate_json(path.read_bytes())
    except OSError as error:
        raise Refused(f"The holders file {path} can't be read: {error.strerror}.") from error
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in problem["loc"]) or "the file"
        raise Refused(f"In the holders file {path}, {where}: {problem['msg']}.") from None


def load(tx: Session, lines: Iterable[HolderLine]) -> None:
    """Puts the holders in; one that is there becomes what the file says: accounts change hands."""
    for line in lines:
        tx.merge(AccountHolder(**line.model_dump()))
    tx.flush()


def is_holder(tx: Session, customer_no: str, phone: str, name: str) -> bool:
    """Whether the account is this person's: number, telephone (E.164) and name are all its holder's own."""
    found = tx.get(AccountHolder, customer_no)
    return found is not None and found.phone == phone and _plain(found.name) == _plain(name)


def _plain(name: str) -> str:
    """A name without what typing adds: width of letters, spaces, capitals."""
    return "".join(unicodedata.normalize("NFKC", name).split()).casefold()
