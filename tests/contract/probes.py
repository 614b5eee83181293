"""Probes: the shipped models with one thing broken each, to prove that each rule of the suite fires."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.contract.edits import (
    escalation,
    first_row_again,
    inside,
    label_moved,
    onto,
    over_the_main_line,
    straight,
    swap,
    without_last_row,
    without_shape,
)

HANDLING = "complaint-handling/complaint-handling.bpmn"
DEPARTMENT = "department-handling/department-handling.bpmn"
FOLLOW_UP = "satisfaction-follow-up/satisfaction-follow-up.bpmn"
SETTLE = "complaint-handling/settle-complaint.form"
DICTIONARY = "variables.schema.json"
PRIORITY = "complaint-handling/complaint-priority.dmn"
ESCALATION = "department-handling/escalation-path.dmn"


@dataclass(frozen=True)
class Probe:
    """One broken place. `element`: where the finding points to; `also`: rules that rightly fire with it."""

    rule: str
    file: str
    element: str
    edit: Callable[[str], str]
    also: frozenset[str] = frozenset()
    name: str = ""

    def apply(self, folder: Path) -> None:
        """Breaks the file in a copy of the models. Fails when the edit changes nothing."""
        path = folder / self.file
        before = path.read_text("utf-8")
        after = self.edit(before)
        assert after != before, f"the probe for {self.rule} changes nothing: has the model been rewritten?"
        path.write_text(after, "utf-8")


PROBES = (
    Probe("decision-gap", PRIORITY, "complaint-priority", without_last_row),
    Probe("decision-overlap", ESCALATION, "escalation-path", first_row_again),
    Probe("decision-dead", PRIORITY, "complaint-priority", first_row_again),
    Probe(
        "unreadable",
        DEPARTMENT,
        "",
        swap("</bpmn:process>", ""),
        frozenset({"call-missing", "job-unused", "form-unused", "template-unused"}),
    ),  # what only this process used is now unused
    Probe(
        "unreadable",
        HANDLING,
        "",
        swap("<bpmn:definitions", "<!DOCTYPE x [<!ENTITY a 'b'>]><bpmn:definitions", 1),
        frozenset({"job-unused", "form-unused", "template-unused"}),
        "a document type declaration",
    ),
    Probe(
        "process-id",
        DEPARTMENT,
        "department-work",
        swap('"department-handling"', '"department-work"'),
        frozenset({"call-missing"}),
    ),
    Probe(
        "process-id",
        DEPARTMENT,
        "department-handling",
        swap('isExecutable="true"', 'isExecutable="false"'),
        name="not executable",
    ),
    Probe("element-id", HANDLING, "verify_it", swap("Task_VerifyComplaint", "verify_it")),
    Probe("label", HANDLING, "Task_VerifyComplaint", swap('name="核实资料"', 'name="Verify"')),
    Probe("label", HANDLING, "Gateway_Settled", swap('name="已办结？"', 'name="已办结"'), name="no question"),
    Probe(
        "label",
        HANDLING,
        "Flow_SettledToResultReached",
        inside("Flow_SettledToResultReached", 'name="是"', ""),
        name="no answer",
    ),
    Probe(
        "documentation",
        HANDLING,
        "Task_VerifyComplaint",
        lambda text: re.sub(
            r'(id="Task_VerifyComplaint"[^>]*>\s*)<bpmn:documentation>.*?</bpmn:documentation>',
            r"\g<1>",
            text,
            flags=re.DOTALL,
        ),
    ),
    Probe(
        "job-unknown",
        HANDLING,
        "Task_RecordResult",
        swap('type="record-result"', 'type="note-result"'),
        frozenset({"job-unused"}),
    ),
    Probe(
        "job-unused", HANDLING, "record-result", swap('type="record-result"', 'type="record-classification"')
    ),
    Probe(
        "job-header",
        HANDLING,
        "Task_TellResult",
        inside("Task_TellResult", 'key="event"', 'key="events"'),
        frozenset({"template-unused"}),
    ),
    Probe(
        "job-variable",
        DICTIONARY,
        "Task_CopyWatchers",
        swap('"to":', '"recipients":'),
        frozenset({"variable-unknown"}),
    ),
    Probe(
        "user-task", HANDLING, "Task_SettleComplaint", inside("Task_SettleComplaint", "<zeebe:userTask/>", "")
    ),
    Probe(
        "form-missing",
        HANDLING,
        "Task_SettleComplaint",
        swap('formId="settle-complaint"', 'formId="settle"'),
        frozenset({"variable-unset", "form-unused"}),
    ),
    Probe(
        "form-unused",
        HANDLING,
        "settle-complaint",
        swap('formId="settle-complaint"', 'formId="classify-complaint"'),
        frozenset({"variable-unset"}),
    ),
    Probe(
        "form-unusable",
        SETTLE,
        "",
        swap('"type": "radio"', '"type": "filepicker"'),
        frozenset({"variable-unset", "form-missing"}),
    ),
    Probe(
        "form-variable",
        SETTLE,
        "settle-complaint",
        swap("is_settled", "is_done"),
        frozenset({"variable-unset"}),
    ),
    Probe(
        "decision-missing",
        HANDLING,
        "Task_DecidePriority",
        swap('decisionId="complaint-priority"', 'decisionId="x"'),
    ),
    Probe(
        "decision-result",
        HANDLING,
        "Task_DecidePriority",
        swap('resultVariable="complaint_priority"', 'resultVariable="category"'),
        frozenset({"variable-unset", "call-inputs"}),
    ),
    Probe(
        "decision-field",
        HANDLING,
        "Flow_ConfidenceSufficientToClassifyByHand",
        swap("complaint_policy.classification_threshold", "complaint_policy.threshold"),
    ),
    Probe(
        "decision-id",
        "complaint-handling/complaint-priority.dmn",
        "priority",
        swap('id="complaint-priority"', 'id="priority"'),
        frozenset({"decision-missing"}),
    ),
    Probe(
        "message-unknown",
        HANDLING,
        "Event_ComplaintWithdrawn",
        swap('name="complaint-withdrawn"', 'name="complaint-dropped"'),
    ),
    Probe(
        "message-correlation",
        FOLLOW_UP,
        "Event_SurveyAnswered",
        swap('correlationKey="=number"', 'correlationKey="=policy"'),
    ),
    Probe(
        "code-shape",
        HANDLING,
        "Error_AlreadyRegistered",
        swap('errorCode="ALREADY_REGISTERED"', 'errorCode="already-registered"'),
        frozenset({"code-uncaught", "code-unthrown"}),
    ),
    Probe(
        "code-uncaught",
        HANDLING,
        "Task_RegisterComplaint",
        swap('errorCode="ALREADY_REGISTERED"', 'errorCode="OTHER_CODE"'),
        frozenset({"code-unthrown"}),
    ),
    Probe("code-uncaught", HANDLING, "Event_WithdrawalDone", escalation, name="an escalation"),
    Probe(
        "code-uncaught",
        DEPARTMENT,
        "Event_InvestigationTimePassed",
        inside(
            "Event_InvestigationOverdue",
            'attachedToRef="SubProcess_Investigation"',
            'attachedToRef="SubProcess_Solution"',
        ),
        frozenset({"drawing-overlap", "drawing-crossing"}),
        name="an escalation that only another scope catches",
    ),
    Probe(
        "code-unthrown",
        HANDLING,
        "Event_AlreadyRegistered",
        swap('errorCode="ALREADY_REGISTERED"', 'errorCode="GONE"'),
        frozenset({"code-uncaught"}),
    ),
    Probe("variable-unknown", HANDLING, "Flow_SettledToResultReached", swap("=is_settled", "=is_done")),
    Probe(
        "variable-unknown",
        DEPARTMENT,
        "Call_Assistance",
        swap('inputCollection="=assisting_groups"', 'inputCollection="=assistants"'),
        name="what a multi-instance runs over",
    ),
    Probe(
        "variable-unset",
        DEPARTMENT,
        "Call_Assistance",
        swap('inputElement="assisting_group"', 'inputElement="occasion"'),
        name="the one that an instance is for",
    ),
    Probe(
        "variable-entry",
        DICTIONARY,
        "is_settled",
        lambda text: re.sub(
            r'("is_settled": \{.*?"description": )"[^"]*"', r'\g<1>""', text, flags=re.DOTALL
        ),
    ),
    Probe(
        "variable-personal",
        HANDLING,
        "Call_DepartmentHandling",
        swap('target="is_reopened"', 'target="phone"'),
        frozenset({"call-inputs"}),
    ),
    Probe(
        "variable-text",
        HANDLING,
        "Task_SettleComplaint",
        swap('source="=is_settled" target="is_settled"', 'source="=customer_reply" target="is_settled"'),
    ),
    Probe(
        "variable-unset",
        HANDLING,
        "Flow_SimpleMatterToSettleComplaint",
        swap("=responsible_department.is_simple", "=finding"),
    ),
    Probe(
        "variable-unset",
        DEPARTMENT,
        "Call_WatchSolution",
        inside(
            "Call_WatchSolution",
            'source="=result_due_at" target="due_at"',
            'source="=visit_outcome" target="due_at"',
        ),
        name="what the branch beside it sets",
    ),
    Probe(
        "call-missing",
        HANDLING,
        "Call_SatisfactionFollowUp",
        swap('processId="satisfaction-follow-up"', 'processId="follow-up"'),
    ),
    Probe(
        "call-inputs",
        HANDLING,
        "Call_DepartmentHandling",
        inside("Call_DepartmentHandling", 'target="is_reopened"', 'target="is_settled"'),
    ),
    Probe(
        "call-inputs",
        DICTIONARY,
        "Event_ComplaintReceived",
        lambda text: re.sub(
            r'("received_at": \{.*?)"message:complaint-received"',
            r'\g<1>"message:other"',
            text,
            flags=re.DOTALL,
        ),
        name="a message that does not bring it",
    ),
    Probe(
        "template-missing",
        HANDLING,
        "Task_TellResult",
        swap('value="result-told"', 'value="result-sent"'),
        frozenset({"template-unused"}),
    ),
    Probe("template-unused", HANDLING, "", swap('value="complaint-withdrawn"', 'value="result-told"')),
    Probe("wording", SETTLE, "Field_CustomerReply", swap('"答复客户"', '"答复无理客户"')),
    Probe(
        "wording",
        HANDLING,
        "Task_VerifyComplaint",
        swap('name="核实资料"', 'name="核实黑名单"'),
        name="a label",
    ),
    Probe(
        "wording",
        "complaint-handling/responsible-department.dmn",
        "responsible-department",
        swap('"billing"', '"billing 系统故障"'),
        name="a result of a table",
    ),
    Probe(
        "user-task",
        "special-measures/special-measures.bpmn",
        "Task_InstructHandling",
        swap('"=[instruction_level]"', '"=instruction_level"'),
        name="a group that is no list",
    ),
    Probe(
        "timer",
        HANDLING,
        "Event_FrontDeskTimePassed",
        inside("Event_FrontDeskTimePassed", "=duration(complaint_policy.front_desk_time)", "PT2H"),
    ),
    Probe("gateway-default", HANDLING, "Gateway_Settled", swap('default="Flow_SettledToDispatched"', "")),
    Probe("drawing-missing", DEPARTMENT, "Task_RaiseComplaint", without_shape("Task_RaiseComplaint")),
    Probe(
        "drawing-overlap",
        DEPARTMENT,
        "Task_RaiseComplaint",
        onto("Task_TellPassedOver", "Task_RaiseComplaint"),
        frozenset({"drawing-crossing"}),
    ),
    Probe(
        "drawing-overlap",
        DEPARTMENT,
        "Event_DepartmentDone",
        label_moved("Event_DepartmentDone", 800, 260),
        name="a label on a task",
    ),
    Probe(
        "policy-row",
        "satisfaction-follow-up/callback-hours.dmn",
        "callback-hours",
        swap('"broadband","mobile-branch"</text></inputEntry>', '"broadband"</text></inputEntry>'),
        frozenset({"decision-gap"}),
    ),
    Probe(
        "drawing-crossing",
        DEPARTMENT,
        "Flow_InvestigatedToInvestigated",
        straight("Flow_InvestigatedToInvestigated"),
        frozenset({"drawing-overlap"}),
    ),
    Probe(
        "drawing-crossing",
        DEPARTMENT,
        "Flow_DepartmentsNamedToTierEntered",
        over_the_main_line,
        name="two flows",
    ),
)
