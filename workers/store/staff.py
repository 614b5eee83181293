"""People who own cases and complete user tasks: the list, and who gets the next case (rule A5)."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import cache
from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError
from sqlalchemy import ColumnElement, Select, Text, cast, false, func, or_, select, update
from sqlalchemy.orm import Session

from workers.cases.contact import Email, Phone
from workers.cases.readable import Line, Word
from workers.cases.region import Nearest, Region
from workers.errors import Broken, NotFound, Refused
from workers.names import Status
from workers.store.statements import KEYS
from workers.store.tables import Complaint, Staff

Group = Annotated[
    str, StringConstraints(strict=True, max_length=64, pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$")
]
"""A group that a person can be in: kebab-case. Which there are, the models say: see `read_file`."""

OWN_GROUPS: Final = frozenset({"operations", "auditor"})
"""Groups that there are whatever the models name: who keeps Duban running, and who may look at every case."""

_WORKING: Final = (Status.RECEIVED, Status.ACCEPTED, Status.IN_PROGRESS)

Username = Annotated[str, StringConstraints(strict=True, pattern=r"^[a-z][a-z0-9._-]{0,63}$")]


class StaffMember(BaseModel):
    """A person in the staff file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    username: Username
    name: Line
    groups: Annotated[list[Group], Field(min_length=1)]
    province: Word | None = None
    city: Word | None = None
    branch: Word | None = None
    phone: Phone | None = None
    email: Email | None = None


def read_file(path: Path, groups: Collection[str] | None = None) -> list[StaffMember]:
    """The people in a JSON file: a list of objects with the fields of StaffMember.

    Args:
        groups: those that models and rights name; one that is neither among them nor in OWN_GROUPS is refused, as it
            is most likely misspelt. None: any.

    Raises:
        Refused: the file can't be read, is no such list, names somebody twice or a group that nothing names; says
            where.
    """
    try:
        people = TypeAdapter(list[StaffMember]).validate_json(path.read_bytes())
    except OSError as error:
        raise Refused(f"The staff file {path} can't be read: {error.strerror}.") from error
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in problem["loc"]) or "the file"
        raise Refused(f"In the staff file {path}, {where}: {problem['msg']}.") from None
    seen: set[str] = set()
    for person in people:
        if person.username in seen:
            raise Refused(f"In the staff file {path}, {person.username!r} is there twice.")
        seen.add(person.username)
    _check_groups(path, people, groups)
    return people


def _check_groups(path: Path, people: list[StaffMember], groups: Collection[str] | None) -> None:
    known = OWN_GROUPS | set(groups) if groups is not None else None
    for person in people:
        for group in person.groups:
            if known is not None and group not in known:
                raise Refused(
                    f"人员文件中的 {group} 组在流程模型和权限中都不存在。 In the staff file {path}, "
                    f"{person.username!r} is in the group {group!r}, which no user task, decision "
                    "table or right of the models names. "
                    f"Groups are {', '.join(sorted(known))}."
                )


def load(tx: Session, people: Iterable[StaffMember]) -> None:
    """Makes the table say what the list says; who is no longer in it stays known but gets no more cases.

    People whom only the identity provider names are left alone.
    """
    tx.execute(update(Staff).where(~Staff.is_from_provider).values(is_active=False))
    for person in people:
        tx.merge(Staff(is_active=True, is_from_provider=False, **person.model_dump()))
    tx.flush()


def put_from_provider(
    tx: Session,
    username: str,
    *,
    name: str,
    groups: list[str],
    province: str | None,
    city: str | None,
    branch: str | None,
) -> None:
    """Somebody whom the identity provider names and the staff file does not; the newest word counts."""
    place = {"province": province, "city": city, "branch": branch}
    tx.merge(
        Staff(username=username, name=name, groups=groups, is_active=True, is_from_provider=True, **place)
    )
    tx.flush()


def get(tx: Session, username: str) -> Staff:
    """A person. Raises NotFound."""
    found = tx.get(Staff, username)
    if found is None:
        raise NotFound(f"There is nobody called {username[:64]!r} among the staff.")
    return found


def everybody(tx: Session) -> list[Staff]:
    """All active people, by username."""
    return list(tx.scalars(select(Staff).where(Staff.is_active).order_by(Staff.username)))


_CALLED: Final = select(Staff).where(Staff.username.in_(KEYS)).order_by(Staff.username)


def by_usernames(tx: Session, usernames: Collection[str]) -> list[Staff]:
    """The people with these usernames, by username; who is unknown is left out."""
    return list(tx.scalars(_CALLED, {"keys": list(usernames)})) if usernames else []


def names(tx: Session, usernames: Iterable[str | None]) -> dict[str, str]:
    """Username -> what people call them; None and who is unknown are left out."""
    wanted = {username for username in usernames if username is not None}
    return {person.username: person.name for person in by_usernames(tx, wanted)}


def usernames_of(tx: Session, group: str, region: Region) -> set[str]:
    """Everybody of the group who is as near to the region as its nearest person."""
    return {person.username for person in _nearest(_members(tx, group), region)}


def nearest_of(tx: Session, groups: Collection[str]) -> dict[str, Nearest[str]]:
    """The usernames of each of the groups, by who is nearest to a region: for asking about many regions."""
    wanted = select(Staff.username, Staff.groups, Staff.province, Staff.city, Staff.branch)
    named = or_(false(), *(_names(group) for group in groups))
    people = [
        (Region(province=province, city=city, branch=branch), username, set(theirs))
        for username, theirs, province, city, branch in tx.execute(wanted.where(Staff.is_active, named))
    ]
    return {
        group: Nearest((place, username) for place, username, theirs in people if group in theirs)
        for group in groups
    }


_LOADS: Final = (
    select(Complaint.owner_person, func.count())
    .where(Complaint.owner_person.in_(KEYS), Complaint.status.in_(_WORKING))
    .group_by(Complaint.owner_person)
)


def pick_owner(tx: Session, group: str, region: Region, exclude: Collection[str] = ()) -> Staff:
    """Who gets the next case: of the group's people nearest to the region the one with the fewest open cases.

    Equal numbers are decided by username, so that the same question has the same answer.

    Args:
        exclude: usernames that must not get it.

    Raises:
        Broken: nobody is left to choose from.
    """
    nearest = _nearest([person for person in _members(tx, group) if person.username not in exclude], region)
    if not nearest:
        others = " besides those who must not get the case" if exclude else ""
        raise Broken(f"nobody active is in the group {group!r}{others}; add a person to the staff file")
    load_of = dict(tx.execute(_LOADS, {"keys": [person.username for person in nearest]}).all())
    return min(nearest, key=lambda person: (load_of.get(person.username, 0), person.username))


def _members(tx: Session, group: str) -> list[Staff]:
    return [person for person in tx.scalars(_naming(group)) if group in person.groups]


@cache
def _naming(group: str) -> Select[Staff]:
    """Groups are those of the models: a few."""
    return select(Staff).where(Staff.is_active, _names(group)).order_by(Staff.username)


def _names(group: str) -> ColumnElement[bool]:
    # A JSON list can't be searched alike on both databases: the text narrows it down, Python decides.
    return cast(Staff.groups, Text).contains(group, autoescape=True)


def _nearest(people: list[Staff], region: Region) -> list[Staff]:
    return Nearest((_place(person), person) for person in people).of(region)


def _place(person: Staff) -> Region:
    return Region(province=person.province, city=person.city, branch=person.branch)
