"""What a customer is told of their complaint, the same on their own page and at the telephone (rules A6, F3)."""

from __future__ import annotations

import re
from typing import Any, Final

from workers.desk.services import DeskServices
from workers.names import Status
from workers.store import answers, appeals, deadlines, incidents, outbox, requests, timeline
from workers.store.outbox import Transaction
from workers.store.tables import Complaint

_STEPS: Final = (
    (Status.RECEIVED, "received", "已收到", "Received"),
    (Status.ACCEPTED, "accepted", "已受理", "Accepted"),
    (Status.IN_PROGRESS, "assigned", "正在处理", "Being handled"),
    (Status.RESOLVED, "resolved", "已有结果", "Result told"),
    (Status.CLOSED, "archived", "已办结", "Closed"),
)
"""Status, the code of the timeline that tells when it began, and the words."""
_ENDED: Final = frozenset({Status.CLOSED, Status.WITHDRAWN})
_LINK: Final = re.compile(r"https?://\S+")


def plain_progress(services: DeskServices, tx: Transaction, complaint: Complaint) -> dict[str, Any]:
    """Where the complaint is in plain words; nothing that staff wrote but the reply to the customer.

    Returns:
        complaint; steps (zh, en, at, is_done, is_now); due_at, None when nothing is waited for; reply, None before the
        result; may_answer, may_appeal, may_remark: what the customer can say now.
    """
    number, now = complaint.number, services.clock.now()
    due = [each for each in deadlines.of(tx, number) if each.kind == "result" and each.met_at is None]
    has_result = complaint.status in {Status.RESOLVED, Status.CLOSED}
    is_waited_for = not has_result and complaint.status != Status.WITHDRAWN
    reply = incidents.reply_for(tx, number) or answers.newest(tx, number, ["customer_reply"])
    return {
        "complaint": complaint,
        "steps": _steps(tx, complaint),
        "due_at": due[0].due_at if due and is_waited_for else None,
        "reply": reply if has_result else None,
        "may_answer": requests.survey_is_open(tx, number),
        "may_appeal": requests.appeal_is_open(tx, number, services.appeal_windows, now),
        "may_remark": is_handled(tx, complaint),
    }


def is_handled(tx: Transaction, complaint: Complaint) -> bool:
    """Whether somebody works on it, so that a remark is read: until its end, and while an appeal runs."""
    if complaint.anonymised_at is not None:
        return False
    appeal = appeals.find(tx, complaint.number)
    return complaint.status not in _ENDED or (appeal is not None and appeal.closed_at is None)


def last_told(tx: Transaction, number: str) -> dict[str, Any] | None:
    """The newest message to the customer: event, channel, status, when, and its words without the secret link."""
    mine = [each for each in outbox.of_number(tx, number) if each.recipient == "customer"]
    if not mine:
        return None
    newest = mine[-1]
    return {
        "event": newest.event,
        "channel": newest.channel,
        "status": newest.status,
        "at": newest.sent_at or newest.created_at,
        "body": _LINK.sub("（链接 link）", newest.body),
    }


def _steps(tx: Transaction, complaint: Complaint) -> list[dict[str, Any]]:
    order = [status for status, *_ in _STEPS]
    at = order.index(Status(complaint.status)) if complaint.status in order else len(order)
    steps = []
    for place, (_, code, zh, en) in enumerate(_STEPS):
        entry = timeline.latest(tx, complaint.number, code)
        when = complaint.received_at if place == 0 else entry.at if entry else None
        steps.append(
            {
                "zh": zh,
                "en": en,
                "at": when if place <= at else None,
                "is_done": place <= at,
                "is_now": place == at,
            }
        )
    return steps
