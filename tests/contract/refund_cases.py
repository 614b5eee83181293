"""Rows of refund-amount and refund-authority by the rule they stand for (D1, D2, D3, D4)."""

from __future__ import annotations

from typing import Any

Case = tuple[str, str, dict[str, Any], Any]
POLICIES = ("petition", "broadband", "network-company", "mobile-branch")
NEXT = {"branch": "city", "city": "province", "province": "province"}


def kind(policy: str, refund_kind: str, cause_code: str | None = None) -> dict[str, Any]:
    return {"policy": policy, "refund_kind": refund_kind, "cause_code": cause_code}


def settled(
    settled_as: str, charge_kind: str | None, factor: int, cap_fen: int | None = None
) -> dict[str, Any]:
    amounts = {"factor": factor, "cap_fen": cap_fen, "first_tier": "branch"}
    return {"settled_as": settled_as, "charge_kind": charge_kind, **amounts}


def tier(policy: str, refund_kind: str, refund_tier: str, fen: int) -> dict[str, Any]:
    return {"policy": policy, "refund_kind": refund_kind, "refund_tier": refund_tier, "payable_fen": fen}


def decides(refund_tier: str, limit_fen: int | None, *, is_final: bool) -> dict[str, Any]:
    following = NEXT[refund_tier]
    return {
        "approver_group": f"{refund_tier}-management",
        "limit_fen": limit_fen,
        "is_final": is_final,
        "next_tier": following,
        "next_group": f"{following}-management",
        "decide_time": "PT24H" if refund_tier == "province" else "PT8H",
        "calendar": "clock",
    }


MONEY = ("wrong-charge", "billing-error", "regrant")
AMOUNTS: list[Case] = [
    *(
        (f"D1 {refund_kind} of {policy}: as charged", "refund-amount", kind(policy, refund_kind, "system"),
         settled("refund", "charge", 1))
        for policy in POLICIES[:3] for refund_kind in MONEY[:2]
    ),
    *(
        (f"D2 double, cause {cause}", "refund-amount", kind("mobile-branch", "wrong-charge", cause),
         settled("refund", "charge", 2))
        for cause in ("system", "staff", "partner", "unknown", None)
    ),
    ("D2 the customer's side: once", "refund-amount", kind("mobile-branch", "wrong-charge", "customer-side"),
     settled("refund", "charge", 1)),
    ("D2 one more for every one wrong", "refund-amount", kind("mobile-branch", "billing-error"),
     settled("refund", "charge", 2)),
    *(
        (f"D1 re-grant in {policy}", "refund-amount", kind(policy, "regrant"), settled("regrant", "benefit", 1))
        for policy in POLICIES
    ),
    *(
        (f"D4 {refund_kind} in {policy}: a gift", "refund-amount", kind(policy, refund_kind),
         settled("gift", None, 1, 10000))
        for policy in POLICIES for refund_kind in ("goodwill-gift", "indirect-loss")
    ),
    ("D1 an unknown kind has no row", "refund-amount", kind("petition", "compensation"), None),
]  # fmt: skip


def _chain(name: str, policy: str, refund_kind: str, branch: int, city: int) -> list[Case]:
    rows = [
        ("branch", branch, branch, True), ("branch", branch + 1, branch, False),
        ("city", city, city, True), ("city", city + 1, city, False),
        ("province", 1, None, True), ("province", 10**9, None, True),
    ]  # fmt: skip
    return [
        (f"D3 {name}: {refund_tier}, {fen} fen", "refund-authority", tier(policy, refund_kind, refund_tier, fen),
         decides(refund_tier, limit, is_final=is_final))
        for refund_tier, fen, limit, is_final in rows
    ]  # fmt: skip


AUTHORITIES: list[Case] = [
    *(
        case
        for policy in POLICIES[:3]
        for refund_kind in MONEY
        for case in _chain(f"{refund_kind} of {policy}", policy, refund_kind, 20000, 100000)
    ),
    *(
        case
        for refund_kind in MONEY
        for case in _chain(f"{refund_kind} of mobile-branch", "mobile-branch", refund_kind, 10000, 50000)
    ),
    *(
        case
        for policy in POLICIES
        for refund_kind in ("goodwill-gift", "indirect-loss")
        for case in _chain(f"{refund_kind} of {policy}", policy, refund_kind, 5000, 10000)
    ),
]
CASES: list[Case] = AMOUNTS + AUTHORITIES
