"""The client commands, as a person or a script runs them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Duban, command, write_instance
from tests.desk_server import TOKEN, RunningDesk, add_complaint, add_incident, add_person, add_task

LINE = {"policy": "petition", "channel": "web", "text": "套餐多扣了费", "customer": {"phone": "13800138000"}}


def line(**more: object) -> str:
    return json.dumps({**LINE, **more}, ensure_ascii=False)


def test_submit_answers_every_line_and_goes_on_after_a_refused_one(duban: Duban) -> None:
    lines = [
        line(),
        "",
        line(colour="red"),
        "{not json",
        line(text="x" * 30_000),
        line(customer={"phone": "12"}),
        line(text="a\x00b"),
        "  ",
        line(external_ref="A-1"),
        line(external_ref="A-1"),
    ]
    done = duban("submit", stdin="\n".join(lines))
    out = [json.loads(each) for each in done.stdout.splitlines()]
    assert done.returncode == 1
    assert done.stderr == ""
    assert [each.get("line") for each in out] == [None, 3, 4, 5, 6, 7, None, None]
    assert out[0]["number"].startswith("TS")
    assert "colour" in out[1]["error"]
    assert out[6] == out[7]
    assert out[6]["number"] != out[0]["number"]


def test_submit_reads_a_file_with_byte_order_mark_and_windows_line_ends(duban: Duban, tmp_path: Path) -> None:
    file = tmp_path / "投诉.jsonl"
    file.write_bytes(b"\xef\xbb\xbf" + f"{line()}\r\n{line()}\r\n".encode())
    done = duban("submit", str(file))
    assert (done.returncode, len(done.stdout.splitlines())) == (0, 2), done.stdout


_MEASURED = """
import resource, subprocess, sys
code = subprocess.run(sys.argv[1:]).returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)
sys.exit(code)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="memory is counted in other units elsewhere")
def test_submit_refuses_a_line_of_two_hundred_megabytes_without_holding_it(
    data: Path, tmp_path: Path
) -> None:
    file = tmp_path / "huge.jsonl"
    with file.open("wb") as writer:
        for _ in range(200):
            writer.write(b"x" * 1024 * 1024)
        writer.write(f"\n{line()}\n".encode())
        writer.write(b"y" * 3 * 1024 * 1024)
    asked = [command(), "submit", str(file), "--data", str(data)]
    done = subprocess.run(
        [sys.executable, "-c", _MEASURED, *asked], capture_output=True, timeout=120, check=False
    )
    out = [json.loads(each) for each in done.stdout.splitlines()]
    assert [("longer" in each.get("error", ""), each.get("line")) for each in out] == [
        (True, 1),
        (False, None),
        (True, 3),
    ]
    assert done.returncode == 1
    assert int(done.stderr) < 100 * 1024


