"""Every text that leaves the house: complete, declared, readable, safe."""

from __future__ import annotations

import json
import re
import shutil
from datetime import datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from workers.engine.models import Models
from workers.engine.models.check_work import job_type
from workers.errors import Broken
from workers.names import SHANGHAI, Category, Status, Tier
from workers.notifications.labels import Labels
from workers.notifications.phrases import spoken_name, spoken_word
from workers.notifications.render import Templates

FOLDER = Path(__file__).parents[2] / "templates"
SHIPPED = Templates(FOLDER)
AUDIENCES = {"notify-customer": "customer", "tell-attached": "customer", "notify-authority": "authority"}
ALL = sorted(SHIPPED.facts.events)
AUTHORITY = {name for name, event in SHIPPED.facts.events.items() if event.to == "authority"}
PEOPLE = sorted(set(ALL) - AUTHORITY)
VOID = {"meta", "br", "hr", "img", "link", "input"}


class Page(HTMLParser):
    """Reads an HTML document and keeps what a mail program would fetch or follow."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.links: list[str] = []
        self.fetched: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name == "href":
                self.links.append(value or "")
            if name in ("src", "background") or (name == "style" and "url(" in (value or "")):
                self.fetched.append(value or "")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes nothing"

    def handle_data(self, data: str) -> None:
        self.text += data


def templates_with(tmp_path: Path, **files: str) -> Templates:
    """The shipped templates with some files replaced; `__` in a name is `/`, `_` before the ending a dot."""
    folder = tmp_path / "templates"
    shutil.copytree(FOLDER, folder)
    for name, text in files.items():
        path = (
            folder
            / "notifications"
            / name.replace("__", "/").replace("_txt", ".txt").replace("_html", ".html")
        )
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return Templates(folder)


def facts_of(event: str, **changed: Any) -> dict[str, object]:
    return {**SHIPPED.facts.examples(event), **changed}


def test_the_shipped_templates_have_no_fault() -> None:
    assert SHIPPED.check() == []


def test_every_event_is_for_the_people_whom_its_diagrams_tell() -> None:
    """A text for customers is sent by `notify-customer`, one for authorities by its task, one for staff by another."""
    told = {
        (element.headers["event"], AUDIENCES.get(job_type(element), "staff"))
        for process in Models.load(FOLDER.parent / "bpmn").processes.values()
        for element in process.elements.values()
        if "event" in element.headers
    }
    assert told == {(name, event.to) for name, event in SHIPPED.facts.events.items()}


@pytest.mark.parametrize("event", ALL)
def test_every_event_can_be_told_by_sms_and_by_mail(event: str) -> None:
    if event in AUTHORITY:
        assert SHIPPED.channels(event) == {"email"}, "authorities are written to by mail"
    else:
        assert SHIPPED.channels(event) == {"sms", "email"}


@pytest.mark.parametrize("bare", [False, True], ids=["all-facts", "no-optional-facts"])
@pytest.mark.parametrize("event", PEOPLE)
def test_an_sms_is_short_and_signed(event: str, bare: bool) -> None:
    facts = SHIPPED.facts.examples(event, bare=bare)
    sms = SHIPPED.render(event, "sms", facts).body
    assert sms.startswith("【客户服务中心】")
    assert len(sms) <= 140
    assert str(facts["number"]) in sms
    assert "\n" not in sms


@pytest.mark.parametrize("bare", [False, True], ids=["all-facts", "no-optional-facts"])
@pytest.mark.parametrize("event", ALL)
def test_an_html_mail_is_whole_and_fetches_nothing(event: str, bare: bool) -> None:
    html = SHIPPED.render(event, "email", SHIPPED.facts.examples(event, bare=bare)).html
    assert html is not None
    page = Page(html)
    assert page.open == [], "every element is closed"
    assert page.fetched == []
    assert not {"script", "link", "img", "style", "iframe", "form"} & set(page.tags)
    url = "https://care.example.com/"
    assert all(link.startswith(url) for link in page.links)
    assert len(page.links) == (0 if bare or event in AUTHORITY else 1)
    assert len(html) < 100_000, "longer mails are cut off by mail programs"


@pytest.mark.parametrize("event", ALL)
def test_chinese_texts_have_chinese_punctuation_and_no_blank_phrase(event: str) -> None:
    for bare in (False, True):
        facts = SHIPPED.facts.examples(event, bare=bare)
        mail = SHIPPED.render(event, "email", facts)
        for text in (
            "" if event in AUTHORITY else SHIPPED.render(event, "sms", facts).body,
            mail.subject or "",
            mail.body.split("-" * 40)[0],
        ):
            assert not re.findall(r"[\u4e00-\u9fff][,:;?!()]|[,:;?!()][\u4e00-\u9fff]", text)
            assert not re.search("，。|，，|：。|（）|。。", text)


@pytest.mark.parametrize("event", ALL)
def test_a_mail_is_chinese_first_with_english_below(event: str) -> None:
    body = SHIPPED.render(event, "email", facts_of(event)).body
    chinese, english = body.split("-" * 40)
    assert "您好" in chinese
    assert "Dear" in english


def test_times_are_those_of_shanghai_with_the_year_where_it_is_another() -> None:
    now = datetime(2026, 12, 31, 23, 0, tzinfo=SHANGHAI)
    due = datetime.fromisoformat("2026-12-31T17:30:00+00:00")
    text = SHIPPED.render(
        "complaint-accepted", "email", facts_of("complaint-accepted", now=now, result_due_at=due)
    )
    assert "2027年1月1日 01:30" in text.body
    assert "1 Jan 2027, 01:30" in text.body
    assert "2026年" not in text.body


def test_missing_fields_are_named_in_words() -> None:
    facts = facts_of(
        "details-requested", missing_fields=["customer_name", "contact", "text", "occurred_at", "city"]
    )
    text = SHIPPED.render("details-requested", "email", facts)
    assert "姓名、联系方式、问题描述、问题发生时间、所在城市" in text.body
    assert "your name, how to reach you, what happened, when it happened, your city" in text.body


def test_markup_in_a_fact_stays_text() -> None:
    facts = facts_of("result-told", customer_name="<b>x", reply='</div><script>alert("1")</script>\n第二行')
    text = SHIPPED.render("result-told", "email", facts)
    assert text.html is not None
    page = Page(text.html)
    assert not {"script", "b"} & set(page.tags)
    assert '</div><script>alert("1")</script>' in page.text
    assert "&lt;/script&gt;<br>第二行" in text.html
    assert "<script>" in text.body, "plain text is not escaped"


def test_a_fact_is_not_a_template() -> None:
    text = SHIPPED.render("result-told", "sms", facts_of("result-told", reply="{{ 7 * 7 }}{% raw %}"))
    assert "{{ 7 * 7 }}{% raw %}" in text.body


def test_a_line_break_in_a_fact_never_reaches_the_subject(tmp_path: Path) -> None:
    templates = templates_with(tmp_path, **{"result-told__subject_txt": "结果 {{ customer_name }}"})
    text = templates.render(
        "result-told", "email", facts_of("result-told", customer_name="a\r\nBcc: x@example.com")
    )
    assert text.subject == "结果 a Bcc: x@example.com"


def test_a_long_reply_is_cut_in_an_sms_only() -> None:
    facts = facts_of("result-told", reply="很" * 1000)
    sms = SHIPPED.render("result-told", "sms", facts).body
    assert len(sms) < 400
    assert "完整内容请致电了解" in sms
    assert "很" * 1000 in SHIPPED.render("result-told", "email", facts).body


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("王小明", "王小明"),
        ("阿依古丽·买买提", "阿依古丽·买买提"),
        ("Mary O'Neil", "Mary O'Neil"),
        (" 李\n静 ", "李 静"),
    ]
    + [
        (bad, None)
        for bad in ("中奖请点 t.cn/x", "加微信13800138000", "", "  ", "长" * 41, "https://x", "a@b", None)
    ],
)
def test_only_a_name_is_repeated_as_a_name(name: str | None, said: str | None) -> None:
    assert spoken_name(name) == said


def test_only_a_product_is_repeated_as_a_product() -> None:
    assert spoken_word("5G-plan 99") == "5G-plan 99"
    assert spoken_word("see http://x.cn") is None


@pytest.mark.parametrize(
    ("file", "source", "said"),
    [
        ("result-told__body_txt", "一行\n{{ nobody_declared_this }}", "uses 'nobody_declared_this'"),
        ("result-told__body_txt", "一行\n{% if reply %}没有结束", "notifications/result-told/body.txt:2:"),
        (
            "result-told__body_txt",
            "一行\n\n{{ reply.nothing }}",
            "notifications/result-told/body.txt:3: UndefinedError",
        ),
        (
            "result-told__body_html",
            '{% extends "no-frame.html" %}',
            "notifications/no-frame.html does not exist",
        ),
        ("result-told__body_html", "{{ reply | nofilter }}", "notifications/result-told/body.html:1:"),
        ("result-told__body_html", "{{ range(9) }}", "uses 'range'"),
        (
            "result-told__body_html",
            "{{ reply.__class__.__mro__ }}",
            "notifications/result-told/body.html:1: ",
        ),
        ("result-told__sms_txt", "没有签名 {{ reply }}", "does not begin with the signature"),
        ("result-told__sms_txt", "【x】{{ reply }}", "says 'None'"),
        ("result-told__notes_txt", "", "notes.txt is no text of a message"),
        ("result-retold__sms_txt", "【x】", "notifications/result-retold: facts.json declares no such event"),
        ("frame_html", "{{ surprise }}", "uses 'surprise'"),
    ],
)
def test_a_fault_is_told_with_its_place(tmp_path: Path, file: str, source: str, said: str) -> None:
    faults = templates_with(tmp_path, **{file: source}).check()
    assert any(said in fault for fault in faults), faults


def test_a_missing_file_and_an_unused_fact_are_told(tmp_path: Path) -> None:
    templates = templates_with(tmp_path)
    (templates.folder / "result-told" / "body.html").unlink()
    (templates.folder / "result-copied" / "sms.txt").unlink()
    for name in ("subject.txt", "body.txt", "body.html"):
        (templates.folder / "result-copied" / name).unlink()
    declared = json.loads((templates.folder / "facts.json").read_text())
    declared["events"]["deadline-warning"]["facts"] = {
        "share": {"type": "text", "zh": "比例", "en": "share", "example": "50%"}
    }
    (templates.folder / "facts.json").write_text(json.dumps(declared))
    faults = Templates(tmp_path / "templates").check()
    assert "notifications/result-told: body.html is missing" in faults
    assert "notifications/result-copied: neither sms.txt nor body.txt: nobody could be told" in faults
    assert "notifications/deadline-warning: no text uses its fact 'share'" in faults


def test_a_broken_template_is_broken_with_its_place_and_without_the_facts(tmp_path: Path) -> None:
    templates = templates_with(tmp_path, **{"result-told__sms_txt": "【x】\n{{ customer_name + 1 }}"})
    with pytest.raises(Broken) as broken:
        templates.render("result-told", "sms", facts_of("result-told", customer_name="王小明"))
    assert str(broken.value) == "notifications/result-told/sms.txt:2: TypeError"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"hotline": None}, "'hotline' as text"),
        ({"received_at": datetime.fromisoformat("2026-01-01")}, "'received_at' as instant"),
    ],
)
def test_a_fact_of_another_type_is_broken(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(Broken, match=said):
        SHIPPED.render("result-told", "sms", facts_of("result-told", **changed))


def test_a_missing_fact_is_broken() -> None:
    facts = facts_of("result-told")
    del facts["reply"]
    with pytest.raises(Broken, match="needs the fact 'reply'"):
        SHIPPED.render("result-told", "sms", facts)


def test_an_unknown_event_is_broken() -> None:
    with pytest.raises(Broken, match="no event 'no-such-event'"):
        SHIPPED.render("no-such-event", "sms", {})


def test_labels_know_a_word_by_its_kind_and_let_new_words_through() -> None:
    labels = Labels.load(FOLDER)
    assert labels.zh("city") == "市公司"
    assert labels.zh("city", "field") == "所在城市"
    assert labels.en("tariff-billing") == "Tariff and bill"
    assert labels.zh("hologram") == "hologram"


def test_every_word_of_the_process_has_a_label() -> None:
    words = {
        *Category,
        *Status,
        *Tier,
        "ordinary",
        "important",
        "urgent",
        "satisfied",
        "dissatisfied",
        "no-answer",
    }
    models = Path(__file__).parents[2] / "bpmn"
    texts = [model.read_text(encoding="utf-8") for model in models.rglob("*.bpmn")]
    groups = {group for text in texts for group in re.findall(r'candidateGroups="([a-z-]+)"', text)}
    folder = models / "complaint-handling"
    tables = [folder / "responsible-department.dmn", models / "department-handling" / "escalation-path.dmn"]
    for table in tables:
        groups |= set(
            re.findall(r'"([a-z]+-(?:operations|support|service|management|desk|group))"', table.read_text())
        )
    assert len(groups) >= 5
    assert {str(word) for word in words | groups} <= set(SHIPPED.labels.words)


def test_every_field_a_policy_requires_has_a_label() -> None:
    policies = (
        Path(__file__).parents[2] / "bpmn" / "complaint-handling" / "complaint-policy.dmn"
    ).read_text()
    lists = re.findall(r'<text>\[((?:"[a-z_]+"(?:, )?)+)\]</text>', policies)
    fields = {field for found in lists for field in re.findall(r'"([a-z_]+)"', found)}
    assert fields
    assert {f"field:{field}" for field in fields} <= set(SHIPPED.labels.words)


@pytest.mark.parametrize("content", [None, "{", '{"x": {"zh": "一"}}', '{"x": "一"}'])
def test_unreadable_labels_are_broken_and_named(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "labels.json").write_text(content)
    with pytest.raises(Broken, match=r"labels\.json"):
        Labels.load(tmp_path)
