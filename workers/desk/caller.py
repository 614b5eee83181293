"""Who makes the request that is being answered. The guard says it once; every part that needs to know asks here.

A context variable and no parameter: whoever forgets to pass the caller on would let somebody act as somebody else.
Threads that answer a request see it too.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Literal

from workers.cases.region import Region
from workers.errors import Forbidden
from workers.store.api_tokens import Holder
from workers.store.sight import EVERYTHING, Sight


@dataclass(frozen=True)
class Actor:
    """Somebody who acts. `groups` is None for duty staff, who may do everything."""

    name: str
    groups: frozenset[str] | None
    region: Region


@dataclass(frozen=True)
class SignedIn:
    """Somebody who is signed in with a browser.

    Attributes:
        actor: username, groups and region, as the staff directory says now.
        name: as people call them.
        csrf: what forms bring along as `csrf`, calls as the header X-CSRF-Token.
        session: hash of the session's token.
        must_change: somebody else knows the password.
    """

    actor: Actor
    name: str
    csrf: str
    session: str
    must_change: bool

    @property
    def username(self) -> str:
        """Who it is."""
        return self.actor.name


@dataclass
class Caller:
    """Who makes a request: with a session, with a token, or nobody in particular.

    Attributes:
        token: another system's token; None with `way` token: the instance's own, which may do everything.
        person: in whose name it was done, once that is known; for the audit.
        subject: what it was done to, where the address does not say so: a number, a key, a username.
        is_noted: the audit has it already, from the transaction in which it was done.
    """

    way: Literal["session", "token", "nobody"] = "nobody"
    signed_in: SignedIn | None = None
    token: Holder | None = None
    person: str | None = None
    subject: str | None = None
    is_noted: bool = False

    @property
    def actor(self) -> Actor | None:
        """The one person in whose name everything of this request is done; None where the request says in whose."""
        if self.signed_in is not None:
            return self.signed_in.actor
        if self.token is None or self.token.username is None or self.token.own_region is None:
            return None
        region = self.token.own_region if self.token.region == Region() else self.token.region
        return Actor(self.token.username, self.token.groups, region)


_CALLER: ContextVar[Caller | None] = ContextVar("caller", default=None)


def current() -> Caller:
    """Who makes the request; nobody, outside of one."""
    return _CALLER.get() or Caller()


def me() -> SignedIn | None:
    """Who is signed in; templates have it as `me()`."""
    return current().signed_in


def sight() -> Sight:
    """What of the store the request may see; everything for the instance's token.

    A token that is bound to a region sees nothing beyond it, not even what its person once worked on.
    """
    caller = current()
    if caller.token is not None and caller.token.region != Region():
        return Sight(Actor("", frozenset(), caller.token.region))
    who = caller.actor
    return Sight(who) if who else EVERYTHING


@contextmanager
def calling(caller: Caller) -> Iterator[None]:
    """This is who makes the request, for the length of the block."""
    before = _CALLER.set(caller)
    try:
        yield
    finally:
        _CALLER.reset(before)


def in_whose_name(said: str | None) -> str | None:
    """The person that a request is about (`as`): of a session always the one who is signed in, of a token that acts for
    one person always this one.

    Raises:
        Forbidden: somebody who is signed in says to be somebody else, or so does such a token.
    """
    caller = current()
    if caller.token is not None and caller.token.username is not None:
        mine = caller.token.username
        if said not in {None, "", mine}:
            raise Forbidden(
                f"此令牌只能以 {mine} 的名义操作。 The token {caller.token.name} acts in the name of {mine} only."
            )
        return mine
    if caller.signed_in is not None:
        mine = caller.signed_in.username
        if said not in {None, "", mine}:
            raise Forbidden(
                f"您登录为 {mine}，不能以他人名义操作。 You are signed in as {mine} and cannot act as somebody else."
            )
        said = mine
    return said
