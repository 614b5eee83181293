"""Passwords: what one must be like, how it is kept (argon2id), and how one is made."""

from __future__ import annotations

import secrets
import threading
import unicodedata
from typing import Final

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from workers.errors import Refused

LONGEST: Final = 200
_DIFFERENT: Final = 5
"""Letters that must differ: `aaaaaaaaaa` is long and no secret."""
_AT_ONCE: Final = 4
"""Hashes that are computed at the same time: each needs as much memory as its parameters say."""
_LETTERS: Final = "abcdefghjkmnpqrstuvwxyz23456789"
"""None that people take for another one when they copy it from paper."""


class Passwords:
    """Hashes and checks passwords. A check takes the same time whether there is an account or not.

    Args:
        shortest: characters that a new password has at least.
        time_cost, memory_kib, parallelism: of argon2id; the defaults are the low-memory choice of RFC 9106.
    """

    def __init__(
        self, *, shortest: int = 10, time_cost: int = 3, memory_kib: int = 65536, parallelism: int = 4
    ) -> None:
        self.shortest = shortest
        self._hasher = PasswordHasher(time_cost, memory_kib, parallelism, type=Type.ID)
        self._turns = threading.BoundedSemaphore(_AT_ONCE)
        self._nobody = self._hasher.hash(secrets.token_urlsafe())

    def hash(self, password: str) -> str:
        """The password as it is kept: parameters, salt and hash in one text."""
        with self._turns:
            return self._hasher.hash(_normal(password))

    def is_right(self, kept: str | None, password: str) -> bool:
        """Whether this is the password. With None (there is none) the answer is no, after the same time."""
        with self._turns:
            try:
                self._hasher.verify(kept or self._nobody, _normal(password))
            except (VerificationError, InvalidHashError):
                return False
        return kept is not None

    def is_outdated(self, kept: str) -> bool:
        """Whether the hash was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(kept)

    def check_new(self, username: str, password: str) -> None:
        """Raises Refused, saying what is wrong, when this cannot be a new password of this person."""
        text = _normal(password)
        if len(text) < self.shortest:
            raise Refused(
                f"密码至少 {self.shortest} 个字符。 A password has at least {self.shortest} characters."
            )
        if len(text) > LONGEST:
            raise Refused(f"密码至多 {LONGEST} 个字符。 A password has at most {LONGEST} characters.")
        if len(set(text)) < _DIFFERENT:
            raise Refused(
                f"密码太简单，至少要有 {_DIFFERENT} 个不同的字符。 "
                f"The password is too simple: it needs at least {_DIFFERENT} different characters."
            )
        if username.lower() in text.lower():
            raise Refused("密码中不能包含用户名。 The password must not contain the username.")


def made() -> str:
    """A new password of 80 bits that people can copy by hand, e.g. `k7wq-m2xp-…`."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(4))


def _normal(password: str) -> str:
    """The same characters typed on another keyboard are the same password."""
    return unicodedata.normalize("NFKC", password)
