"""Records are kept for three years, then nobody can be recognised any more; figures stay (rules C10, B10, F5)."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, select, text, update
from sqlalchemy.exc import DatabaseError

from tests.store.rows import NOON, put
from workers.cases.retention import GONE, Rule, anonymised_facts, read_rules
from workers.errors import Broken
from workers.notifications.channels.spool import Spool
from workers.store import anonymise, complaints, retention, suggestions, timeline
from workers.store.appeal_tables import Evidence, Mark
from workers.store.database import Base, Database
from workers.store.file_store import FileStore
from workers.store.incident_tables import IncidentComplaint, MajorIncident
from workers.store.refund_tables import ChargeRow, Refund
from workers.store.retention_tables import Pseudonym, RetentionRun
from workers.store.tables import Answer, Complaint, EngineRequest, OutboxMessage, TimelineEntry

RULES = [
    Rule(policy=policy, keep_time=time, confirm_time="P10D", batch=2)
    for policy, time in (("petition", "P3Y"), ("broadband", "P30D"))
]
LONG_AGO = NOON - timedelta(days=4 * 365)
SECRETS = (
    "周晓岚",
    "+8613911112222",
    "zhou@example.com",
    "C-778",
    "天目山路十八号",
    "妻子手机13700001111",
    "12345-77",
)


def old(database: Database, number: str = "TS1", **columns: Any) -> None:
    """A complaint closed four years ago, with something personal wherever that can be."""
    facts: dict[str, Any] = {
        "text": "我住天目山路十八号", "customer_name": "周晓岚", "customer_phone": "+8613911112222",
        "customer_email": "zhou@example.com", "customer_no": "C-778", "customer_key": "C-778",
        "contact_name": "周晓岚", "contact_phone": "+8613911112222", "impact": "天目山路十八号停业",
        "external_ref": f"12345-77-{number}", "status": "closed", "received_at": LONG_AGO, "closed_at": LONG_AGO,
        "category": "tariff-billing", "satisfaction": "satisfied",
    }  # fmt: skip
    put(database, number, **facts | columns)
    with database.begin() as tx:
        answer = {"form": "investigate-complaint", "author": "li.jing", "at": LONG_AGO, "is_final": True}
        tx.add(
            Answer(
                task_key=f"{number}1", field="findings", number=number, value="妻子手机13700001111", **answer
            )
        )
        sent = {
            "status": "sent",
            "created_at": LONG_AGO,
            "next_attempt_at": LONG_AGO,
            "dedupe_key": f"{number}:m",
        }
        tx.add(OutboxMessage(number=number, event="result-told", recipient="customer", channel="sms",
                             address="+8613911112222", body="周晓岚，您好", **sent))  # fmt: skip
        timeline.add(
            tx, number, LONG_AGO, "liming", "assigned", f"{number}:a", name="周晓岚", tier="city", count=2
        )


def with_evidence(database: Database, files: FileStore, number: str, content: bytes) -> str:
    """A file kept with the complaint, and a mark; returns the file's hash."""
    draft = files.put(content)
    with database.begin() as tx:
        kept = {"name": "周晓岚录音.wav", "media_type": "audio/wav", "size": draft.size, "kind": "audio"}
        tx.add(Evidence(number=number, sha256=draft.sha256, added_by="li.jing", at=LONG_AGO, **kept))
        tx.add(
            Mark(number=number, kind="false", is_set=True, grounds="周晓岚未缴费", by="li.jing", at=LONG_AGO)
        )
    return draft.sha256


def opened(database: Database) -> str:
    with database.begin() as tx:
        return retention.open_run(tx, NOON, who="liming", confirmed=True)[0]


def run(database: Database) -> dict[str, Any]:
    """A whole run, as its jobs do it."""
    number = opened(database)
    with database.begin() as tx:
        retention.find_expired(tx, number, RULES, NOON)
    left = 1
    while left:
        with database.begin() as tx:
            left = retention.anonymise_batch(tx, number, 2, NOON)
    with database.read() as tx:
        return retention.described(tx, number)


def everything(database: Database) -> str:
    with database.read() as tx:
        return repr([list(tx.execute(select(table))) for table in Base.metadata.sorted_tables])


