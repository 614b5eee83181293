"""How facts read in a text: the filters that templates may use, and what may be repeated to a customer."""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime

from jinja2 import pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape

from workers.names import SHANGHAI

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@pass_context
def when(context: Context, instant: datetime) -> str:
    """`11月24日 15:30` in Shanghai; with the year where it isn't this one."""
    local = instant.astimezone(SHANGHAI)
    year = "" if _is_this_year(context, local) else f"{local.year}年"
    return f"{year}{local.month}月{local.day}日 {local:%H:%M}"


@pass_context
def when_en(context: Context, instant: datetime) -> str:
    """`24 Nov, 15:30` in Shanghai; with the year where it isn't this one."""
    local = instant.astimezone(SHANGHAI)
    year = "" if _is_this_year(context, local) else f" {local.year}"
    return f"{local.day} {MONTHS[local.month - 1]}{year}, {local:%H:%M}"


def paragraphs(text: str) -> Markup:
    """Escaped text in which line breaks stay line breaks."""
    return Markup("<br>").join(escape(line) for line in text.strip().splitlines())


def shortened(text: str, length: int) -> str:
    """The text, cut with `…` after `length` characters."""
    text = text.strip()
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"


def one_line(text: str) -> str:
    """The text with every run of white space and control characters as one blank."""
    return " ".join("".join(" " if unicodedata.category(c)[0] == "C" else c for c in text).split())


def readable(text: str) -> str:
    """Plain text as it is sent: no blanks at line ends, at most one empty line in a row."""
    lines = "\n".join(line.rstrip() for line in text.splitlines())
    return re.sub(r"\n{3,}", "\n\n", lines).strip() + "\n"


def spoken_name(name: str | None) -> str | None:
    """A name fit for a greeting, or None.

    Anybody can file a complaint under any name and phone number. A "name" with digits or a link in it would
    make this service send somebody else's advertisement, so it isn't repeated.
    """
    if name is None:
        return None
    name = one_line(name)
    fits = 0 < len(name) <= 40 and all(unicodedata.category(c)[0] in "LM" or c in " ·-'’" for c in name)
    return name if fits else None


def spoken_word(word: str | None) -> str | None:
    """A product or place fit to be repeated in a message (letters, digits, blanks, hyphens), or None."""
    if word is None:
        return None
    word = one_line(word)
    fits = 0 < len(word) <= 64 and all(unicodedata.category(c)[0] in "LMN" or c in " -_+()()·" for c in word)
    return word if fits else None


def _is_this_year(context: Context, local: datetime) -> bool:
    now = context.get("now")
    return isinstance(now, datetime) and now.astimezone(SHANGHAI).year == local.year
