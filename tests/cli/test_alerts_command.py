"""`duban alerts`: operations see that alerts are off, test their settings, and read what arrived."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import update

from tests.cli.conftest import Duban
from tests.desk_server import RunningDesk
from tests.notifications.alert_stage import Stage
from workers.store.tables import OutboxMessage


@contextmanager
def sending(stage: Stage, **outcome: str) -> Iterator[None]:
    """A sender beside the desk, whose every message ends like this."""
    stop, alerter = threading.Event(), stage.alerter(webhook_url="https://x.example")
    alerter.look()

    def work() -> None:
        while not stop.wait(0.05):
            if alerter.look():
                with stage.database.begin() as tx:
                    tx.execute(update(OutboxMessage).values(**outcome))

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def test_a_test_alert_says_whether_it_arrived(bare: Duban, desk: RunningDesk, data: Path) -> None:
    """Off: how to turn it on. On: it arrived everywhere. A webhook that refuses: exit code 3, and why."""
    where = {"DUBAN_DATA": str(data), "COLUMNS": "200"}
    off = bare("alerts", "test", **where)
    assert off.returncode == 1 and "DUBAN_ALERTS__RECIPIENTS" in off.stderr
    assert "未开启" in bare("alerts", **where).stdout
    stage = Stage(desk.database)
    with sending(stage, status="sent"):
        done = bare("alerts", "test", "--json", **where)
        assert done.returncode == 0, done.stderr
        (alert,) = json.loads(done.stdout)["alerts"]
        assert (alert["kind"], [each["status"] for each in alert["messages"]]) == ("tested", ["sent", "sent"])
    with sending(stage, status="dead", last_error="the webhook answered 410"):
        failed = bare("alerts", "test", **where)
    assert failed.returncode == 3 and "410" in failed.stdout and "did not arrive" in failed.stderr
    assert bare("alerts", "tset", **where).returncode == 1