def test_c10_nothing_personal_is_left_and_figures_stay(database: Database) -> None:
    """Text, names, numbers, answers, messages, facts: none can be found in any table; what figures need stays."""
    old(database)
    assert all(secret in everything(database) for secret in SECRETS)
    told = run(database)
    assert (told["state"], told["expired"], told["anonymised"]) == ("done", 1, 1)
    assert told["by_month"] == [{"policy": "petition", "month": "2022-11", "count": 1}]
    left = everything(database)
    assert [secret for secret in SECRETS if secret in left] == []
    with database.read() as tx:
        case = complaints.get(tx, "TS1")
        assert (case.text, case.category, case.satisfaction) == (
            GONE,
            "tariff-billing",
            "satisfied",
        )
        assert case.anonymised_at == NOON
        assigned = timeline.latest(tx, "TS1", "assigned")
        assert assigned is not None
        assert assigned.facts == {"name": GONE, "tier": "city", "count": 2, "anonymised": True}
        assert [entry.code for entry in timeline.of(tx, "TS1")] == ["assigned", "anonymised"]


def test_c10_what_is_not_over_is_never_touched(database: Database) -> None:
    """Open, closed less than three years ago, with a message to send, a refund whose posting never ended, or part of an
    event that is not closed."""
    old(database, "OPEN", closed_at=None, status="in-progress", customer_key="a")
    old(database, "YOUNG", closed_at=NOON - timedelta(days=3 * 365 - 2), customer_key="b")
    old(database, "OWES", customer_key="c")
    old(database, "PAYS", customer_key="g")
    old(database, "EVENT", customer_key="d")
    old(database, "OTHER-POLICY", policy="mobile-branch", customer_key="e")
    old(database, "SHORT", policy="broadband", closed_at=NOON - timedelta(days=31), customer_key="f")
    with database.begin() as tx:
        tx.execute(update(OutboxMessage).where(OutboxMessage.number == "OWES").values(status="pending"))
        asked = {"element_instance_key": "1", "kind": "wrong-charge", "asked_fen": 100, "asked_by": "li.jing"}
        tx.add(Refund(refund_no="R1", number="PAYS", status="posting", registered_at=LONG_AGO, **asked))
        tx.add(
            MajorIncident(
                number="SJ1", policy="petition", kind="hall-outage", source="duban", declared_at=LONG_AGO
            )
        )
        tx.flush()
        tx.add(
            IncidentComplaint(complaint="EVENT", incident="SJ1", attached_at=LONG_AGO, attached_by="duban")
        )
    with database.read() as tx:
        assert [number for number, _, _ in retention.count(tx, RULES, NOON)] == ["SHORT"]
    assert run(database)["anonymised"] == 1
    with database.begin() as tx:
        tx.execute(update(MajorIncident).values(closed_at=NOON, status="closed"))
    assert run(database)["anonymised"] == 1
    with database.read() as tx:
        kept = tx.scalars(
            select(Complaint.number).where(Complaint.anonymised_at.is_(None)).order_by(Complaint.number)
        )
        assert list(kept) == ["OPEN", "OTHER-POLICY", "OWES", "PAYS", "YOUNG"]


