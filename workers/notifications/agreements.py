"""Settlement agreements: a text per way of settling, from templates/agreements, without forbidden words (rule D5)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from jinja2 import FileSystemLoader, StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from workers.errors import Broken
from workers.notifications import phrases
from workers.notifications.labels import Labels
from workers.notifications.wording_of_texts import load_wording
from workers.settings import Settings

FOLDER: Final = "agreements"
SETTLEMENTS: Final = ("refund", "regrant", "gift")

_EXAMPLE: Final[dict[str, Any]] = {
    "number": "TS20261124-000123",
    "refund_no": "TF20261124-000007",
    "refund_kind": "wrong-charge",
    "refund_amount": "76.00",
    "now": datetime(2026, 11, 24, 7, 30, tzinfo=UTC),
}


class Agreements:
    """The folder templates/agreements.

    Args:
        folder: the templates folder.
        settings: who signs.

    Raises:
        Broken: labels or the list of words (wording.json) cannot be read.
    """

    def __init__(self, folder: Path, settings: Settings) -> None:
        self._folder = folder / FOLDER
        self._organisation = settings.notifications.organisation
        self._wording = load_wording(folder)
        self._environment = ImmutableSandboxedEnvironment(
            loader=FileSystemLoader(self._folder),
            undefined=StrictUndefined,
            autoescape=False,
        )
        self._environment.globals.clear()
        self._environment.filters.update(day=phrases.when, zh=Labels.load(folder).zh)

    def render(self, settled_as: str, facts: Mapping[str, Any]) -> str:
        """The agreement.

        Args:
            settled_as: refund, regrant or gift: the name of the text.
            facts: number, refund_no, refund_kind, refund_amount (in yuan), now.

        Raises:
            Broken: there is no such text, it has a fault, or it contains a word that none may contain.
        """
        known = {name: facts[name] for name in _EXAMPLE} | {"organisation": self._organisation}
        try:
            text = phrases.readable(self._environment.get_template(f"{settled_as}.txt").render(known))
        except TemplateError as error:
            raise Broken(f"{FOLDER}/{settled_as}.txt: {type(error).__name__}") from error
        if found := self._wording.refused(text, "agreement"):
            words = ", ".join(f"“{each.word}”" for each in found)
            raise Broken(f"{FOLDER}/{settled_as}.txt contains {words}, which no agreement may contain")
        return text

    def check(self) -> Iterator[str]:
        """What is wrong with the texts, a sentence each."""
        for settled_as in SETTLEMENTS:
            try:
                self.render(settled_as, _EXAMPLE)
            except Broken as broken:
                yield str(broken)
