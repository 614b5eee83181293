"""What stands beside a user task to decide it: why the process asks, what was said before, what is like it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from workers.cases.forms import Form
from workers.errors import Broken
from workers.store import complaints
from workers.store.record_tables import (
    DecisionRow,
    DecisionTables,
    Element,
    FormVersion,
    ProcessInstance,
    UserTask,
)
from workers.store.tables import Answer, Complaint

SHOWN: Final = 5
"""Similar cases of a kind that are shown."""
_DEEPEST: Final = 12
"""Calls within calls; the house has four."""


@dataclass(frozen=True)
class Reason:
    """A row of a decision table that led here.

    Attributes:
        decision: the table, as people call it.
        says: what the row says of itself, with the operator's rule; empty where it says nothing.
        inputs, outputs: label or name -> value, as the engine asked and answered.
    """

    decision_id: str
    decision: str
    rule_id: str
    says: str
    inputs: dict[str, Any]
    outputs: dict[str, Any]
    at: datetime


@dataclass(frozen=True)
class Said:
    """What somebody wrote in an earlier task of the case."""

    task: str | None
    field: str
    value: str
    who: str
    at: datetime


@dataclass(frozen=True)
class Marks:
    """Where a process instance stands, for its diagram."""

    definition_key: str
    process_id: str
    active: list[str]
    done: list[str]


def reasons(tx: Session, instance_key: str) -> list[Reason]:
    """The rows that decided in this process and its callers; of each table the last answer, newest first."""
    rows = tx.execute(
        select(DecisionRow, DecisionTables.row_texts)
        .outerjoin(DecisionTables, DecisionTables.requirements_key == DecisionRow.requirements_key)
        .where(DecisionRow.process_instance_key.in_(ancestors(tx, instance_key)))
        .order_by(DecisionRow.made_at.desc(), DecisionRow.key)
    )
    found: list[Reason] = []
    latest: dict[str, str] = {}
    for row, texts in rows:
        evaluation = row.key.partition(".")[0]
        if latest.setdefault(row.decision_id, evaluation) != evaluation:
            continue
        said = str((texts or {}).get(row.rule_id, ""))
        values = (row.inputs, row.outputs, row.made_at)
        found.append(Reason(row.decision_id, row.decision_name, row.rule_id, said, *values))
    return found


def ancestors(tx: Session, instance_key: str) -> list[str]:
    """Keys of the process instance and of those that called it, the called one first."""
    chain = [instance_key]
    while len(chain) < _DEEPEST:
        parent = tx.scalar(select(ProcessInstance.parent_key).where(ProcessInstance.key == chain[-1]))
        if parent is None or parent in chain:
            break
        chain.append(parent)
    return chain


def said_before(tx: Session, number: str) -> list[Said]:
    """What people wrote in earlier tasks of the case, the latest first; fields as their forms call them."""
    mine = select(Answer).where(Answer.number == number, Answer.is_final, Answer.value != "")
    answers = list(tx.scalars(mine.order_by(Answer.at.desc(), Answer.task_key, Answer.field)))
    asked = (
        select(UserTask.key, FormVersion.schema)
        .join(FormVersion, FormVersion.form_key == UserTask.form_key)
        .where(UserTask.key.in_({each.task_key for each in answers}))
    )
    labels = {key: _labels(schema) for key, schema in tx.execute(asked)}
    return [
        Said(
            each.form,
            labels.get(each.task_key, {}).get(each.field) or each.field,
            each.value,
            each.author,
            each.at,
        )
        for each in answers
    ]


def _labels(schema: dict[str, Any]) -> dict[str, str]:
    """Key -> label of the fields of a form; what cannot be read has none."""
    try:
        return Form(schema).labels
    except Broken:
        return {}


def of_customer(tx: Session, complaint: Complaint) -> list[Complaint]:
    """Other complaints of this customer, the newest first."""
    return _newest(tx, complaint, complaints.same_customer(complaint))


def like_it(tx: Session, complaint: Complaint) -> list[Complaint]:
    """Complaints of others about the same, in the same province, that have a result: how was it decided then?"""
    same = [
        Complaint.category == complaint.category,
        Complaint.product == complaint.product,
        Complaint.policy == complaint.policy,
        Complaint.province == complaint.province,
        Complaint.outcome.is_not(None),
        Complaint.customer_key != complaint.customer_key,
    ]
    return _newest(tx, complaint, *same) if complaint.category and complaint.product else []


def _newest(tx: Session, complaint: Complaint, *like: ColumnElement[bool]) -> list[Complaint]:
    wanted = select(Complaint).where(*like, Complaint.number != complaint.number)
    return list(
        tx.scalars(wanted.order_by(Complaint.received_at.desc(), Complaint.number.desc()).limit(SHOWN))
    )


def marks(tx: Session, instance_key: str) -> Marks | None:
    """Where a process instance stands; None when its record has not come yet."""
    instance = tx.execute(
        select(ProcessInstance.definition_key, ProcessInstance.process_id).where(
            ProcessInstance.key == instance_key
        )
    ).first()
    if instance is None:
        return None
    mine = select(Element.element_id, Element.state).where(Element.process_instance_key == instance_key)
    states = tx.execute(mine.distinct()).all()
    active = {element for element, state in states if state == "active"}
    done = {element for element, state in states if state == "completed"} - active
    return Marks(instance.definition_key, instance.process_id, sorted(active), sorted(done))
