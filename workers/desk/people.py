"""Who may do what: a task is done by people of its groups, in the region of the case."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from workers.cases.region import Region, contains, is_within
from workers.desk import caller
from workers.desk.caller import Actor as Actor
from workers.errors import Forbidden, NotFound, Refused
from workers.store import case_owners, exclusions, staff
from workers.store.api_tokens import Holder
from workers.store.case_owners import CaseOwner
from workers.store.outbox import Transaction
from workers.store.record_views import TaskView
from workers.store.tables import Complaint, Staff

_NAME: Final = re.compile(r"[^\W_][\w.@-]{0,63}")
_RESERVED: Final = frozenset({"duban", "customer"})
"""The timeline uses these for the service itself and for the customer."""


def actor(tx: Transaction, name: str, *, is_sample_staff: bool) -> Actor:
    """The person behind a name; of a request with a session always the one who is signed in.

    Args:
        is_sample_staff: the sample directory is in use; a name that is not in it acts as duty staff.

    Raises:
        Refused: it is no name, nobody's, of somebody who has left, or not of who is signed in.
    """
    name = caller.in_whose_name(name) or ""
    if not _NAME.fullmatch(name) or name in _RESERVED:
        raise Refused("a name has 1 to 64 letters, digits and . _ @ -, and is not `duban` or `customer`")
    caller.current().person = name
    token = caller.current().token
    try:
        person = staff.get(tx, name)
    except NotFound as error:
        if is_sample_staff and token is None:
            return Actor(name, None, Region())
        raise Refused(f"{name} is not in the staff directory of this instance") from error
    if not person.is_active:
        raise Refused(f"{name} is no longer active in the staff directory of this instance")
    return _within_token(in_directory(person), token)


def refuse_beyond_token(place: Region) -> None:
    """Raises Forbidden where the request's token is bound to a region that a new case does not lie in."""
    token = caller.current().token
    if token is not None and not contains(token.region, place):
        raise Forbidden(
            f"令牌 {token.name} 只用于其区域。 The token {token.name} is for cases of its region: name a region in it."
        )


def _within_token(who: Actor, token: Holder | None) -> Actor:
    """The person as far as the token reaches that acts in their name. Raises Forbidden: it does not reach them."""
    if token is None or token.region == Region():
        return who
    if token.username is None and not contains(token.region, who.region):
        raise Forbidden(
            f"{who.name} 不在此令牌的区域内。 The token {token.name} acts for people of its region only; {who.name} is "
            "not."
        )
    return Actor(who.name, who.groups, token.region) if token.username is not None else who


def colleague(tx: Transaction, username: str) -> Actor:
    """Somebody else than who is signed in, from the staff directory.

    Raises:
        NotFound: nobody active is called so.
    """
    person = staff.get(tx, username)
    if not person.is_active:
        raise NotFound(f"{username} 已不在岗。 {username} is no longer active in the staff directory.")
    return in_directory(person)


def in_directory(person: Staff) -> Actor:
    """The person as somebody who acts."""
    region = Region(province=person.province, city=person.city, branch=person.branch)
    return Actor(person.username, frozenset(person.groups), region)


def has(who: Actor, complaint: Complaint) -> bool:
    """Whether the person has the complaint, or is of the group that has it."""
    return who.groups is None or who.name == complaint.owner_person or complaint.owner_group in who.groups


def refuse_outsider(who: Actor, complaint: Complaint) -> None:
    """Raises Forbidden unless the person has the complaint, or is of the group that has it."""
    if not has(who, complaint):
        raise Forbidden(
            f"{who.name} may not do this: complaint {complaint.number} is with {complaint.owner_group}"
        )


def refuse_stranger(tx: Transaction, who: Actor, task: TaskView) -> None:
    """Raises Forbidden unless the person may complete the task."""
    owner = case_owners.of(tx, [task.number or ""]).get(task.number or "")
    refusal = (
        Authority(tx).refuses(who, task, owner) if owner else "此任务不属于任何工单 it belongs to no case"
    )
    if refusal:
        raise Forbidden(refusal)


class Authority:
    """Who may complete a task; remembers who is nearest, so that a list costs no more than its regions."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx
        self._nearest: dict[tuple[str, Region], set[str]] = {}
        self._barred: dict[str, exclusions.Barred] = {}

    def refuses(self, who: Actor, task: TaskView, case: CaseOwner) -> str | None:
        """Why this person may not complete the task; None when they may."""
        if because := self._excluded(who, task):
            return f"{who.name} may not do this: the task “{task.name}” is for somebody else: {because}"
        if who.groups is None or who.name == task.assignee:
            return None
        shared = who.groups.intersection(task.groups)
        if not shared:
            groups = ", ".join(task.groups) or "nobody"
            return f"{who.name} may not do this: the task “{task.name}” is for {groups}"
        if (
            who.name == case.person
            or is_within(case.region, who.region)
            or self._is_nearest(who, shared, case)
        ):
            return None
        place = " ".join(
            part for part in (case.region.province, case.region.city, case.region.branch) if part
        )
        return f"{who.name} may not do this: the case belongs to {place}, another region"

    def _excluded(self, who: Actor, task: TaskView) -> str | None:
        """Four eyes: why not this person, though the group is right."""
        if who.name not in self._barred:
            self._barred[who.name] = exclusions.of_person(self._tx, who.name)
        barred = self._barred[who.name]
        return exclusions.reason(barred, task.number or "", task.form_id, task.process_instance_key)

    def _is_nearest(self, who: Actor, groups: Iterable[str], case: CaseOwner) -> bool:
        """Where a region has nobody of its own, its nearest people do the work."""
        for group in groups:
            if (group, case.region) not in self._nearest:
                self._nearest[group, case.region] = staff.usernames_of(self._tx, group, case.region)
            if who.name in self._nearest[group, case.region]:
                return True
        return False