def test_c10_words_about_an_event_go_once_it_and_its_complaints_are_over(database: Database) -> None:
    """What was reported, answered and sent; an event with an open complaint, or closed lately, is left alone."""
    old(database, "OPEN", closed_at=None, status="in-progress", customer_key="a")
    event = {"policy": "petition", "kind": "privacy-leak", "source": "li.jing", "text": "周晓岚的资料外泄"}
    with database.begin() as tx:
        for number, closed_at in (("SJ1", LONG_AGO), ("SJ2", LONG_AGO), ("SJ3", NOON)):
            over = {"declared_at": LONG_AGO, "closed_at": closed_at, "status": "closed"}
            tx.add(MajorIncident(number=number, **event, **over))
            tx.flush()
            said = {"field": "plan_result", "form": "carry-out-plan", "author": "li.jing", "at": LONG_AGO}
            tx.add(
                Answer(task_key=f"{number}1", number=number, value="已向周晓岚说明", is_final=True, **said)
            )
        tied = {"attached_at": LONG_AGO, "attached_by": "duban"}
        tx.add(IncidentComplaint(complaint="OPEN", incident="SJ2", **tied))
    with database.read() as tx:
        assert retention.expired_events(tx, RULES, NOON) == ["SJ1"]
    number, forgotten = opened(database), []
    for _ in range(2):
        with database.begin() as tx:
            assert retention.find_expired(tx, number, RULES, NOON) == (0 if forgotten else 1)
            retention.anonymise_batch(tx, number, 9, NOON, lambda each, _: forgotten.append(each), RULES)
    assert forgotten == ["SJ1"]
    with database.read() as tx:
        assert retention.described(tx, number)["state"] == "done"
        texts = dict(list(tx.execute(select(MajorIncident.number, MajorIncident.text))))
        words = dict(list(tx.execute(select(Answer.number, Answer.value))))
        assert (texts["SJ1"], words["SJ1"]) == (GONE, GONE)
        assert {texts["SJ2"], texts["SJ3"]} == {"周晓岚的资料外泄"}
        assert {words["SJ2"], words["SJ3"]} == {"已向周晓岚说明"}
        assert [entry.code for entry in timeline.of(tx, "SJ1")] == ["anonymised"]


def test_c10_what_began_to_run_again_after_the_list_was_made_is_kept(database: Database) -> None:
    """A customer appeals between the list and the batch."""
    old(database)
    number = opened(database)
    with database.begin() as tx:
        assert retention.find_expired(tx, number, RULES, NOON) == 1
        tx.execute(update(OutboxMessage).values(status="pending"))
    with database.begin() as tx:
        assert retention.anonymise_batch(tx, number, 2, NOON) == 0
        assert (retention.described(tx, number)["kept"], complaints.get(tx, "TS1").anonymised_at) == (1, None)


def test_c10_batches_go_on_where_they_stopped(database: Database) -> None:
    """A batch that fails leaves all of it; the next takes the same ones."""
    for index in range(5):
        old(database, f"TS{index}", customer_key=f"k{index}")
    number = opened(database)
    with database.begin() as tx:
        retention.find_expired(tx, number, RULES, NOON)

    def broken(each: str, hashes: set[str]) -> None:
        raise OSError(each)

    with pytest.raises(OSError, match="TS0"), database.begin() as tx:
        retention.anonymise_batch(tx, number, 2, NOON, broken)
    left = []
    for _ in range(3):
        with database.begin() as tx:
            left.append(retention.anonymise_batch(tx, number, 2, NOON))
    assert left == [3, 1, 0]


def test_c10_a11_a_customer_s_old_complaints_still_belong_together(database: Database) -> None:
    """While one complaint of a customer is kept, its repetition still counts; with the last, the way back is gone."""
    old(database, "TS1")
    old(database, "TS2", closed_at=NOON - timedelta(days=10), received_at=LONG_AGO + timedelta(days=5))
    run(database)
    with database.read() as tx:
        assert complaints.earlier(tx, complaints.get(tx, "TS2"), within=timedelta(days=30)) == ["TS1"]
        assert len(list(tx.scalars(select(Pseudonym)))) == 1
    with database.begin() as tx:
        complaints.get(tx, "TS2").closed_at = LONG_AGO
    run(database)
    with database.read() as tx:
        keys = set(tx.scalars(select(Complaint.customer_key)))
        assert len(keys) == 1 and keys.pop().startswith("anonymous:")
        assert list(tx.scalars(select(Pseudonym))) == []
        assert complaints.earlier(tx, complaints.get(tx, "TS2"), within=timedelta(days=30)) == ["TS1"]


