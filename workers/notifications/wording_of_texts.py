"""The list of forbidden words (templates/wording.json), and the check of every text before it leaves (rules D5, D6)."""

from __future__ import annotations

import html
import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

from workers.cases.wording import Context, Wording
from workers.errors import Broken
from workers.notifications.facts import Facts
from workers.notifications.labels import Labels

FILE: Final = "wording.json"
AGREEMENTS: Final = "agreements"
"""Folder of the templates of settlement agreements."""

_TAG = re.compile(r"<!--.*?-->|</?[A-Za-z][^>]*>", re.DOTALL)
_STATEMENT = re.compile(r"\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_EXPRESSION = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_VALUE: Final = "〇"
"""Stands for a fact: a character that no forbidden word has, and that an eye does not read over."""


def load_wording(folder: Path) -> Wording:
    """Reads `wording.json` of the templates folder. Raises Broken, naming file and cause."""
    try:
        return Wording.read((folder / FILE).read_bytes())
    except OSError as error:
        raise Broken(f"{FILE} cannot be read: {error.strerror}") from error


def context_of(audience: str) -> Context:
    """What a message is: staff are told of internal notes, too."""
    return "message" if audience == "customer" else "note"


def without_tags(source: str) -> str:
    """What of HTML people read."""
    return html.unescape(_TAG.sub("", source))


def refuse(
    wording: Wording, event: str, audience: str, texts: Collection[str], quoted: Collection[str]
) -> None:
    """A message that is about to be written.

    Its free text was checked where a person wrote it: a word here is a mistake in a template or a hole in a check,
    and nobody is sent it.

    Args:
        texts: subject, body and HTML; or what staff wrote.
        quoted: the customer's own words in them.

    Raises:
        Broken: names the word of the list, and nothing of the text.
    """
    context = context_of(audience)
    for text in dict.fromkeys(seen for each in texts for seen in (each, without_tags(each))):
        for found in wording.refused(text, context, quoted=quoted):
            raise Broken(f"notification '{event}' was not written: {wording.sentence(found, context)}")


def faults(folder: Path, wording: Wording, facts: Facts, labels: Labels) -> Iterator[str]:
    """Forbidden words in the fixed parts of templates, agreements and labels, a sentence each."""
    shared = [path for path in (folder / "notifications").glob("*.*") if path.suffix in {".txt", ".html"}]
    named = [(path, _audience(facts, path)) for path in (folder / "notifications").glob("*/*")]
    for path, context in [*((path, "message") for path in shared), *named]:
        yield from _of_file(folder, path, wording, context)
    for path in (folder / AGREEMENTS).rglob("*"):
        yield from _of_file(folder, path, wording, "agreement")
    for key, label in labels.words.items():
        for found in wording.refused(label.zh, "message"):
            yield f"labels.json {key}: {wording.sentence(found, 'message')}"


def _audience(facts: Facts, path: Path) -> Context:
    declared = facts.events.get(path.parent.name)
    return context_of(declared.to if declared else "customer")


def _of_file(folder: Path, path: Path, wording: Wording, context: Context) -> Iterator[str]:
    if path.suffix not in {".txt", ".html", ".md"} or not path.is_file() or path.name == "README.md":
        return
    source = path.read_text(encoding="utf-8")
    text = _EXPRESSION.sub(_VALUE, _STATEMENT.sub("", source))
    if path.suffix == ".html":
        text = without_tags(text)
    for found in wording.refused(text, context):
        yield f"{path.relative_to(folder).as_posix()}: {wording.sentence(found, context)}"
