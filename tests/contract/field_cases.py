"""Rows of the decision tables of field work, rectification and fault guides (rules B6, B11, B12, E5)."""

from __future__ import annotations

from typing import Any, Final

_GUIDED = ("is_cell_fault", "is_account_suspended", "has_authentication_error", "has_terminal_fault",
           "is_guided_before")  # fmt: skip
_CONTENT = ("is_site_blocked", "has_egress_fault", "is_speed_low", "has_local_cause")


class Has:
    """Equal to a result that has these fields, whatever else it has."""

    def __init__(self, **fields: Any) -> None:
        self.fields = fields

    def __eq__(self, other: object) -> bool:
        return isinstance(other, dict) and all(other.get(key) == value for key, value in self.fields.items())

    def __hash__(self) -> int:
        return hash(tuple(self.fields))

    def __repr__(self) -> str:
        return f"Has({self.fields})"


def network(**said: str) -> dict[str, Any]:
    return dict.fromkeys(_GUIDED, "no") | said


def content(**said: str) -> dict[str, Any]:
    return dict.fromkeys(_CONTENT, "no") | said


def then(next_step: str, steps: str | None = None, *, visit: bool = False) -> Has:
    return Has(next_step=next_step, steps=steps, is_visit_needed=visit)


def guided(policy: str, category: str, product: str | None) -> dict[str, Any]:
    return {"policy": policy, "category": category, "product": product}


CASES: Final[list[tuple[str, str, dict[str, Any], Any]]] = [
    ("B11 times", "field-service-rule", {"policy": "broadband"},
     Has(engineer_group="field-engineers", contact_time="PT30M", contact_overdue_time="PT60M",
         late_notice_time="PT30M", visit_limit=3, closing_hour="20:00")),
    *((f"B12 cell fault {kind}", "network-fault-guide", network(is_cell_fault="yes", has_terminal_fault=kind),
       then("explain")) for kind in ("yes", "no", "unknown")),
    ("B12 account", "network-fault-guide", network(is_account_suspended="yes"),
     then("explain", "restore-account")),
    ("B12 authentication", "network-fault-guide", network(has_authentication_error="yes"),
     then("guide", "renew-authentication")),
    ("B12 terminal", "network-fault-guide", network(has_terminal_fault="yes"),
     then("guide", "restart-terminal")),
    ("B12 guided steps", "network-fault-guide", network(is_cell_fault="unknown"),
     then("guide", "basic-checks")),
    ("B12 dispatch", "network-fault-guide", network(has_terminal_fault="yes", is_guided_before="yes"),
     then("dispatch", visit=True)),
    ("B12 site blocked", "content-fault-guide", content(is_site_blocked="yes"), then("explain")),
    ("B12 egress", "content-fault-guide", content(has_egress_fault="yes", is_speed_low="yes"), then("explain")),
    ("B12 speed", "content-fault-guide", content(is_speed_low="yes"), then("dispatch", visit=True)),
    ("B12 local", "content-fault-guide", content(has_local_cause="yes"), then("guide", "local-checks")),
    ("B12 source side", "content-fault-guide", content(), then("explain")),
    ("B12 overdue", "service-fault-guide", {"is_work_overdue": "yes"}, then("expedite")),
    ("B12 not overdue", "service-fault-guide", {"is_work_overdue": "unknown"}, then("explain", "say-when")),
    ("B12 guided", "fault-guide-rule", guided("broadband", "service-quality", "broadband"), Has(is_guided=True)),
    ("B12 petition is not", "fault-guide-rule", guided("petition", "service-quality", "broadband"),
     Has(is_guided=False)),
    ("B12 a bill is not", "fault-guide-rule", guided("mobile-branch", "tariff-billing", "mobile"),
     Has(is_guided=False)),
    ("B12 no product is not", "fault-guide-rule", guided("network-company", "service-quality", None),
     Has(is_guided=False)),
    *((f"E5 {group}", "rectification-clock", {"policy": "petition", "rectification_group": group},
       Has(raise_group=above, check_group=check, round_limit=2))
      for group, above, check in (
          ("network-operations", "branch-management", "customer-service"),
          ("customer-service", "branch-management", "complaint-group"),
          ("branch-management", "city-management", "customer-service"),
          ("city-management", "province-management", "customer-service"),
          ("province-management", "province-management", "complaint-group"))),
    *((f"B11 dissatisfied after a visit, {policy}", "visit-dissatisfaction",
       {"policy": policy, "satisfaction": "dissatisfied", "is_visit_rated": True},
       Has(is_needed=True, owner_group="network-operations", time="P5D", check_time="P3D"))
      for policy in ("petition", "broadband", "network-company", "mobile-branch")),
    *((f"B11 {satisfaction}, visited: {rated}", "visit-dissatisfaction",
       {"policy": "broadband", "satisfaction": satisfaction, "is_visit_rated": rated}, Has(is_needed=False))
      for satisfaction, rated in (("satisfied", True), ("no-answer", True), ("dissatisfied", False))),
]  # fmt: skip
