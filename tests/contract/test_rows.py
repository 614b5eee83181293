"""Every row of every decision table, hit on the real engine by an input made from its cells: no row is dead."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from pyzeebe.proto.gateway_pb2 import EvaluateDecisionRequest

from tests.engine_fixture import RunningEngine, running_engine
from workers.engine.deployment import deploy
from workers.engine.models import Models
from workers.engine.models.check_decisions import inputs_of_rows
from workers.engine.models.dmn import Decision
from workers.engine.models.unary import Value

pytestmark = pytest.mark.engine

MODELS = Models.load(Path(__file__).parents[2] / "bpmn")
ROWS = [(each.id, row) for each in MODELS.decisions.values() for row in range(len(each.rules))]
_WORD = re.compile(r'"([^"]+)"')

Matched = dict[int, list[Any]]
"""Row -> what it gives, of the rows that the engine says matched."""


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, int], tuple[Any, Matched]]:
    """(Table, row) -> the input that was tried for it and what matched: one engine for all."""
    return asyncio.run(_evaluate_all(tmp_path_factory.mktemp("rows")))


async def _evaluate_all(folder: Path) -> dict[tuple[str, int], tuple[Any, Matched]]:
    found = {}
    async with running_engine(folder) as engine:
        await deploy(engine.handle, MODELS.deployables())
        for table in MODELS.decisions.values():
            made = inputs_of_rows(table, MODELS)
            for row in range(len(table.rules)):
                for given in [made[row]] if row in made else _guesses(table, row):
                    found[table.id, row] = given, await _matched(engine, table, given)
                    if row in found[table.id, row][1]:
                        break
    return found


def _guesses(table: Decision, row: int) -> Iterator[Mapping[str, Value]]:
    """Inputs for a row that cannot be told without the engine: the words that it asks for, alone and in pairs."""
    cells = table.rules[row][0]
    asked = [_WORD.findall(cell.split("and not(")[0]) for cell in cells]
    for size in (1, 2):
        for words in combinations(max(asked, key=len), size):
            yield {
                name: ",".join(words) if len(own) > 1 else own[0] if own else None
                for name, own in zip(table.inputs, asked, strict=True)
            }


async def _matched(engine: RunningEngine, table: Decision, given: Mapping[str, Value]) -> Matched:
    variables: dict[str, Any] = {}
    for name, value in given.items():
        *path, last = name.split(".")
        place = variables
        for part in path:
            place = place.setdefault(part, {})
        place[last] = sorted(value) if isinstance(value, frozenset) else _number(value)
    request = EvaluateDecisionRequest(decisionId=table.id, variables=json.dumps(variables))
    answer = await engine.gateway.stub.EvaluateDecision(request, timeout=30)
    assert not answer.failureMessage, f"{table.id} {variables}: {answer.failureMessage}"
    [decision] = [each for each in answer.evaluatedDecisions if each.decisionId == table.id]
    return {
        rule.ruleIndex - 1: [json.loads(each.outputValue) for each in rule.evaluatedOutputs]
        for rule in decision.matchedRules
    }


def _number(value: Value) -> Any:
    is_whole = isinstance(value, float) and value.is_integer()
    return int(value) if is_whole and isinstance(value, float) else value


@pytest.mark.parametrize(
    ("table", "row"), ROWS, ids=lambda each: str(each + 1) if isinstance(each, int) else each
)
def test_every_row_is_hit_and_gives_what_it_says(
    evaluated: dict[tuple[str, int], tuple[Any, Matched]], table: str, row: int
) -> None:
    """The engine takes the row for an input made from its cells, and gives the row's own results."""
    given, matched = evaluated[table, row]
    assert row in matched, f"{given} gives the rows {sorted(each + 1 for each in matched)}"
    for said, got in zip(MODELS.decisions[table].rules[row][1], matched[row], strict=True):
        with suppress(ValueError):  # an expression is the engine's own affair
            assert got == json.loads(said or "null")


def test_an_input_is_made_for_every_row_that_can_be_told() -> None:
    """Only the texts that classification looks for need the engine to say what they match."""
    made = {table.id: inputs_of_rows(table, MODELS) for table in MODELS.decisions.values()}
    lacking = {table for table, row in ROWS if row not in made[table]}
    assert lacking <= {"classification-rules"}
