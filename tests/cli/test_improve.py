"""`duban figures` and the suggestions, as the command prints them (rules A11, F1, F4)."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

from tests.cli.conftest import Duban
from tests.desk_server import RunningDesk, add_complaint
from workers.store import staff
from workers.store.database import Database
from workers.store.tables import Complaint

ROOT = Path(__file__).parents[2]
EVIL = "</script><b>宽带"


def test_A11_figures_of_a_running_instance(duban: Duban, desk: RunningDesk) -> None:
    """Rows, total and notes as JSON; the same rows as CSV; a page with the same numbers."""
    for _ in range(2):
        add_complaint(desk)
    done = duban("figures", "--by", "product", "--by", "city", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["total"]["complaints"] == 2
    [row] = report["rows"]
    assert {name: row[name] for name in ("product", "province", "city", "complaints", "on_time")} == {
        "product": "broadband",
        "province": "浙江",
        "city": "杭州",
        "complaints": 2,
        "on_time": None,
    }
    assert report["words"]["product"] == {"broadband": "家庭宽带"}
    assert any("DUBAN_SUBSCRIBERS_FILE" in note for note in report["notes"])
    [line] = csv.DictReader(io.StringIO(duban("figures", "--by", "product", "--by", "city", "--csv").stdout))
    assert (line["city"], line["complaints"], line["on_time"]) == ("杭州", "2", "")


def test_A11_figures_on_a_terminal_are_chinese_first(duban: Duban, desk: RunningDesk) -> None:
    add_complaint(desk)
    done = duban("figures", "--by", "product")
    assert done.returncode == 0, done.stderr
    assert "家庭宽带" in done.stdout and "合计" in done.stdout and "按时率" in done.stdout


def test_A11_figures_of_the_store_alone(
    bare: Duban, sqlite_database: Database, desk: RunningDesk, tmp_path: Path
) -> None:
    """Nothing runs on the folder: the store in it is read, with the policies' windows and the subscribers."""
    add_complaint(desk)
    desk.close()
    users = tmp_path / "users.csv"
    month = desk.clock.now().strftime("%Y-%m")
    users.write_text(f"month,province,city,users\n{month},浙江,,2000000\n", "utf-8")
    done = bare("figures", "--data", str(tmp_path / "store"), "--json", DUBAN_SUBSCRIBERS_FILE=str(users))
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["total"]["complaints"] == 1
    assert [each["per_million"] for each in report["complaint_rate"]] == [0.5]
    assert not any("repeat window" in note for note in report["notes"])


def test_figures_without_instance_and_store_say_so(bare: Duban, tmp_path: Path) -> None:
    done = bare("figures", "--data", str(tmp_path / "nowhere"))
    assert (done.returncode, done.stdout) == (1, "")
    assert "there is no store" in done.stderr
    assert not (tmp_path / "nowhere").exists()


def test_A11_a_picture_is_one_page_without_network(duban: Duban, desk: RunningDesk, tmp_path: Path) -> None:
    """No link that loads something; no word of the data can end the script that holds it."""
    number = add_complaint(desk)
    with desk.database.begin() as tx:
        tx.get_one(Complaint, number).product = EVIL
    done = duban("figures", "--by", "product", "--picture", str(tmp_path / "figures.html"), "--json")
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "figures.html").read_text("utf-8")
    assert "{{" not in page.replace("{{plotly}}", "")[:4000]
    assert "plotly.js" in page
    assert EVIL not in page and "\\u003c/script>" in page
    head = page[: page.index("plotly.js")] + page[page.index("const { report") :]
    assert "src=" not in head and "href=" not in head


def test_a_picture_that_cannot_be_written_is_told(duban: Duban, tmp_path: Path) -> None:
    done = duban("figures", "--picture", str(tmp_path / "no" / "figures.html"))
    assert done.returncode == 1
    assert "cannot be written" in done.stderr and "Traceback" not in done.stderr


def test_A11_a_suggestion_from_open_to_done(duban: Duban, desk: RunningDesk) -> None:
    """Made with a case, accepted by its group, done; every step with who and when."""
    number = add_complaint(desk)
    with desk.database.begin() as tx:
        staff.load(tx, staff.read_file(ROOT / "deploy" / "sample-staff.json"))
        tx.get_one(Complaint, number).owner_group = "billing"
    made = json.loads(
        duban(
            "suggest", "减免到期前短信提醒,致电13800138000", "--as", "ke.wangluo", "--number", number
        ).stdout
    )
    assert (made["owner_group"], made["status"], made["by"]) == ("billing", "open", "ke.wangluo")
    assert "13800138000" not in made["text"] and "138****8000" in made["text"]
    key = str(made["id"])
    refused = duban("suggestion", key, "--as", "ke.wangluo", "--status", "accepted")
    assert refused.returncode == 1 and "is for billing" in refused.stderr
    assert duban("suggestion", key, "--as", "yu.zhangwu", "--status", "done").returncode == 1
    assert duban("suggestion", key, "--as", "yu.zhangwu", "--status", "rejected").returncode == 1
    assert duban("suggestion", key, "--as", "yu.zhangwu", "--status", "accepted").returncode == 0
    done = json.loads(duban("suggestion", key, "--as", "yu.zhangwu", "--status", "done").stdout)
    assert (done["status"], done["decided_by"]) == ("done", "yu.zhangwu")
    assert json.loads(duban("suggestions", "--status", "open", "--json").stdout) == []
    [listed] = json.loads(duban("suggestions", "--group", "billing", "--json").stdout)
    assert listed == done
    assert "减免到期" in duban("suggestions").stdout
    report = json.loads(duban("figures", "--json").stdout)
    assert report["suggestions"] == {"open": 0, "accepted": 0, "rejected": 0, "done": 1}
