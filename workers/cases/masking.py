"""Personal data for lists, logs and exports: enough to recognise, too little to use (rule B10)."""

from __future__ import annotations

import re
from typing import Final

MASK = "***"
_MOBILE: Final = re.compile(r"(?<!\d)(?:\+?86[- ]?)?(1\d{10})(?!\d)")


def phone(number: str) -> str:
    """`+8613900001001` -> `139****1001`; a short number keeps its last two digits."""
    bare = number.removeprefix("+86")
    if len(bare) < 8:
        return MASK + bare[-2:] if len(bare) > 4 else MASK
    return f"{bare[:3]}{'*' * (len(bare) - 7)}{bare[-4:]}"


def email(address: str) -> str:
    """`sun.weidong@example.com` -> `s***@example.com`."""
    local, at, domain = address.rpartition("@")
    return f"{local[:1]}{MASK}@{domain}" if at else MASK


def name(full: str) -> str:
    """`周晓岚` -> `周**`, `Li Wei` -> `L** W**`: the first character of each word."""
    words = full.split()
    if len(words) > 1:
        return " ".join(f"{word[0]}**" for word in words)
    return "".join(word[0] + "*" * max(1, min(len(word) - 1, 3)) for word in words) or MASK


def contact(address: str) -> str:
    """Whatever a message is sent to: an e-mail address, or else a telephone number."""
    return email(address) if "@" in address else phone(address)


def numbers_in(text: str) -> str:
    """A text that people wrote, with the mobile numbers in it masked."""
    return _MOBILE.sub(lambda found: phone(found[1]), text)
