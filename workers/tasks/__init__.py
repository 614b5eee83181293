"""The job workers, in the order of the process. A job type is here, in a diagram and in a test, by the same word."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from workers.engine.jobs import Task
from workers.tasks.appeal import (
    assign_appeal,
    close_appeal,
    raise_appeal,
    record_appeal_decision,
    record_appeal_told,
    register_appeal,
)
from workers.tasks.assign_owner import assign_owner
from workers.tasks.check_deadline import check_deadline
from workers.tasks.check_identity import check_identity
from workers.tasks.classify_complaint import classify_complaint, record_classification
from workers.tasks.close_complaint import archive_complaint, withdraw_complaint
from workers.tasks.compile_case_file import compile_case_file
from workers.tasks.decide_deadlines import decide_deadlines, start_tier_clock
from workers.tasks.declare_incident import declare_incident, note_incident, register_incident
from workers.tasks.detect_cluster import detect_cluster
from workers.tasks.end_incident import close_incident, dismiss_incident, solve_incident
from workers.tasks.extend_deadline import extend_deadline, refuse_extension, register_extension
from workers.tasks.fault_guide import record_diagnosis, record_guidance
from workers.tasks.field_service import keep_appointment, open_work_order, raise_work_order
from workers.tasks.follow_up import record_satisfaction, reopen_complaint
from workers.tasks.handle_incident import (
    call_duty_manager,
    hand_back_incident,
    raise_incident,
    record_acknowledgement,
    record_plan,
)
from workers.tasks.notify import notify_authority, notify_customer, notify_staff
from workers.tasks.order_rectification import order_rectification
from workers.tasks.post_refund import draw_agreement, post_refund
from workers.tasks.raise_complaint import raise_complaint
from workers.tasks.record_progress import record_investigation, record_result
from workers.tasks.record_retention import (
    anonymise_complaints,
    close_retention_run,
    find_expired,
    open_retention_run,
)
from workers.tasks.rectify import (
    assign_rectification,
    raise_check,
    raise_rectification,
    record_check,
    record_rectification,
    report_rectification,
)
from workers.tasks.refund import decide_refund, register_refund, verify_charge
from workers.tasks.refund_approval import raise_refund, record_approval, request_approval
from workers.tasks.refund_watch import find_stuck_refunds, record_posting
from workers.tasks.register_complaint import register_complaint
from workers.tasks.report_incident import ask_for_report, pass_report, record_report, tell_attached
from workers.tasks.schedule_callback import schedule_callback
from workers.tasks.verify_complaint import verify_complaint
from workers.tasks.visit_customer import record_arrival, record_delay, record_visit
from workers.tasks.watch_growth import raise_grown_incident, recount_complaints
from workers.tasks.watch_milestones import (
    check_milestones,
    find_deadline,
    meet_deadline,
    miss_deadline,
)

TASKS: Final[Sequence[Task]] = (
    Task("register-complaint", register_complaint),
    Task("notify-customer", notify_customer),
    Task("verify-complaint", verify_complaint),
    Task("check-identity", check_identity),
    Task("classify-complaint", classify_complaint),
    Task("record-classification", record_classification),
    Task("decide-deadlines", decide_deadlines),
    Task("check-milestones", check_milestones),
    Task("find-deadline", find_deadline),
    Task("meet-deadline", meet_deadline),
    Task("miss-deadline", miss_deadline),
    Task("assign-owner", assign_owner),
    Task("start-tier-clock", start_tier_clock),
    Task("notify-staff", notify_staff),
    Task("notify-authority", notify_authority),
    Task("check-deadline", check_deadline),
    Task("record-investigation", record_investigation),
    Task("register-extension", register_extension),
    Task("extend-deadline", extend_deadline),
    Task("refuse-extension", refuse_extension),
    Task("order-rectification", order_rectification),
    Task("raise-complaint", raise_complaint),
    Task("record-diagnosis", record_diagnosis),
    Task("record-guidance", record_guidance),
    Task("open-work-order", open_work_order),
    Task("keep-appointment", keep_appointment),
    Task("record-arrival", record_arrival),
    Task("record-delay", record_delay),
    Task("record-visit", record_visit),
    Task("raise-work-order", raise_work_order),
    Task("assign-rectification", assign_rectification),
    Task("raise-rectification", raise_rectification),
    Task("record-rectification", record_rectification),
    Task("raise-check", raise_check),
    Task("record-check", record_check),
    Task("report-rectification", report_rectification),
    Task("register-refund", register_refund),
    Task("verify-charge", verify_charge),
    Task("decide-refund", decide_refund),
    Task("request-approval", request_approval),
    Task("record-approval", record_approval),
    Task("raise-refund", raise_refund),
    Task("draw-agreement", draw_agreement),
    Task("post-refund", post_refund),
    Task("find-stuck-refunds", find_stuck_refunds),
    Task("record-posting", record_posting),
    Task("record-result", record_result),
    Task("schedule-callback", schedule_callback),
    Task("record-satisfaction", record_satisfaction),
    Task("reopen-complaint", reopen_complaint),
    Task("register-appeal", register_appeal),
    Task("assign-appeal", assign_appeal),
    Task("record-appeal-decision", record_appeal_decision),
    Task("raise-appeal", raise_appeal),
    Task("record-appeal-told", record_appeal_told),
    Task("compile-case-file", compile_case_file),
    Task("close-appeal", close_appeal),
    Task("archive-complaint", archive_complaint),
    Task("withdraw-complaint", withdraw_complaint),
    Task("detect-cluster", detect_cluster),
    Task("register-incident", register_incident),
    Task("declare-incident", declare_incident),
    Task("note-incident", note_incident),
    Task("call-duty-manager", call_duty_manager),
    Task("record-acknowledgement", record_acknowledgement),
    Task("record-plan", record_plan),
    Task("raise-incident", raise_incident),
    Task("hand-back-incident", hand_back_incident),
    Task("recount-complaints", recount_complaints),
    Task("raise-grown-incident", raise_grown_incident),
    Task("ask-for-report", ask_for_report),
    Task("pass-report", pass_report),
    Task("record-report", record_report),
    Task("tell-attached", tell_attached),
    Task("solve-incident", solve_incident),
    Task("dismiss-incident", dismiss_incident),
    Task("close-incident", close_incident),
    Task("open-retention-run", open_retention_run),
    Task("find-expired", find_expired),
    Task("anonymise-complaints", anonymise_complaints),
    Task("close-retention-run", close_retention_run),
)
