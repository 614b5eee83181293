"""Words used in more than one room. Process knowledge (figures, routes, limits) is not here: it is in bpmn/."""

from __future__ import annotations

from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

SHANGHAI: Final = ZoneInfo("Asia/Shanghai")
"""The zone in which people read times and in which working days begin and end."""

COMPLAINT_PROCESS: Final = "complaint-handling"

APPEAL_DEADLINE: Final = "appeal"
"""The kind of deadline by which the customer is told what became of an appeal (rule B7)."""


class Message(StrEnum):
    """BPMN message names; every one is correlated on the number of its case: a complaint's or an incident's."""

    COMPLAINT_RECEIVED = "complaint-received"
    COMPLAINT_WITHDRAWN = "complaint-withdrawn"
    SURVEY_ANSWERED = "survey-answered"
    EXTENSION_REQUESTED = "extension-requested"
    APPEAL_FILED = "appeal-filed"
    COMPLAINT_ATTACHED = "complaint-attached"
    COMPLAINT_DETACHED = "complaint-detached"
    INCIDENT_SOLVED = "incident-solved"
    INCIDENT_DECLARED = "incident-declared"
    INCIDENT_GREW = "incident-grew"
    INCIDENT_RAISED = "incident-raised"
    INCIDENT_HANDED_BACK = "incident-handed-back"
    RECTIFICATION_ORDERED = "rectification-ordered"
    RETENTION_DUE = "retention-due"
    REFUND_STUCK = "refund-stuck"


STARTS: Final[dict[str, str]] = {
    Message.COMPLAINT_RECEIVED: COMPLAINT_PROCESS,
    Message.APPEAL_FILED: "appeal-handling",
    Message.INCIDENT_DECLARED: "major-incident",
    Message.RECTIFICATION_ORDERED: "rectification",
    Message.RETENTION_DUE: "record-retention",
    Message.REFUND_STUCK: "refund-watch",
}
"""Messages that start a process, and which."""


class Category(StrEnum):
    """Complaint categories (rule A4)."""

    SERVICE_QUALITY = "service-quality"
    TARIFF_BILLING = "tariff-billing"
    BUSINESS_HANDLING = "business-handling"
    OTHER = "other"


class Status(StrEnum):
    """Life of a complaint, as people see it."""

    RECEIVED = "received"
    ACCEPTED = "accepted"
    IN_PROGRESS = "in-progress"
    RESOLVED = "resolved"
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"


class Tier(StrEnum):
    """Who holds the complaint, from the desk upwards."""

    FRONT_DESK = "front-desk"
    DEPARTMENT = "department"
    BRANCH = "branch"
    CITY = "city"
    PROVINCE = "province"


LARGEST_BODY: Final = 1024 * 1024
"""Bytes that one request may have; also the longest line that `duban submit` sends."""
