"""Words never said to a customer (D6), never in an agreement (D5): found however they are written, and no others."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.cases.wording import CONTEXTS, Context, Wording
from workers.errors import Broken, Refused

FILE = Path(__file__).parents[2] / "templates" / "wording.json"
WORDING = Wording.read(FILE.read_bytes())
FORBIDDEN = ("黑名单", "系统出错", "系统故障", "无理客户", "这个问题不是我处理的", "我已调走")


def words(text: str, context: Context = "message") -> list[str]:
    return [found.word for found in WORDING.refused(text, context)]


@pytest.mark.parametrize("context", ["message", "answer"])
@pytest.mark.parametrize("word", FORBIDDEN)
def test_d6_these_words_are_never_said_to_a_customer_nor_in_a_work_order(word: str, context: Context) -> None:
    """Each of rule D6, with a reason and something better to write, which is itself allowed."""
    found = WORDING.refused(f"您好，{word}，特此答复。", context)
    assert [each.word for each in found] == [word]
    assert found[0].rule.rule == "D6"
    assert all(not words(other, context) for other in found[0].rule.instead)


def test_d5_an_agreement_never_says_compensation() -> None:
    """Elsewhere better words are offered, and nothing is refused."""
    assert words("双方同意一次性赔偿人民币100元", "agreement") == ["赔偿"]
    assert WORDING.refused("已向您赔偿30元", "message") == []
    [advised] = WORDING.find("已向您赔偿30元", "message")
    assert (advised.level, advised.rule.instead) == ("advised", ("补偿", "返还"))


@pytest.mark.parametrize(
    "text",
    ["黑 名 单", "黑　名　单", "黑-名-单", "黑.名.单", "黑，名，单", "黑\u200b名单", "黑*名*单", "黑名單", "黑「名」单",
     "黑 名,单", "黑名 单", "【黑】【名】【单】", "⿊名单", "黑\n名\n单", "黑\ufe0f名单"],
)  # fmt: skip
def test_d6_signs_between_the_characters_hide_nothing(text: str) -> None:
    """Blanks, punctuation, invisible characters, traditional writing, look-alikes of Unicode."""
    found = WORDING.refused(f"您在{text}里", "message")
    assert [each.word for each in found] == ["黑名单"], text
    [one] = found
    written = f"您在{text}里"[one.start : one.end]
    assert written[0] in "黑⿊" and written[-1] in "单單"


@pytest.mark.parametrize(
    ("text", "context"),
    [
        ("请重启系统，故障仍在请致电", "message"),
        ("已登录系统。出错信息见附件", "answer"),
        ("一、检查系统\n故障现象：无法上网", "answer"),
        ("为您开通来电黑名单业务", "message"),
        ("经核查未发现系统故障", "answer"),
        ("计费系统出错，11月8日重复出账，已停止", "note"),
        ("三号基站供电系统故障，已更换整流模块", "note"),
        ("客户毫无理由被停机", "answer"),
        ("赔偿", "message"),
        ("由于系统，出错的账单已更正", "answer"),
        ("我已调整套餐", "answer"),
        ("这个问题是我处理的", "answer"),
        ("", "message"),
    ],
)
def test_d6_no_false_alarm(text: str, context: Context) -> None:
    """Words that only stand beside each other, the name of a service, a technical note."""
    assert words(text, context) == []


@pytest.mark.parametrize(
    "text", ["系统出错", "由于系统故障导致。", "因为我们系统出错了", "经核查，是系统故障造成的"]
)
def test_d6_as_an_excuse_it_is_refused_in_a_note_too(text: str) -> None:
    """A technical note may name a fault of a system; saying nothing else is an excuse."""
    assert [found.rule.id for found in WORDING.refused(text, "note")] == ["system-error-only"]


@pytest.mark.parametrize("word", [*FORBIDDEN, "赔偿"])
def test_the_customer_s_own_words_are_never_checked(word: str) -> None:
    """Neither a text of theirs, nor their name or product within a message of ours."""
    assert WORDING.find(word, "quoted") == []
    assert WORDING.find(f"尊敬的{word}您好", "message", quoted=[word]) == []
    assert WORDING.find(f"尊敬的{word}您好，{word}", "message", quoted=["您好"]) != []


def test_d6_everything_is_told_field_by_field_and_no_text_is_repeated() -> None:
    """The sentence names the field, the word and what to write instead."""
    with pytest.raises(Refused) as refused:
        WORDING.check(
            [
                ("答复客户", "message", "王小明在黑名单，系统出错"),
                ("备注", "note", "无理客户"),
                ("其他", "note", "好"),
            ]
        )
    said = str(refused.value)
    assert said.startswith("用语检查未通过，内容未提交。")
    assert (
        "答复客户：“黑名单”不得出现在发给客户的文字中：不得给客户贴标签；可改为“业务受限”或“限制名单”。"
        in said
    )
    assert "答复客户：“系统出错”" in said
    assert "备注：“无理客户”不得出现在内部记录中" in said
    assert "王小明" not in said
    assert "其他" not in said
    WORDING.check([("答复客户", "message", "线路已修复")])


def test_a_word_is_told_once_and_all_places_are_found() -> None:
    assert words("黑名单，还是黑名单") == ["黑名单"]
    assert [(each.start, each.end) for each in WORDING.find("黑名单，还是黑名单", "message")] == [
        (0, 3),
        (6, 9),
    ]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"rules": 3}, "rules"),
        ({"contexts": {}}, "contexts must be exactly"),
        ({"rule": {"words": []}}, "words"),
        ({"rule": {"instead": []}}, "instead"),
        ({"rule": {"refused_in": []}}, "say where"),
        ({"rule": {"refused_in": ["quoted"]}}, "customer's own"),
        ({"rule": {"refused_in": ["sms"]}}, "refused_in"),
        ({"rule": {"refused_in": ["note"], "advised_in": ["note"]}}, "either refused or advised"),
        ({"rule": {"patterns": ["("]}}, "not a regular expression"),
        ({"rule": {"is_words_only_named": True}}, "needs patterns"),
        ({"rule": {"instead": ["移出黑名单"]}}, "refuses itself"),
        ({"rule": {"colour": "red"}}, "colour"),
        ({"twice": True}, "two rules have one id"),
    ],
)
def test_what_the_list_must_not_say(change: dict[str, Any], said: str) -> None:
    """A designer's mistake in the file is told with its place."""
    declared = json.loads(FILE.read_text("utf-8"))
    [blacklist] = [rule for rule in declared["rules"] if rule["id"] == "blacklist"]
    blacklist |= change.pop("rule", {})
    if change.pop("twice", False):
        declared["rules"].append(blacklist)
    with pytest.raises(Broken, match=said):
        Wording.read(json.dumps(declared | change))


@given(st.text(max_size=60), st.sampled_from(CONTEXTS))
def test_any_text_can_be_looked_at(text: str, context: Context) -> None:
    """And every place that is told lies in the text."""
    for found in WORDING.find(text, context):
        assert 0 <= found.start < found.end <= len(text)


blanks = st.text(st.sampled_from(" \u3000\u200b\u00a0-·*_「」()（）"), max_size=3)


@given(st.sampled_from(FORBIDDEN), st.data())
def test_d6_found_however_it_is_spread(word: str, data: st.DataObject) -> None:
    """Any mixture of signs between the characters, in full or half width."""
    spread = "".join(char + data.draw(blanks) for char in word)
    assert word in words(
        unicodedata.normalize("NFKC", f"答复：{spread}吧") if data.draw(st.booleans()) else spread
    )


def test_a_long_text_takes_no_time_to_speak_of() -> None:
    """Patterns see at most what a form takes; none of the shipped ones explodes."""
    for piece in ("因为原因是我们公司的", "系统出", "黑", "这是", "a "):
        assert words(piece * 2000, "note") == []
