"""The description of the API is whole, and what the API answers is what it says: also to what nobody would send."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from jsonschema import Draft202012Validator
from schemathesis import GenerationMode
from schemathesis.checks import (
    content_type_conformance,
    load_all_checks,
    not_a_server_error,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from schemathesis.core.failures import Failure, FailureGroup

from tests.desk.matrix_calls import CALLS, Scene
from tests.desk_server import TOKEN, RunningDesk, running
from workers.desk.api_access import ROUTES
from workers.desk.once import LOOKS
from workers.store import deadlines, timeline
from workers.store.database import Database

load_all_checks()
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
EXAMPLES = 4
"""Of every call, on each database."""
PLACE = {"province": "浙江省", "city": "杭州市"}


@pytest.fixture(scope="module")
def described(sqlite_desk_for_module: RunningDesk) -> dict[str, Any]:
    with sqlite_desk_for_module.client() as client:
        found: dict[str, Any] = client.get("/api/v1/openapi.json").json()
    return found


def calls(described: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in described["paths"].items():
        for method, call in methods.items():
            yield method, path, call


def test_every_call_says_what_it_answers_and_who_may_make_it(described: dict[str, Any]) -> None:
    """A schema for what is done, problems for what is not, the scope, the key of a write, and a name of its own."""
    for method, path, call in calls(described):
        where = f"{method} {path}"
        done = {status: each for status, each in call["responses"].items() if status.startswith("2")}
        assert done, where
        for each in done.values():
            (media,) = each["content"].values()
            assert media["schema"], where
        for status in ("401", "403", "422", "500", "503"):
            assert list(call["responses"][status]["content"]) == ["application/problem+json"], where
        scope = ROUTES[method.upper(), path].scope
        assert scope == "every" or f"Scope: `{scope}`" in call["description"], where
        keys = [each for each in call.get("parameters", []) if each["name"] == "Idempotency-Key"]
        assert len(keys) == (method != "get" and path not in LOOKS), where
    names = [call["operationId"] for _, _, call in calls(described)]
    assert len(set(names)) == len(names)
    assert set(described["components"]["securitySchemes"]) == {"token", "session", "csrf"}
    assert described["security"] == [{"token": []}, {"session": [], "csrf": []}]


def test_examples_are_what_they_are_examples_of(described: dict[str, Any]) -> None:
    for _, path, call in calls(described):
        for media in call.get("requestBody", {}).get("content", {}).values():
            if "example" in media:
                assert problems(described, media["schema"], media["example"]) == [], path


def test_real_answers_are_what_the_description_says(desk: RunningDesk, described: dict[str, Any]) -> None:
    """Every call that works on a case with a bit of everything is held against its schema."""
    with desk.client() as client:
        for (method, path), call in CALLS.items():
            if not path.startswith("/api/v1") or path.endswith("/clock/advance"):
                continue
            scene = Scene(desk, client, PLACE)
            furnish(desk, scene)
            answer = client.request(method, scene.address(path), **call.make(scene, "lin.qiantai"))
            assert answer.status_code < 300 or answer.status_code in call.also, (path, answer.text)
            told = described["paths"][path][method.lower()]["responses"][str(answer.status_code)]
            if "application/json" in told["content"]:
                schema = told["content"]["application/json"]["schema"]
                assert problems(described, schema, answer.json()) == [], (path, answer.text)


def furnish(desk: RunningDesk, scene: Scene) -> None:
    """A deadline and an entry, beside what the scene has."""
    now, number = desk.clock.now(), scene.complaint
    with desk.database.begin() as tx:
        deadlines.put(tx, number, "result", now + timedelta(days=1))
        timeline.add(tx, number, now, "duban", "assigned", f"{number}:x", group="front-desk")
    assert scene.task
    assert scene.incident
    assert scene.evidence


def problems(described: dict[str, Any], schema: dict[str, Any], answer: object) -> list[str]:
    """What does not fit a schema of the description."""
    whole = {**schema, "components": described["components"]}
    return [
        f"{each.json_path}: {each.message[:200]}" for each in Draft202012Validator(whole).iter_errors(answer)
    ]


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["good", "bad"])
def test_whatever_is_sent_is_answered_as_described(database: Database, mode: GenerationMode) -> None:
    """schemathesis makes up requests that fit the description, and ones that do not: no 5xx, no odd answer."""
    with running(database) as desk, desk.client() as client, requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {TOKEN}"
        schema = schemathesis.openapi.from_dict(client.get("/api/v1/openapi.json").json())
        scene = Scene(desk, client, PLACE)
        furnish(desk, scene)
        failed: list[str] = []
        for found in schema.get_all_operations():
            operation = found.ok()
            if "/clock/" not in operation.path:
                failed += wrong(operation, desk, scene, session, mode)
    assert not failed, "\n\n".join(failed)


def wrong(
    operation: Any, desk: RunningDesk, scene: Scene, session: requests.Session, mode: GenerationMode
) -> list[str]:
    """What is wrong with the answers to one call; its first two faults are enough."""
    found: list[str] = []
    real = {"number": scene.event if "/events/" in operation.path else scene.complaint, "key": scene.task}
    named = {name: value for name, value in real.items() if f"{{{name}}}" in operation.path}
    strategy = (
        operation.as_strategy(generation_mode=mode, path_parameters=named)
        if named and mode is GenerationMode.POSITIVE
        else operation.as_strategy(generation_mode=mode)
    )

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.generate],
    )
    @given(case=strategy)
    def one(case: Any) -> None:
        try:
            case.call_and_validate(base_url=desk.url, session=session, checks=CHECKS)
        except (Failure, FailureGroup) as error:
            found.append(f"{operation.label}: {error}\n{getattr(error, 'exceptions', '')!r:.2000}")

    with suppress(Unsatisfiable):  # nothing about the call can be wrong
        one()
    return found[:2]
