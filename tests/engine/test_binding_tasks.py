"""How a handler's parameters are read, and what its failures turn into; without an engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from workers.clock import Clock, SystemClock
from workers.engine import failures
from workers.engine.failures import BackOff, Done, Failed, Thrown
from workers.engine.jobs import Job, Task, bind
from workers.errors import Broken, BusinessError, RetryLater
from workers.store import complaints
from workers.store.database import Database

JOB = Job(7, "register-complaint", "1", "complaint-handling", "Task_Register", "2", {}, 3, {"number": "N1"})


def given(**variables: Any) -> Job:
    return replace(JOB, variables=variables)


def test_services_come_by_type_variables_by_name_and_the_job_as_it_is() -> None:
    def register(clock: Clock, *, number: str, occasion: str | None = None, job: Job) -> Mapping[str, Any]:
        return {"seen": [type(clock).__name__, number, occasion, job.key]}

    bound = bind(Task("register-complaint", register), {Clock: SystemClock()})
    assert bound.fetch_variables == ("number", "occasion")
    assert bound.call(given(number="N1")) == {"seen": ["SystemClock", "N1", None, 7]}
    assert bound.call(given(number="N1", occasion="x"))["seen"][2] == "x"


def test_what_is_missing_is_told_at_start_up() -> None:
    def wants_clock(clock: Clock) -> None: ...

    def catches_all(**variables: Any) -> None: ...

    async def waits(*, number: str) -> None: ...

    with pytest.raises(TypeError, match="no such service"):
        bind(Task("x", wants_clock), {})
    with pytest.raises(TypeError, match="must be named"):
        bind(Task("x", catches_all), {})
    with pytest.raises(TypeError, match="coroutine"):
        bind(Task("x", waits), {})


def test_a_missing_or_null_variable_breaks_the_contract() -> None:
    def strict(*, number: str, note: str = "none", maybe: str | None) -> Mapping[str, Any]:
        return {"got": [number, note, maybe]}

    bound = bind(Task("x", strict), {})
    assert bound.call(given(number="N1", note=None, maybe=None)) == {"got": ["N1", "none", None]}
    with pytest.raises(Broken, match="number, which is missing"):
        bound.call(given(maybe=None))
    with pytest.raises(Broken, match="number, which is null"):
        bound.call(given(number=None, maybe=None))


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (BusinessError("ALREADY_REGISTERED", "twice"), Thrown("ALREADY_REGISTERED", "BusinessError: twice")),
        (Broken("no row"), Failed(0, "Broken: no row")),
        (RetryLater("not yet"), Failed(2, "RetryLater: not yet", timedelta(seconds=1))),
    ],
)
def test_each_failure_word_has_its_outcome(error: Exception, expected: failures.Outcome) -> None:
    def fails() -> None:
        raise error

    back_off = BackOff(chance=lambda: 1.0)
    assert failures.run(bind(Task("x", fails), {}), JOB, back_off) == expected


def test_a_store_that_is_away_costs_no_try() -> None:
    """PostgreSQL restarts, or is gone for an hour: no job of that time becomes an incident that needs a hand."""
    nobody = Database("postgresql+psycopg://duban@127.0.0.1:1/duban")

    def looks() -> None:
        with nobody.read() as tx:
            complaints.get(tx, "N1")

    last_try = replace(JOB, retries=1)
    outcome = failures.run(bind(Task("x", looks), {}), last_try, BackOff(chance=lambda: 1.0))
    assert isinstance(outcome, Failed)
    assert (outcome.retries, outcome.back_off) == (1, timedelta(seconds=5))
    assert outcome.message.startswith("the store is away: OperationalError in ")


def test_a_foreign_error_tells_its_place_and_no_values() -> None:
    def fails(*, number: str) -> None:
        raise ValueError(f"cannot call {number}")

    outcome = failures.run(bind(Task("x", fails), {}), given(number="13800000000"), BackOff())
    assert isinstance(outcome, Failed) and outcome.retries == 2
    assert outcome.message.startswith("ValueError in fails (test_binding_tasks.py:")
    assert "138" not in outcome.message


@pytest.mark.parametrize("error", [SystemExit(1), KeyboardInterrupt(), GeneratorExit()])
def test_nothing_that_a_handler_raises_escapes(error: BaseException) -> None:
    def fails() -> None:
        raise error

    assert isinstance(failures.run(bind(Task("x", fails), {}), JOB, BackOff()), Failed)


def test_pauses_double_up_to_the_longest_and_scatter() -> None:
    back_off = BackOff(timedelta(seconds=1), timedelta(seconds=10), chance=lambda: 1.0)
    pauses = [back_off.after(replace(JOB, retries=left)).total_seconds() for left in (6, 5, 4, 3, 2, 1)]
    assert pauses == [1, 2, 4, 8, 10, 10]
    assert BackOff(chance=lambda: 0.0).after(JOB) == timedelta(seconds=0.5)


def test_results_that_json_carries_pass_unchanged() -> None:
    def works() -> Mapping[str, Any]:
        return {"a": [1, 2.5, None, True, "中文", {"b": ()}]}

    assert failures.run(bind(Task("x", works), {}), JOB, BackOff()) == Done(
        '{"a": [1, 2.5, null, true, "中文", {"b": []}]}'
    )


def test_a_result_that_holds_itself_or_is_a_file_is_broken() -> None:
    endless: dict[str, Any] = {}
    endless["self"] = endless
    outcome = failures.run(bind(Task("x", lambda: endless), {}), JOB, BackOff())
    assert isinstance(outcome, Failed) and outcome.retries == 0
    with pytest.raises(Broken, match="nested too deeply"):
        failures.encode(endless)
    with pytest.raises(Broken, match="facts belong in the store"):
        failures.encode({"text": "x" * 600_000})
