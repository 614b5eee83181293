"""What the figures need beside the store: the policies' repeat windows and the subscribers file."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import isodate

from workers.bootstrap.resources import models_dir, templates_dir
from workers.bootstrap.store_alone import store_alone
from workers.cases.figures import Asked, Subscribers
from workers.clock import SystemClock
from workers.desk.figures import FigureSource
from workers.engine.models import Models
from workers.engine.models.library import POLICY_DECISION
from workers.errors import Refused
from workers.names import SHANGHAI
from workers.notifications.labels import Labels
from workers.settings import Settings


def figure_source(settings: Settings, models: Models) -> FigureSource:
    """Reads what the settings name. Raises Refused when the subscribers file cannot be used."""
    return FigureSource(_windows(models), _subscribers(settings))


def report_of_store(settings: Settings, first: str | None, last: str | None, by: list[str]) -> dict[str, Any]:
    """The report without a running instance: straight from the store, which is only looked at.

    Raises:
        Refused: no store there, or one of another version. Unavailable: the database does not answer.
    """
    if settings.database_url is None and not (settings.data / "duban.db").exists():
        raise Refused(f"there is no store in {settings.data}: name the folder with --data")
    now = SystemClock().now()
    asked = Asked.parse(first, last, by, now.astimezone(SHANGHAI).date())
    source = figure_source(settings, Models.load(models_dir(settings)))
    labels = Labels.load(templates_dir(settings))
    with store_alone(settings) as database, database.read() as tx:
        return source.report(tx, asked, now, labels)


def _windows(models: Models) -> dict[str, float]:
    """Policy -> days: the column `repeat_window` of the rows that name a policy (rule A11)."""
    table = models.decisions.get(POLICY_DECISION)
    if table is None or "repeat_window" not in table.outputs or "policy" not in table.inputs:
        return {}
    policy, window = table.inputs.index("policy"), table.outputs.index("repeat_window")
    found = {}
    for inputs, outputs in table.rules:
        try:
            span = isodate.parse_duration(outputs[window].strip().strip('"'))
        except isodate.ISO8601Error:
            continue  # an expression: the engine knows it, the figures say that they do not
        if isinstance(span, timedelta):
            for name in inputs[policy].split(","):
                found[name.strip().strip('"')] = span.total_seconds() / 86400
    return found


def _subscribers(settings: Settings) -> Subscribers | None:
    if settings.subscribers_file is None:
        return None
    try:
        with settings.subscribers_file.open(encoding="utf-8-sig", newline="") as lines:
            return Subscribers.parse(lines)
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise Refused(f"DUBAN_SUBSCRIBERS_FILE {settings.subscribers_file} cannot be read: {why}") from error
