"""Stories of appeal-handling: a second handling by others, its deadline, its ends (rules B7, C9, D8)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.stories.world import Case, World
from workers.clock import MovedClock
from workers.errors import Conflict, Refused
from workers.store import complaints, evidence, requests
from workers.store.file_store import FileStore

pytestmark = pytest.mark.parametrize("world", ["sqlite"], indirect=True)

WRONG_BILL = "这个月账单被多扣费三十八元，我没有订购过这项增值业务，请核查。"
ANSWER = "经复核，该业务系误开通，已取消并退还三十八元，深表歉意。"


def closed_complaint(world: World) -> Case:
    """Handled by the duty desk, told, said to be solved, archived."""
    case = world.complain(WRONG_BILL)
    case.be_handled()
    case.answer_survey()
    case.wait_status("closed")
    return case


def called(world: World, case: Case, channel: str = "phone") -> str:
    """What complaint-handling does at the limit of rounds."""
    given = {"policy": "petition", "channel": channel, "complaint_priority": "ordinary"}
    return world.start("appeal-handling", case.number, **given)


def appeal_of(case: Case) -> dict[str, Any]:
    appeal = case["appeal"]
    assert isinstance(appeal, dict)
    return appeal


def decide(case: Case, person: str = "sheng.shensu", *, is_upheld: bool = False) -> None:
    solution = {"appeal_solution": "退还三十八元。"} if is_upheld else {}
    case.complete(
        "reassess-complaint",
        person,
        is_appeal_upheld=is_upheld,
        appeal_findings="核对了开通记录与话单。",
        customer_reply=ANSWER,
        **solution,
    )


def answer_after_appeal(case: Case, *, is_solved: bool) -> None:
    """The customer answers the survey that follows the decision."""
    case.wait(lambda: appeal_of(case)["told_at"] is not None, "the decision is told")
    case.world.settle()
    word = "satisfied" if is_solved else "dissatisfied"
    case.world.client.answer_survey(case.number, {"satisfaction": word, "is_solved": is_solved})


def test_B7_an_appeal_is_handled_by_others_upheld_carried_out_and_solved(world: World) -> None:
    """While the complaint runs an appeal is refused with what is going on; once closed it goes to other people,
    who find for the customer. Whoever worked on the case is refused. A second appeal is refused, too."""
    case = world.complain(WRONG_BILL)
    case.task("investigate-complaint")
    with pytest.raises(Conflict, match="仍在处理中"):
        world.client.appeal(case.number, "金额不对")
    case.be_handled()
    case.answer_survey()
    case.wait_status("closed")

    filed = world.client.appeal(case.number, "退费金额仍然不对")
    assert filed["appeal"].startswith("AP")
    task = case.task("reassess-complaint")
    assert task["groups"] == ["appeal-department"]
    with pytest.raises(Refused, match="worked on the case before"):
        decide(case, "desk.duty", is_upheld=True)
    with pytest.raises(Conflict, match="正在办理"):
        world.client.appeal(case.number, "再次提出")
    called(world, case)
    case.wait(lambda: "Event_DuplicateStopped" in case.walked(), "the second start is stopped")
    assert [each["recipient"] for each in case.messages("appeal-assigned")] == ["sheng.shensu"]

    decide(case, is_upheld=True)
    case.complete("carry-out-appeal", "sheng.shensu", appeal_result="已退还。")
    answer_after_appeal(case, is_solved=True)
    case.wait(lambda: appeal_of(case)["status"] == "closed", "the appeal ends")

    appeal = appeal_of(case)
    assert (appeal["number"], appeal["finding"], appeal["outcome"]) == (filed["appeal"], "upheld", "solved")
    assert case["status"] == "closed"
    assert len(case.messages("appeal-registered")) == len(case.messages("appeal-decided")) == 1
    assert case.deadline("appeal")["missed"] is False
    assert case.deadline("appeal")["met_at"] is not None
    assert "authority-guidance" not in case.events()
    with pytest.raises(Conflict, match="已办结"):
        world.client.appeal(case.number, "还要申诉")


def test_B7_still_unsolved_after_the_second_handling_the_customer_is_guided_with_the_file(
    world: World,
) -> None:
    """Called at the limit of rounds, not upheld, not accepted: the case file is compiled, whole and masked, the
    customer hears which authority comes next, and the regulator who sent it on is answered and told (B8, B13)."""
    case = world.complain(WRONG_BILL, channel="regulator")
    case.task("investigate-complaint")
    called(world, case, channel="regulator")
    decide(case)
    answer_after_appeal(case, is_solved=False)
    case.wait(lambda: appeal_of(case)["status"] == "closed", "the appeal ends")

    assert appeal_of(case)["outcome"] == "guided"
    assert appeal_of(case)["origin"] == "unsolved"
    (told,) = case.messages("authority-guidance")
    assert told["recipient"] == "customer"
    for event in ("hotline-answered", "unsolved-reported"):
        assert [each["recipient"] for each in case.messages(event)] == ["authority"]
    files = FileStore(world.running.data / "evidence")
    with world.database.read() as tx:
        pages = {
            audience: files.read(kept.sha256).decode()
            for audience in ("authority", "customer")
            if (kept := evidence.case_file(tx, case.number, audience)) is not None
        }
    assert "钱一一" in pages["authority"]
    assert "核对了开通记录与话单" in pages["authority"]
    assert "钱一一" not in pages["customer"]
    assert "核对了开通记录与话单" not in pages["customer"]
    assert all(ANSWER in page and WRONG_BILL in page for page in pages.values())


def test_D8_an_overdue_appeal_is_raised_and_recorded_and_no_answer_is_an_end(world: World) -> None:
    """The appeal department is silent: warned, then the branch takes over, the group that had it is recorded; the
    customer never answers afterwards and the appeal ends all the same."""
    case = world.complain(WRONG_BILL)
    case.task("investigate-complaint")
    called(world, case)
    case.task("reassess-complaint")
    world.advance("PT37H")
    assert "deadline-warning" in case.events()
    world.advance("PT36H")
    case.wait(lambda: "appeal-overdue" in case.events(), "the complaint group is told")
    assert "yuan.xiaozu" in {each["recipient"] for each in case.messages("appeal-overdue")}
    assert len(case.messages("appeal-delayed")) == 1
    case.wait(lambda: appeal_of(case)["tier"] == "branch", "the branch has it")
    assert case.task("reassess-complaint")["groups"] == ["branch-management"]
    late = case.deadline("appeal")
    assert late["missed"] is True

    decide(case, "yin.fenzhang")
    case.wait(lambda: appeal_of(case)["told_at"] is not None, "the decision is told")
    world.settle()
    for _ in range(10):
        if appeal_of(case)["status"] == "closed":
            break
        world.advance("P1DT1H")
    assert appeal_of(case)["outcome"] == "no-answer"


def test_B7_who_worked_on_the_case_decides_nothing_by_the_engines_own_api_either(world: World) -> None:
    """Past the desk, somebody who handled the complaint, and then nobody who is known, decides the appeal: neither
    counts, the customer hears nothing, and the appeal department is asked again until one of its own decides."""
    case = closed_complaint(world)
    world.client.appeal(case.number, "退费金额仍然不对")
    for who in ({"decided_by": "desk.duty"}, {}):
        task = case.task("reassess-complaint")
        world.complete_beside_the_desk(task, is_appeal_upheld=True, **who)
        case.wait(lambda t=task: case.task("reassess-complaint")["task"] != t["task"], "asked again")  # type: ignore[misc]
        assert case.task("reassess-complaint")["groups"] == ["appeal-department"]
        assert (appeal_of(case)["finding"], appeal_of(case)["decided_at"]) == (None, None)
        assert case.messages("appeal-decided") == []
    assert "Event_HandledBefore" in case.walked()
    assert world.client.incidents() == [], "a decision that does not count is no fault of the machine"
    decide(case)
    answer_after_appeal(case, is_solved=True)
    case.wait(lambda: appeal_of(case)["status"] == "closed", "the appeal ends")
    assert appeal_of(case)["finding"] == "not-upheld"
    assert len(case.messages("appeal-decided")) == 1


def test_B7_D8_what_an_upheld_appeal_promised_is_carried_out_by_whoever_has_it_in_the_end(
    world: World,
) -> None:
    """Found for the customer in time, but not carried out: branch, city and province get the solution to carry out,
    not the question again, each from the one before; the province is asked again until it is done. The delay is
    held against the appeal department, and the customer hears of every step."""
    case = closed_complaint(world)
    world.client.appeal(case.number, "退费金额仍然不对")
    decide(case, is_upheld=True)
    case.task("carry-out-appeal")
    groups = ["branch-management", "city-management", "province-management", "province-management"]
    for delays, (time, group) in enumerate(zip(("PT72H5M", *["PT24H5M"] * 3), groups, strict=True), 1):
        first = case.task("carry-out-appeal")["task"]
        world.advance(time)
        case.wait(lambda t=first: case.task("carry-out-appeal")["task"] != t, "somebody else has it")  # type: ignore[misc]
        assert [(task["form"], task["groups"]) for task in case.tasks()] == [("carry-out-appeal", [group])]
        assert len(case.messages("appeal-delayed")) == delays
    assert appeal_of(case)["tier"] == "province"
    assert case.messages("appeal-decided") == [], "nothing is told before it is carried out"
    overdue = {each["recipient"] for each in case.messages("appeal-overdue")}
    assert {"sheng.shensu", "an.shigongsi"} <= overdue, "who let it pass stays informed"
    case.complete("carry-out-appeal", "fu.shenggongsi", appeal_result="已退还。")
    answer_after_appeal(case, is_solved=True)
    case.wait(lambda: appeal_of(case)["status"] == "closed", "the appeal ends")
    late = case.deadline("appeal")
    assert (late["missed"], late["missed_by"]) == (True, "appeal-department")
    assert late["met_at"] is not None
    assert appeal_of(case)["outcome"] == "solved"


def test_B7_an_appeal_that_comes_too_late_is_refused_with_where_else_to_turn(world: World) -> None:
    """The time for appealing is the policy's: afterwards the door says so. An appeal that was filed all the same, by a
    process that knew no better, is told to the customer with why, and the authority."""
    case = closed_complaint(world)
    with world.database.begin() as tx:
        complaint = complaints.get(tx, case.number)
        assert complaint.closed_at is not None
        complaint.closed_at -= timedelta(days=61)
    with pytest.raises(Conflict, match="申诉期已过"):
        world.client.appeal(case.number, "想起来还是不对")
    assert case["appeal"] is None and "appeal-late" not in case.events()
    now = datetime.fromisoformat(world.client.advance_clock("PT1S")["now"])
    requests.file_appeal(world.database, MovedClock(now - datetime.now(UTC)), case.number, "想起来还是不对")
    case.wait(lambda: appeal_of(case)["outcome"] == "late", "refused as late")
    assert len(case.messages("appeal-late")) == 1
    assert "appeal-registered" not in case.events()
    assert case.tasks() == []