def test_c10_the_timeline_lets_nothing_else_through(database: Database) -> None:
    """Only facts, only to anonymised ones, only of an anonymised complaint, only once; nothing is ever deleted."""
    old(database)
    old(database, "TS2", customer_key="other")
    entry = TimelineEntry.__table__

    def refused(statement: Any) -> bool:
        try:
            with database.begin() as tx:
                tx.execute(statement)
        except DatabaseError as error:
            assert "append-only" in str(error)
            return True
        return False

    gone = anonymised_facts({"name": "x"})
    assert refused(update(entry).where(entry.c.number == "TS1").values(facts=gone))
    with database.begin() as tx:
        tx.execute(update(Complaint).where(Complaint.number == "TS1").values(anonymised_at=NOON))
    mine = update(entry).where(entry.c.number == "TS1", entry.c.code == "assigned")
    assert refused(mine.values(facts={"name": "somebody else"}))
    assert refused(mine.values(facts=gone, who="other"))
    assert refused(mine.values(facts=gone, code="closed"))
    assert refused(mine.values(facts=gone, at=NOON))
    assert refused(mine.values(who="other"))
    assert refused(update(entry).where(entry.c.number == "TS2").values(facts=gone))
    assert not refused(mine.values(facts=gone))
    assert refused(mine.values(facts=gone))
    assert refused(delete(entry).where(entry.c.number == "TS1"))
    with database.read() as tx:
        assert tx.scalar(text("select count(*) from timeline")) == 2


def test_c10_evidence_goes_unless_another_case_has_the_same_file(database: Database, tmp_path: Path) -> None:
    """And the grounds of a mark, which nobody can change otherwise."""
    files = FileStore(tmp_path)
    old(database, "TS1", customer_key="a")
    old(database, "TS2", customer_key="b", closed_at=NOON)
    mine, shared = (
        with_evidence(database, files, "TS1", b"mine"),
        with_evidence(database, files, "TS1", b"shared"),
    )
    with_evidence(database, files, "TS2", b"shared")
    number, gone = opened(database), set[str]()
    with database.begin() as tx:
        retention.find_expired(tx, number, RULES, NOON)
        retention.anonymise_batch(tx, number, 9, NOON, lambda _, hashes: gone.update(hashes))
    assert gone == {mine}
    files.forget(mine)
    files.forget(mine)
    assert files.find(shared).read_bytes() == b"shared"
    with pytest.raises(Broken):
        files.find(mine)
    with database.read() as tx:
        assert set(tx.scalars(select(Mark.grounds).where(Mark.number == "TS1"))) == {GONE}
        assert list(tx.scalars(select(Evidence.number))) == ["TS2"]
    with pytest.raises(DatabaseError, match="append-only"), database.begin() as tx:
        tx.execute(update(Mark).where(Mark.number == "TS2").values(grounds=GONE))


def test_c10_one_run_a_month_however_often_the_timer_fires(database: Database) -> None:
    """A clock that jumps fires many timers; the month has one run. By hand there may be more."""
    for _ in range(36):
        with database.begin() as tx:
            assert retention.open_run(tx, NOON, who="duban")[0] == "DA202611"
    assert [opened(database), opened(database)] == ["DA202611-1", "DA202611-2"]
    with database.read() as tx:
        assert len(list(tx.scalars(select(RetentionRun)))) == 3
        owed = {row.number: row.variables for row in tx.scalars(select(EngineRequest))}
    assert owed["DA202611"] == {"number": "DA202611", "is_anonymisation_confirmed": None}
    assert owed["DA202611-1"]["is_anonymisation_confirmed"] is True


def test_c10_every_column_that_can_hold_words_is_decided_on() -> None:
    """A new table of a case, or a new column: personal or harmless, somebody has to say so here."""
    undecided = []
    for table in Base.metadata.sorted_tables:
        of_case = any(key.column.table.name in ("cases", "complaints") for key in table.foreign_keys)
        if not of_case and table.name not in ("complaints", "major_incidents"):
            continue
        known = set(anonymise.PERSONAL.get(table.name, ())) | anonymise.HARMLESS.get(table.name, frozenset())
        words = {column.name for column in table.columns if column.type.python_type in (str, dict, list)}
        undecided += sorted(f"{table.name}.{name}" for name in words - known)
    assert undecided == []


