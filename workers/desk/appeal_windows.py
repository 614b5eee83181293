"""Until when an appeal is taken, as the decision table says it: asked at the door, before anything starts (rule B7)."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Final

from workers.cases.policy import AppealRule
from workers.engine.models import Models
from workers.engine.models.dmn import Decision
from workers.engine.models.unary import read
from workers.errors import Broken

RULE: Final = "appeal-rule"
Windows = Callable[[str, str], timedelta | None]
"""Policy and channel -> how long after the closing an appeal is taken; None: only the process can tell."""


def appeal_windows(models: Models) -> Windows:
    """Reads the table as the engine does: of the rows that fit, the first.

    None where there is no such table, it asks for something else than policy and channel, or a cell is more than this
    reader understands: then the door takes the appeal down, and the process decides.

    Raises:
        Broken: a row's results are no plain texts, or incomplete.
    """
    table = models.decisions.get(RULE)
    if table is None or table.hit_policy != "FIRST" or set(table.inputs) - {"policy", "channel"}:
        return lambda policy, channel: None
    rows = [(inputs, _window(table, cells)) for inputs, cells in table.rules]

    def window(policy: str, channel: str) -> timedelta | None:
        known = {"policy": policy, "channel": channel}
        for inputs, found in rows:
            takes = [read(cell).takes(known[name]) for name, cell in zip(table.inputs, inputs, strict=True)]
            if all(takes):
                return found
            if None in takes and False not in takes:
                return None
        return None

    return window


def _window(table: Decision, cells: tuple[str, ...]) -> timedelta:
    try:
        row = dict(zip(table.outputs, map(json.loads, cells), strict=True))
    except ValueError as error:
        raise Broken(f"a result of {RULE} is no plain text or number") from error
    return AppealRule.from_decision(row).window
