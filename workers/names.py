"""Words used in more than one room. Process knowledge (figures, routes, limits) is not here: it is in bpmn/."""

from __future__ import annotations

from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

SHANGHAI: Final = ZoneInfo("Asia/Shanghai")
"""The zone in which people read times and in which working days begin and end."""

COMPLAINT_PROCESS: Final = "complaint-handling"


class Message(StrEnum):
    """BPMN message names; every one is correlated on the complaint number."""

    COMPLAINT_RECEIVED = "complaint-received"
    COMPLAINT_WITHDRAWN = "complaint-withdrawn"
    SURVEY_ANSWERED = "survey-answered"


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
