"""Lines of the log: an action, what they are about, and nothing that belongs to a customer."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from tests.engine.scripted_gateway import ScriptedGateway, until
from workers.bootstrap.logs import Form, JsonLine, Line, log_to
from workers.engine.host import WorkerHost
from workers.engine.jobs import Task, bind
from workers.errors import Broken, RetryLater
from workers.log_context import about
from workers.settings import EngineSettings

NUMBER, PHONE = "TS20260101-000001", "13955554444"
log = logging.getLogger("workers.somewhere")


def lines_of(stream: StringIO) -> list[dict[str, Any]]:
    """Those that are ours: the scripted gateway writes past the log when it ends."""
    return [json.loads(line) for line in stream.getvalue().splitlines() if line.startswith("{")]


def test_a_line_of_a_job_says_which_wherever_it_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """Job type, key, process instance and number: by the host, and by a task in its thread that knows none of them."""
    stderr = StringIO()
    monkeypatch.setattr(sys, "stderr", stderr)

    def task(*, number: str) -> None:
        log.warning("in a task", extra={"action": "of-the-task"})
        raise RetryLater("later")

    async def story() -> None:
        async with ScriptedGateway() as gateway:
            host = WorkerHost(
                gateway.handle, [bind(Task("tell", task), {})], EngineSettings(retry_seconds=60)
            )
            stop = asyncio.Event()
            at_work = asyncio.create_task(host.run(stop))
            key = await gateway.offer("tell", {"number": NUMBER, "customer_phone": PHONE})
            await until(lambda: bool(host.status["tell"].outcomes))
            log.warning("outside of it", extra={"action": "outside"})
            stop.set()
            await at_work
            keys.append(key)

    keys: list[int] = []
    with log_to(None, verbose=False, form="json"):
        asyncio.run(story())
    lines = {line["action"]: line for line in lines_of(stderr)}
    for action in ("of-the-task", "job-failed"):
        line = lines[action]
        assert (line["type"], line["job"], line["number"]) == ("tell", keys[0], NUMBER), action
        assert line["level"] == "warning" and line["instance"] == "0"
        assert line["at"].endswith("+00:00")
    assert "job" not in lines["outside"]
    assert PHONE not in stderr.getvalue()


def test_of_an_exception_only_class_and_place_are_written_unless_the_sentence_is_ours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The words of a driver or a parser may quote what a customer wrote."""
    for form in (JsonLine(), Line()):
        try:
            try:
                raise ValueError(PHONE)
            except ValueError as error:
                raise Broken("the row is missing") from error
        except Broken:
            record = log.makeRecord(
                log.name, 40, __file__, 1, "it broke", (), sys.exc_info(), None, {"action": "x"}
            )
        text = form.format(record)
        assert "the row is missing" in text and "builtins.ValueError" in text and "test_logs.py" in text
        assert PHONE not in text


def test_what_it_is_about_is_said_in_text_as_well() -> None:
    with about(number=NUMBER, job=None):
        line = Line().format(
            log.makeRecord(log.name, 30, __file__, 1, "a %s", ("word",), None, None, {"action": "said"})
        )
    assert line.endswith(f"workers.somewhere a word number={NUMBER} action=said")


def test_a_library_has_an_action_too() -> None:
    """So that a search by action finds everything."""
    record = logging.getLogger("uvicorn.error").makeRecord("uvicorn.error", 30, "x", 1, "…", (), None)
    assert json.loads(JsonLine().format(record))["action"] == "of-a-library"


@pytest.mark.parametrize(
    ("form", "is_terminal", "is_json"),
    [("auto", False, True), ("auto", True, False), ("text", False, False), ("json", True, True)],
)
def test_lines_are_json_where_no_person_reads_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, form: Form, is_terminal: bool, is_json: bool
) -> None:
    """The file in the data folder is for people, unless JSON was asked for."""
    stderr = StringIO()
    monkeypatch.setattr(stderr, "isatty", lambda: is_terminal)
    monkeypatch.setattr(sys, "stderr", stderr)
    with log_to(tmp_path, verbose=True, form=form):
        log.info("hello", extra={"action": "greeted"})
    assert stderr.getvalue().startswith("{") is is_json
    assert (tmp_path / "duban.log").read_text("utf-8").startswith("{") is (form == "json")