def test_submit_answers_a_line_before_the_next_one_comes(data: Path) -> None:
    process = subprocess.Popen(
        [command(), "submit", "--data", str(data)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        for _ in range(2):
            process.stdin.write(f"{line()}\n".encode())
            process.stdin.flush()
            assert "number" in json.loads(process.stdout.readline())
    finally:
        process.stdin.close()
        process.stdout.close()
        assert process.wait(60) == 0


def test_submit_takes_what_is_not_utf8_as_a_refused_line(duban: Duban) -> None:
    done = duban("submit", stdin=b"\xff\xfe{}\n" + line().encode())
    out = [json.loads(each) for each in done.stdout.splitlines()]
    assert "UTF-8" in out[0]["error"]
    assert "number" in out[1]


@pytest.mark.parametrize("file", ["missing.jsonl", "."])
def test_submit_says_which_file_it_cannot_read(duban: Duban, file: str) -> None:
    done = duban("submit", file)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"duban: {file} cannot be read") or done.stderr.startswith("duban: line 1")


def test_submit_stops_when_the_instance_goes_away(duban: Duban, desk: RunningDesk) -> None:
    desk.close()
    done = duban("submit", stdin=f"\n{line()}\n{line()}\n")
    assert done.returncode == 3
    assert [json.loads(each)["line"] for each in done.stdout.splitlines()] == [2]
    assert "nobody answers" in done.stderr
    assert "duban up --data" in done.stderr


def test_show_gives_the_whole_case(duban: Duban, desk: RunningDesk) -> None:
    number = add_complaint(desk)
    add_task(desk, number)
    done = duban("show", number, "--json")
    case = json.loads(done.stdout)
    assert (done.returncode, done.stderr) == (0, "")
    assert case["number"] == number
    assert {
        "policy",
        "channel",
        "status",
        "owner",
        "tier",
        "deadlines",
        "timeline",
        "messages",
        "tasks",
    } <= set(case)
    assert "宽带断网" not in done.stdout
    assert "13800138000" not in done.stdout
    people = duban("show", number)
    assert people.returncode == 0
    assert number in people.stdout
    assert "前台办理" in people.stdout


def test_show_of_an_unknown_number(duban: Duban) -> None:
    done = duban("show", "TS20260101-999999", "--json")
    assert (done.returncode, done.stdout) == (1, "")
    assert "There is no complaint" in done.stderr


def test_tasks_and_complete(duban: Duban, desk: RunningDesk) -> None:
    number = add_complaint(desk)
    task = add_task(desk, number)
    add_person(desk, "biller", "billing")
    (found,) = json.loads(duban("tasks", "--json").stdout)
    assert {name: found[name] for name in ("task", "name", "number", "groups", "form")} == {
        "task": task,
        "name": "前台办理",
        "number": number,
        "groups": ["front-desk"],
        "form": "settle-complaint",
    }
    assert found["due_at"].endswith("+08:00")
    assert [each["key"] for each in found["fields"]] == ["is_settled", "customer_reply"]
    assert json.loads(duban("tasks", "--as", "biller", "--json").stdout) == []
    assert "前台办理" in duban("tasks").stdout
    wrong = duban("complete", task, "--as", "liming", "--json", '{"is_settled": "yes"}')
    assert (wrong.returncode, wrong.stdout) == (1, "")
    assert "must be one of true, false" in wrong.stderr
    done = duban("complete", task, "--as", "liming", "--json", '{"is_settled": true, "customer_reply": "好"}')
    assert done.returncode == 0
    assert json.loads(done.stdout)["number"] == number
    again = duban("complete", task, "--as", "liming", "--json", '{"is_settled": true}')
    assert again.returncode == 1
    assert "nothing more to do" in again.stderr
    assert "没有待办任务" in duban("tasks").stdout


def test_complete_reads_a_file_or_stdin(duban: Duban, desk: RunningDesk, tmp_path: Path) -> None:
    number = add_complaint(desk)
    one, two = add_task(desk, number), add_task(desk, number, "2251799813685302")
    (tmp_path / "answers.json").write_text('{"is_settled": false}', encoding="utf-8")
    assert duban("complete", one, "--as", "liming", "--json", "@answers.json").returncode == 0
    assert (
        duban("complete", two, "--as", "liming", "--json", "-", stdin='{"is_settled": false}').returncode == 0
    )


@pytest.mark.parametrize("answers", ["{", "[]", "1", "@none.json", '"x"', "[" * 100_000, "@."])
def test_complete_says_what_is_wrong_with_the_json(duban: Duban, answers: str) -> None:
    done = duban("complete", "1", "--as", "liming", "--json", answers)
    assert (done.returncode, done.stdout) == (1, "")
    assert len(done.stderr.splitlines()) == 1


def test_incidents_and_retry(duban: Duban, desk: RunningDesk) -> None:
    assert json.loads(duban("incidents", "--json").stdout) == []
    assert "没有卡住的工作" in duban("incidents").stdout
    key = add_incident(desk, add_complaint(desk))
    (found,) = json.loads(duban("incidents", "--json").stdout)
    assert found["key"] == key
    assert found["cause"] == "Broken: the policy has no row"
    assert key in duban("incidents").stdout
    assert json.loads(duban("retry", key).stdout) == {"incident": key, "state": "retried"}
    assert desk.engine.resolved == [(key, "77")]
    assert duban("retry", "1").returncode == 1


def test_the_clock(duban: Duban, desk: RunningDesk) -> None:
    before = desk.clock.now()
    done = duban("clock", "advance", "PT25H")
    assert done.returncode == 0
    assert set(json.loads(done.stdout)) == {"now"}
    assert (desk.clock.now() - before).total_seconds() >= 25 * 3600
    for wrong in ("25h", "P1M", "PT0S", "-PT1H", "P99999D", "二天"):
        refused = duban("clock", "advance", "--", wrong)
        assert refused.returncode == 1, wrong
        assert len(refused.stderr.splitlines()) == 1


def test_withdraw(duban: Duban, desk: RunningDesk) -> None:
    number = add_complaint(desk)
    assert duban("withdraw", number, "--reason", "已自行解决").returncode == 0
    again = duban("withdraw", number)
    assert again.returncode == 1
    assert "under way" in again.stderr


def test_survey_before_there_is_a_result(duban: Duban, desk: RunningDesk) -> None:
    number = add_complaint(desk)
    early = duban("survey", number, "--satisfaction", "satisfied", "--solved")
    assert early.returncode == 1
    assert "no result yet" in early.stderr
    assert duban("survey", number, "--satisfaction", "great", "--solved").returncode == 1
    assert duban("survey", number, "--satisfaction", "satisfied").returncode == 2


def test_no_instance(bare: Duban, tmp_path: Path) -> None:
    done = bare("tasks", "--data", "nowhere", "--json")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == (
        "duban: no instance runs on nowhere. Start one with `duban up --data nowhere`, "
        "or name another folder with --data.\n"
    )
    assert bare("tasks").returncode == 3


def test_an_instance_that_ended_without_tidying_up(bare: Duban, tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    folder = write_instance(tmp_path / "stale", "http://127.0.0.1:9", ended.pid)
    done = bare("tasks", "--data", str(folder))
    assert done.returncode == 3
    assert "ended without tidying up" in done.stderr
    write_instance(tmp_path / "deaf", "http://127.0.0.1:9", os.getpid())
    assert "nobody answers" in bare("tasks", "--data", str(tmp_path / "deaf")).stderr


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"url": 1, "token": 2, "pid": "x"}', "\xff"])
def test_an_instance_file_that_is_none(bare: Duban, tmp_path: Path, content: str) -> None:
    (tmp_path / "instance.json").write_bytes(content.encode("latin-1"))
    done = bare("tasks", "--data", ".")
    assert done.returncode == 1
    assert "cannot be read" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_by_url_and_token(bare: Duban, desk: RunningDesk) -> None:
    assert bare("tasks", "--url", desk.url, "--token", TOKEN, "--json").stdout == "[]\n"
    assert bare("tasks", "--json", DUBAN_URL=desk.url + "/", DUBAN_TOKEN=TOKEN).stdout == "[]\n"
    wrong = bare("tasks", "--url", desk.url, "--token", "wrong")
    assert wrong.returncode == 1
    assert "token" in wrong.stderr
    assert bare("tasks", "--url", desk.url).returncode == 1
    assert bare("tasks", "--url", "ftp://x", "--token", "x").returncode == 1
    assert "nobody answers" in bare("tasks", "--url", "http://127.0.0.1:9", "--token", "x").stderr


def test_a_proxy_in_the_environment_is_not_asked(duban: Duban) -> None:
    assert duban("tasks", http_proxy="http://127.0.0.1:9", HTTP_PROXY="http://127.0.0.1:9").returncode == 0


def test_a_reader_that_leaves_early_is_no_error(desk: RunningDesk, data: Path) -> None:
    process = subprocess.Popen(
        [command(), "submit", "--data", str(data)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    process.stdout.close()
    _, said = process.communicate(f"{line()}\n{line()}\n".encode() if process.stdin else None, timeout=60)
    assert said == b""
    assert process.returncode == 1