def test_c10_the_files_of_its_messages_go_too(tmp_path: Path) -> None:
    """And no file of another complaint with a number that begins the same."""
    spool = Spool(tmp_path, "Duban <duban@example.com>")
    for name in (
        "20260101T000000.000Z-TS1-result-told-sms-1.txt",
        "20260101T000000.000Z-TS11-result-told-sms-2.txt",
    ):
        (tmp_path / name).write_text("x")
    spool.forget("TS1")
    spool.forget("TS1")
    assert [path.name for path in tmp_path.iterdir()] == ["20260101T000000.000Z-TS11-result-told-sms-2.txt"]


@pytest.mark.parametrize(
    ("time", "cutoff"),
    [("P3Y", "2023-11-22"), ("P1096D", "2023-11-22"), ("P6M", "2026-05-22"), ("P1D", "2026-11-21")],
)
def test_c10_how_long_is_the_policy_s(time: str, cutoff: str) -> None:
    """Years and months as the calendar has them."""
    rule = Rule(policy="petition", keep_time=time, confirm_time="P10D", batch=1)
    assert rule.cutoff(NOON) == datetime.fromisoformat(f"{cutoff}T12:00+08:00")
    assert rule.confirm_due_at(NOON) == NOON + timedelta(days=10)


@pytest.mark.parametrize(
    "rows",
    [
        [], None, [{}], 3,
        [{"policy": "a", "keep_time": "P3Y", "confirm_time": "P10D", "batch": 0}],
        [{"policy": "a", "keep_time": "PT3H", "confirm_time": "P10D", "batch": 1}],
        [{"policy": "a", "keep_time": "3 years", "confirm_time": "P10D", "batch": 1}],
        [{"policy": "a", "keep_time": "P3Y", "confirm_time": "P10D", "batch": 1}] * 2,
    ],
)  # fmt: skip
def test_c10_what_the_table_must_not_say(rows: Any) -> None:
    with pytest.raises(Broken):
        read_rules(rows)


def test_c10_facts_keep_numbers_instants_and_words_of_the_process() -> None:
    facts = {"n": 3, "ok": True, "tier": "city", "at": "2026-11-22T12:00:00+08:00", "phone": "13900001001"}
    facts |= {
        "why": "他很生气",
        "who": ["li.jing", "王小明"],
        "task": "前台办理",
        "deep": {"name": "Zhou Wei"},
    }
    assert anonymised_facts(facts) == {
        **facts,
        "phone": GONE,
        "why": GONE,
        "who": ["li.jing", GONE],
        "deep": {"name": GONE},
        "anonymised": True,
    }


def test_C10_charges_that_refunds_named_are_nobodys_once_the_last_complaint_is_anonymised(
    database: Database,
) -> None:
    """While one complaint of the customer is kept, its charges stay; suggestions lose their words at once."""
    old(database, "TS1")
    old(database, "TS2")
    with database.begin() as tx:
        for charge_id in ("CH-1", "CH-2"):
            line = {"kind": "charge", "period": "2022-01", "item": "套餐费", "amount_fen": 100}
            tx.add(ChargeRow(charge_id=charge_id, customer_no="C-778", **line))
        asked = {"element_instance_key": "1", "kind": "wrong-charge", "asked_fen": 100, "asked_by": "li.jing"}
        tx.add(Refund(refund_no="R1", number="TS1", charge_id="CH-1", registered_at=LONG_AGO, **asked))
        suggested = suggestions.add(tx, "周晓岚家没有通知", "li.jing", LONG_AGO, "s", number="TS1")
        suggestions.decide(tx, suggested, "rejected", "li.jing", LONG_AGO, "周晓岚已知晓")

    def owners() -> dict[str, str]:
        with database.read() as tx:
            return {row.charge_id: row.customer_no for row in tx.scalars(select(ChargeRow))}

    with database.begin() as tx:
        anonymise.anonymise(tx, complaints.get(tx, "TS1"), NOON)
        kept = suggestions.get(tx, suggested)
        assert (kept.text, kept.reason, kept.status) == (GONE, GONE, "rejected")
    assert owners() == {"CH-1": "C-778", "CH-2": "C-778"}
    with database.begin() as tx:
        anonymise.anonymise(tx, complaints.get(tx, "TS2"), NOON)
    assert owners()["CH-1"].startswith("anonymous:")
    assert owners()["CH-2"] == "C-778", "a charge that no complaint was about is the billing's own"
