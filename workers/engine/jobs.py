"""What a task is: a plain function, its collaborators before the star, the process variables after it.

A handler reads::

    def register_complaint(database: Database, clock: Clock, *, number: str, job: Job) -> dict[str, Any]: ...

Positional parameters are collaborators, found by the type of their annotation. Keyword-only parameters are
the process variables to fetch; one with a default may be missing. A keyword-only ``job: Job`` receives the
job itself.
"""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from workers.errors import Broken


@dataclass(frozen=True)
class Job:
    """One piece of work, as the engine handed it over. Keys of instances are text, as in the store."""

    key: int
    type: str
    process_instance_key: str
    process_id: str
    element_id: str
    element_instance_key: str
    headers: Mapping[str, str]
    retries: int
    variables: Mapping[str, Any]


@dataclass(frozen=True)
class Task:
    """A job type and the synchronous function that does it; returns the new process variables."""

    type: str
    handler: Callable[..., Mapping[str, Any] | None]


@dataclass(frozen=True)
class Variable:
    """A process variable that a handler reads."""

    name: str
    is_required: bool
    admits_null: bool


@dataclass(frozen=True)
class BoundTask:
    """A task with its collaborators in place: all a worker host needs."""

    type: str
    handler: Callable[..., Mapping[str, Any] | None]
    services: tuple[object, ...]
    variables: tuple[Variable, ...]
    job_parameter: str | None

    @property
    def fetch_variables(self) -> tuple[str, ...]:
        """Names of the process variables that the engine is asked for."""
        return tuple(variable.name for variable in self.variables)

    def call(self, job: Job) -> Mapping[str, Any]:
        """Run the handler once.

        Raises:
            Broken: a required variable is missing, or the handler returned something else than variables.
            Exception: whatever the handler raises.
        """
        arguments = self._read(job)
        if self.job_parameter is not None:
            arguments[self.job_parameter] = job
        result = self.handler(*self.services, **arguments)
        if result is None:
            return {}
        if not isinstance(result, Mapping):
            raise Broken(
                f"{self.type} returned {type(result).__name__}; a task returns its new variables or nothing"
            )
        return result

    def _read(self, job: Job) -> dict[str, Any]:
        arguments: dict[str, Any] = {}
        for variable in self.variables:
            value = job.variables.get(variable.name)
            if value is not None or (variable.name in job.variables and variable.admits_null):
                arguments[variable.name] = value
            elif variable.is_required:
                how = "is null" if variable.name in job.variables else "is missing"
                raise Broken(
                    f"{self.type} needs the variable {variable.name}, which {how} at {job.element_id}"
                )
        return arguments


def bind(task: Task, services: Mapping[type, object]) -> BoundTask:
    """Give a task its collaborators.

    Args:
        task: the job type and its handler.
        services: collaborators by the type of their annotation, e.g. ``{Database: database, Clock: clock}``.

    Raises:
        TypeError: the handler is a coroutine function, or wants a collaborator that is not in `services`.
            Told at start-up, never by a job.
    """
    name = getattr(task.handler, "__qualname__", repr(task.handler))
    if inspect.iscoroutinefunction(task.handler):
        raise TypeError(
            f"{name} ({task.type}) is a coroutine; tasks are plain functions, the host runs them in threads"
        )
    hints = typing.get_type_hints(task.handler)
    found: list[object] = []
    variables: list[Variable] = []
    job_parameter: str | None = None
    for parameter in inspect.signature(task.handler).parameters.values():
        hint = hints.get(parameter.name)
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY:
            if hint is Job:
                job_parameter = parameter.name
                continue
            is_required = parameter.default is inspect.Parameter.empty
            variables.append(
                Variable(parameter.name, is_required, _admits_null(parameter.name in hints, hint))
            )
        elif parameter.kind in (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD):
            if hint not in services:
                raise TypeError(
                    f"{name} ({task.type}) wants {parameter.name}: {hint}, and there is no such service"
                )
            found.append(services[typing.cast("type", hint)])
        else:
            raise TypeError(
                f"{name} ({task.type}) has *{parameter.name}; the variables to fetch must be named"
            )
    return BoundTask(task.type, task.handler, tuple(found), tuple(variables), job_parameter)


def _admits_null(is_annotated: bool, hint: object) -> bool:
    if not is_annotated or hint is Any or hint is object or hint is type(None):
        return True
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return type(None) in typing.get_args(hint)
    return False
