"""What a task promises in code, in the words that its diagram must use."""

from __future__ import annotations

import inspect
import re
import sys
import typing
from collections.abc import Iterable
from dataclasses import dataclass

from workers.engine.jobs import Job, Task

_SECTION = re.compile(r"^Job type:\s*([a-z0-9-]+)\s*$", re.MULTILINE)


@dataclass(frozen=True)
class TaskContract:
    """What the diagram must give a job type, and what it gets back."""

    required: frozenset[str]
    optional: frozenset[str] = frozenset()
    headers: frozenset[str] = frozenset()
    sets: frozenset[str] = frozenset()
    throws: frozenset[str] = frozenset()


def contracts_of(tasks: Iterable[Task]) -> dict[str, TaskContract]:
    """Job type -> contract: variables from the handler's keyword parameters, the rest from the docstring of
    its module (`Reads`, `Sets`, `Throws`, and every ``header `name` ``)."""
    return {task.type: _contract(task) for task in tasks}


def _contract(task: Task) -> TaskContract:
    hints = typing.get_type_hints(task.handler)
    required: set[str] = set()
    optional: set[str] = set()
    for parameter in inspect.signature(task.handler).parameters.values():
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY and hints.get(parameter.name) is not Job:
            (required if parameter.default is inspect.Parameter.empty else optional).add(parameter.name)
    text = _section(inspect.getdoc(sys.modules[task.handler.__module__]) or "", task.type)
    headers = re.findall(r"\b[Hh]eader `(\w+)`", text)
    sets = re.sub(r"\(.*?\)", "", _part(text, "Sets"), flags=re.DOTALL).split(". ")[0]
    throws = re.findall(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b", _part(text, "Throws"))
    return TaskContract(
        frozenset(required),
        frozenset(optional),
        frozenset(headers),
        frozenset(
            word for part in sets.split(",") if re.fullmatch(r"[a-z][a-z0-9_]*", word := part.strip(" .\n"))
        ),
        frozenset(throws),
    )


def _section(doc: str, job_type: str) -> str:
    pieces = _SECTION.split(doc)
    return dict(zip(pieces[1::2], pieces[2::2], strict=False)).get(job_type, "")


def _part(section: str, title: str) -> str:
    found = re.search(rf"^{title}:(.*?)(?=^[A-Z][a-z]+:|\Z)", section, re.MULTILINE | re.DOTALL)
    return found.group(1) if found else ""
