"""What is open, due, stuck and done, as the engine's record stream told it; labels from the diagram."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import TypeVar

from sqlalchemy import ColumnElement, Select, func, select, tuple_
from sqlalchemy.orm import Session

from workers.errors import NotFound
from workers.store.record_tables import (
    Element,
    FormVersion,
    Incident,
    ProcessInstance,
    ProcessVersion,
    RecordPosition,
    Timer,
    UserTask,
)
from workers.store.record_unsettled import unsettled as unsettled
from workers.store.record_views import ElementView, IncidentView, ProcessNode, TaskView, TimerView

_Row = TypeVar("_Row", Incident, Timer)


def open_tasks(tx: Session, number: str | None = None) -> list[TaskView]:
    """Open user tasks, of one complaint or of all; the one due first comes first, without a date last."""
    wanted = _tasks().where(UserTask.state == "open")
    if number is not None:
        wanted = wanted.where(ProcessInstance.number == number)
    return _task_views(tx, wanted.order_by(UserTask.due_at.is_(None), UserTask.due_at, UserTask.created_at))


def next_due(tx: Session, numbers: Collection[str]) -> dict[str, TaskView]:
    """Of each of these cases the open user task that is due first; cases without one are left out."""
    wanted = _tasks().where(
        UserTask.state == "open", UserTask.due_at.is_not(None), ProcessInstance.number.in_(numbers)
    )
    found: dict[str, TaskView] = {}
    for each in _task_views(tx, wanted.order_by(UserTask.due_at, UserTask.created_at)):
        found.setdefault(each.number or "", each)
    return found


def task(tx: Session, key: str) -> TaskView:
    """One user task, open or not.

    Raises:
        NotFound: no record told of a task with this key.
    """
    found = _task_views(tx, _tasks().where(UserTask.key == key))
    if not found:
        raise NotFound(f"There is no task {key}.")
    return found[0]


def tasks(tx: Session, keys: Sequence[str]) -> list[TaskView]:
    """User tasks by key, open or not, in the order of the keys; unknown ones are left out."""
    found = {each.key: each for each in _task_views(tx, _tasks().where(UserTask.key.in_(keys)))}
    return [found[key] for key in keys if key in found]


def open_incidents(
    tx: Session,
    number: str | None = None,
    *,
    after: tuple[datetime, str] | None = None,
    limit: int | None = None,
) -> list[IncidentView]:
    """Open incidents, of one complaint or of all, the oldest first.

    Args:
        after: instant and key of the last one of the page before.
    """
    wanted = _with_instance(Incident).where(Incident.state == "open")
    if number is not None:
        wanted = wanted.where(ProcessInstance.number == number)
    if after is not None:
        wanted = wanted.where(tuple_(Incident.created_at, Incident.key) > after)
    rows = tx.execute(wanted.order_by(Incident.created_at, Incident.key).limit(limit)).all()
    names = _names(tx, (instance.definition_key for _, instance in rows if instance))
    return [
        IncidentView(
            key=row.key,
            number=instance.number if instance else None,
            process_id=row.process_id,
            process_instance_key=row.process_instance_key,
            element_id=row.element_id,
            name=_name(names, instance, row.element_id),
            job_key=row.job_key,
            error_type=row.error_type,
            error_message=row.error_message,
            created_at=row.created_at,
        )
        for row, instance in rows
    ]


def timers(tx: Session, number: str | None = None) -> list[TimerView]:
    """Timers that wait, of one complaint or of all, the one due first comes first."""
    wanted = _with_instance(Timer).where(Timer.state == "waiting")
    if number is not None:
        wanted = wanted.where(ProcessInstance.number == number)
    rows = tx.execute(wanted.order_by(Timer.due_at, Timer.key)).all()
    names = _names(tx, (instance.definition_key for _, instance in rows if instance))
    return [
        TimerView(
            key=row.key,
            process_instance_key=row.process_instance_key,
            element_id=row.element_id,
            name=_name(names, instance, row.element_id),
            due_at=row.due_at,
        )
        for row, instance in rows
    ]


def active_elements(tx: Session, number: str) -> list[ElementView]:
    """Where a complaint stands: the elements active in its processes, in the order they were entered."""
    return _elements(tx, number, Element.state == "active")


def walked_elements(tx: Session, number: str) -> list[ElementView]:
    """The way a complaint has gone: every element entered so far, in order."""
    return _elements(tx, number)


def process_tree(tx: Session, number: str) -> tuple[ProcessNode, ...]:
    """The process instances of a complaint: the roots, each with those it called."""
    mine = select(ProcessInstance).where(ProcessInstance.number == number)
    rows = list(tx.scalars(mine.order_by(ProcessInstance.started_at, ProcessInstance.key)))
    known = {row.key for row in rows}
    children: dict[str | None, list[ProcessInstance]] = defaultdict(list)
    for row in rows:
        children[row.parent_key if row.parent_key in known else None].append(row)

    def node(row: ProcessInstance) -> ProcessNode:
        return ProcessNode(
            key=row.key,
            process_id=row.process_id,
            version=row.version,
            definition_key=row.definition_key,
            state=row.state,
            started_at=row.started_at,
            ended_at=row.ended_at,
            children=tuple(node(child) for child in children[row.key]),
        )

    return tuple(node(row) for row in children[None])


def diagram(tx: Session, definition_key: str) -> str:
    """The BPMN XML of a deployed process.

    Raises:
        NotFound: nothing was deployed under this key.
    """
    found = tx.scalar(select(ProcessVersion.resource).where(ProcessVersion.definition_key == definition_key))
    if found is None:
        raise NotFound(f"There is no deployed process {definition_key}.")
    return found


def position(tx: Session) -> int:
    """How far the stream is applied: the sum over the partitions. Only good for telling whether it moved."""
    return int(tx.scalar(select(func.coalesce(func.sum(RecordPosition.position), 0))) or 0)


def partitions(tx: Session) -> frozenset[int]:
    """The partitions that records came from."""
    return frozenset(tx.scalars(select(RecordPosition.partition).where(RecordPosition.position > 0)))


def _tasks() -> Select[UserTask, str | None]:
    own = ProcessInstance.key == UserTask.process_instance_key
    return select(UserTask, ProcessInstance.number).outerjoin(ProcessInstance, own)


def _task_views(tx: Session, wanted: Select[UserTask, str | None]) -> list[TaskView]:
    rows = tx.execute(wanted).all()
    names = _names(tx, (row.definition_key for row, _ in rows))
    form_keys = {row.form_key for row, _ in rows if row.form_key}
    forms = {
        form.form_key: form
        for form in tx.scalars(select(FormVersion).where(FormVersion.form_key.in_(form_keys)))
    }
    views = []
    for row, number in rows:
        form = forms.get(row.form_key or "")
        views.append(
            TaskView(
                key=row.key,
                name=names.get(row.definition_key, {}).get(row.element_id, row.element_id),
                element_id=row.element_id,
                number=number,
                process_id=row.process_id,
                process_instance_key=row.process_instance_key,
                state=row.state,
                assignee=row.assignee,
                groups=tuple(row.groups),
                created_at=row.created_at,
                due_at=row.due_at,
                ended_at=row.ended_at,
                action=row.action,
                form_id=form.form_id if form else None,
                form_schema=form.schema if form else None,
            )
        )
    return views


def _elements(tx: Session, number: str, *also: ColumnElement[bool]) -> list[ElementView]:
    own = ProcessInstance.key == Element.process_instance_key
    wanted = (
        select(Element, ProcessInstance)
        .join(ProcessInstance, own)
        .where(ProcessInstance.number == number, *also)
    )
    rows = tx.execute(wanted.order_by(Element.started_at, func.length(Element.key), Element.key)).all()
    names = _names(tx, (instance.definition_key for _, instance in rows))
    stuck_ones = select(Incident.element_key).join(
        ProcessInstance, ProcessInstance.key == Incident.process_instance_key
    )
    stuck = set(tx.scalars(stuck_ones.where(Incident.state == "open", ProcessInstance.number == number)))
    return [
        ElementView(
            key=row.key,
            process_instance_key=row.process_instance_key,
            process_id=row.process_id,
            element_id=row.element_id,
            name=_name(names, instance, row.element_id),
            element_type=row.element_type,
            state=row.state,
            started_at=row.started_at,
            ended_at=row.ended_at,
            is_stuck=row.key in stuck,
        )
        for row, instance in rows
    ]


def _with_instance(table: type[_Row]) -> Select[_Row, ProcessInstance]:
    return select(table, ProcessInstance).outerjoin(
        ProcessInstance, ProcessInstance.key == table.process_instance_key
    )


def _names(tx: Session, definition_keys: Iterable[str]) -> dict[str, dict[str, str]]:
    wanted = select(ProcessVersion.definition_key, ProcessVersion.element_names)
    rows = tx.execute(wanted.where(ProcessVersion.definition_key.in_(set(definition_keys))))
    return {row.definition_key: row.element_names for row in rows}


def _name(names: dict[str, dict[str, str]], instance: ProcessInstance | None, element_id: str) -> str:
    """The label; where the diagram has none, or isn't known, the id."""
    return names.get(instance.definition_key, {}).get(element_id, element_id) if instance else element_id
