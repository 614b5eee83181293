"""No forbidden word leaves the house: not in a message, not in a template, an agreement or a label (rules D5, D6)."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.notifications.test_messenger import complaint, person, tell, told
from workers.errors import Broken
from workers.notifications.render import Templates
from workers.notifications.wording_of_texts import without_tags
from workers.store.database import Database

FOLDER = Path(__file__).parents[2] / "templates"
SHIPPED = Templates(FOLDER)


def test_d6_a_message_with_a_forbidden_word_is_never_written(sqlite_database: Database) -> None:
    """The incident names the word and the event, and repeats nothing of the text."""
    with pytest.raises(Broken) as broken:
        tell(sqlite_database, "result-told", reply="王小明已列入黑 名 单")
    said = str(broken.value)
    assert "notification 'result-told' was not written: “黑名单”不得出现在发给客户的文字中" in said
    assert "王小明" not in said
    assert told(sqlite_database) == []
    with pytest.raises(Broken):
        tell(sqlite_database, "result-told", reply="您好<a 无理客户>")
    assert tell(sqlite_database, "result-told", reply="已恢复服务") == 1


def test_d6_what_the_customer_calls_himself_or_his_product_stops_no_message(
    sqlite_database: Database,
) -> None:
    """Only our own words are checked: a complaint about the service 黑名单 is registered as any other."""
    row = complaint(customer_name="黑名单", product="黑名单")
    assert tell(sqlite_database, "complaint-registered", row=row) == 1
    with pytest.raises(Broken, match="黑名单"):
        tell(sqlite_database, "result-told", row=row, reply="您在黑名单里")


@pytest.mark.parametrize("event", ["result-told", "result-copied"])
def test_d6_mails_are_checked_in_all_their_parts(event: str) -> None:
    """Staff are told what internal notes say; blaming the customer is refused there, too."""
    facts = SHIPPED.facts.examples(event) | {"owner_name": "无理客户"}
    with pytest.raises(Broken, match="无理客户"):
        SHIPPED.render(event, "email", facts | {"reply": "无理客户"})
    assert person("liming")


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("notifications/result-told/sms.txt", "【x】{{ number }} 系统{% if reply %}故障{% endif %}",
         "notifications/result-told/sms.txt: “系统故障”"),
        ("notifications/result-told/body.html", "{% block message %}系统<b>故障</b>{% endblock %}",
         "notifications/result-told/body.html: “系统故障”"),
        ("notifications/deadline-warning/sms.txt", "【x】{{ number }} 无理客户", "“无理客户”不得出现在内部记录中"),
        ("notifications/frame.txt", "{% block message %}{% endblock %}我已调走", "notifications/frame.txt: “我已调走”"),
        ("agreements/settlement.txt", "赔 偿{{ amount }}元", "agreements/settlement.txt: “赔偿”不得出现在和解协议中"),
        ("labels.json", None, "labels.json billing: “黑名单”"),
    ],
)  # fmt: skip
def test_d6_templates_agreements_and_labels_are_checked_before_deployment(
    tmp_path: Path, file: str, text: str | None, said: str
) -> None:
    """Branches that an example does not come through are read, too."""
    folder = Path(shutil.copytree(FOLDER, tmp_path / "templates"))
    path = folder / file
    path.parent.mkdir(exist_ok=True)
    if text is None:
        labels = json.loads(path.read_text("utf-8"))
        labels["billing"]["zh"] = "黑名单"
        text = json.dumps(labels)
    path.write_text(text, encoding="utf-8")
    faults = Templates(folder).check()
    assert any(said in fault for fault in faults), faults


def test_d5_d6_a_fact_between_two_characters_is_no_sign() -> None:
    """`系统{{ name }}故障` is not 系统故障: a fact stands there."""
    assert SHIPPED.wording.refused("系统〇故障", "message") == []


def test_without_the_list_nothing_starts(tmp_path: Path) -> None:
    """Never silently unchecked."""
    folder = Path(shutil.copytree(FOLDER, tmp_path / "templates"))
    (folder / "wording.json").unlink()
    with pytest.raises(Broken, match=r"wording\.json cannot be read"):
        Templates(folder)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("系<b>统</b>", "系统"),
        ("3 < 5 &amp; 7 > 2", "3 < 5 & 7 > 2"),
        ("a<!-- 黑 -->b", "ab"),
        ("x<br/>y", "xy"),
    ],
)
def test_what_people_read_of_html(source: str, text: str) -> None:
    assert without_tags(source) == text
