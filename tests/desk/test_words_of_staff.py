"""What staff write beside forms is checked as an internal note; what customers write never is (rules D5, D6)."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from tests.desk_server import RunningDesk, add_complaint
from workers.store.appeal_tables import Mark
from workers.store.incident_tables import MajorIncident
from workers.store.suggestion_tables import Suggestion

LABEL = "此人是无理客户，建议拉黑"
EVENT = {"policy": "petition", "kind": "hall-outage", "region": {"city": "杭州"}, "text": LABEL}


@pytest.mark.parametrize(
    ("call", "body", "field"),
    [
        ("complaints/{number}/marks", {"mark": "false", "grounds": LABEL}, "grounds"),
        ("complaints/{number}/marks/reversal", {"mark": "false", "grounds": LABEL}, "grounds"),
        ("suggestions", {"text": LABEL}, "text"),
        ("suggestions/{id}/decision", {"status": "rejected", "reason": LABEL}, "reason"),
        ("events", EVENT, "text"),
        ("complaints/{number}/extension", {"reason": LABEL}, "reason"),
    ],
)
def test_D6_what_staff_write_is_refused_with_better_words(
    sqlite_desk: RunningDesk, call: str, body: dict[str, Any], field: str
) -> None:
    """The field and the word are named, nothing is kept."""
    number = add_complaint(sqlite_desk)
    with sqlite_desk.client() as client:
        plain = client.post("/api/v1/suggestions", json={"as": "li.na", "text": "账单短信写清到期日"})
        where = call.format(number=number, id=plain.json()["id"])
        refused = client.post(f"/api/v1/{where}", json={"as": "li.na"} | body)
    assert refused.status_code == 422, refused.text
    said = refused.json()["detail"]
    assert "用语检查未通过" in said and "无理客户" in said and field in said
    with sqlite_desk.database.read() as tx:
        kept = [list(tx.scalars(select(table))) for table in (Mark, MajorIncident)]
        assert (kept, [each.status for each in tx.scalars(select(Suggestion))]) == ([[], []], ["open"])


def test_D6_what_customers_write_is_never_checked(sqlite_desk: RunningDesk) -> None:
    """A complaint, why it is taken back, and why somebody appeals: the customer's own words."""
    number = add_complaint(sqlite_desk, text=LABEL, impact=LABEL)
    with sqlite_desk.client() as client:
        appeal = client.post(f"/api/v1/complaints/{number}/appeal", json={"reason": LABEL})
        assert (appeal.status_code, "用语" in appeal.text) == (409, False), "it is still open"
        withdrawn = client.post(f"/api/v1/complaints/{number}/withdrawal", json={"reason": LABEL})
        assert withdrawn.status_code == 200
