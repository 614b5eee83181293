"""A form is checked on the server exactly as it is drawn: what fits, what does not, and what is said then."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.cases.form_conditions import Condition
from workers.cases.forms import Form
from workers.errors import Broken, Refused

YES_NO = [{"label": "是", "value": True}, {"label": "否", "value": False}]
COLOURS = [{"label": "红", "value": "red"}, {"label": "蓝", "value": "blue"}]


def form(*components: dict[str, Any]) -> Form:
    return Form({"id": "a-form", "type": "default", "components": list(components)})


def one(kind: str, **more: Any) -> dict[str, Any]:
    return {"type": kind, "key": "answer", "label": "问题", **more}


SETTLE = form(
    {"type": "text", "text": "# 前台办理"},
    {
        "type": "radio",
        "key": "is_settled",
        "label": "是否办结",
        "values": YES_NO,
        "validate": {"required": True},
    },
    {
        "type": "textarea",
        "key": "reply",
        "label": "答复",
        "conditional": {"hide": "=is_settled = false"},
        "validate": {"required": True, "minLength": 2, "maxLength": 10},
    },
    {"type": "button", "action": "submit", "label": "提交"},
)


def test_texts_go_to_the_store_and_the_rest_to_the_engine() -> None:
    done = SETTLE.validate({"is_settled": True, "reply": "已为您处理"})
    assert done.variables == {"is_settled": True}
    assert done.texts == {"reply": "已为您处理"}


def test_fields_say_what_is_asked() -> None:
    assert SETTLE.fields == [
        {
            "key": "is_settled",
            "label": "是否办结",
            "type": "radio",
            "required": True,
            "options": [{"value": True, "label": "是"}, {"value": False, "label": "否"}],
        },
        {
            "key": "reply",
            "label": "答复",
            "type": "textarea",
            "required": True,
            "options": [],
            "limits": {"min_length": 2, "max_length": 10},
            "hidden_if": "is_settled = false",
            "wording": "answer",
        },
    ]
    json.dumps(SETTLE.fields, allow_nan=False)


def test_a_hidden_field_is_not_required_and_not_accepted() -> None:
    assert SETTLE.validate({"is_settled": False}).texts == {}
    with pytest.raises(Refused, match="reply is not asked when is_settled = false"):
        SETTLE.validate({"is_settled": False, "reply": "写了"})


def test_a_hidden_choice_is_sent_as_null_so_that_no_gateway_misses_it() -> None:
    hidden = form(
        {"type": "checkbox", "key": "is_reached", "label": "已联系"},
        {
            **one("radio", values=COLOURS, validate={"required": True}),
            "conditional": {"hide": "=not(is_reached)"},
        },
    )
    assert hidden.validate({}).variables == {"is_reached": False, "answer": None}
    with pytest.raises(Refused, match="answer"):
        hidden.validate({"is_reached": True})


def test_every_problem_is_said_at_once_and_no_text_is_repeated() -> None:
    with pytest.raises(Refused) as caught:
        SETTLE.validate({"is_settled": "yes", "reply": "张三的电话是一三八零零一三八零零零", "colour": 1})
    said = str(caught.value)
    assert "'colour' is not asked (asked: is_settled, reply)" in said
    assert "is_settled（是否办结）must be one of true, false" in said
    assert "reply（答复）may have at most 10 characters, has 17" in said
    assert "张三" not in said


FITS = [
    ("textfield", {}, "x", "x"),
    ("textfield", {"validate": {"maxLength": 2}}, " ab ", " ab "),
    ("textfield", {"validate": {"minLength": "2"}}, "ab", "ab"),
    ("textfield", {"validate": {"pattern": "[0-9]+"}}, "a1", "a1"),
    ("textfield", {"validate": {"validationType": "email"}}, "a@b.cn", "a@b.cn"),
    ("textfield", {"validate": {"validationType": "phone"}}, "+86 138-0013-8000", "+86 138-0013-8000"),
    ("textarea", {}, "一行\n两行\t三", "一行\n两行\t三"),
    ("number", {}, 3, 3),
    ("number", {}, 2.5, 2.5),
    ("number", {"validate": {"min": 0, "max": 0}}, 0, 0),
    ("number", {"decimalDigits": 2}, 1.25, 1.25),
    ("number", {"serializeToString": True}, "1.50", "1.50"),
    ("number", {"serializeToString": True}, 7, "7"),
    ("checkbox", {}, True, True),
    ("checkbox", {}, False, False),
    ("checkbox", {}, None, False),
    ("radio", {"values": YES_NO}, False, False),
    ("select", {"values": COLOURS}, "red", "red"),
    ("select", {"values": [{"label": "一", "value": 1}]}, 1.0, 1),
    ("checklist", {"values": COLOURS}, ["blue", "red"], ["blue", "red"]),
    ("taglist", {"values": COLOURS}, [], []),
    ("taglist", {"values": COLOURS}, None, []),
    ("datetime", {"subtype": "date"}, "2028-02-29", "2028-02-29"),
    ("datetime", {"subtype": "time"}, "09:30+08:00", "09:30+08:00"),
    ("datetime", {"subtype": "time", "timeSerializingFormat": "no_timezone"}, "09:30", "09:30"),
    ("datetime", {"subtype": "datetime"}, "2026-03-01T09:30Z", "2026-03-01T09:30Z"),
    ("datetime", {"subtype": "date", "disallowPassedDates": True}, "2026-03-01", "2026-03-01"),
    ("number", {}, None, None),
    ("select", {"values": COLOURS}, "", None),
    ("select", {"values": COLOURS, "defaultValue": "blue"}, "red", "red"),
]


@pytest.mark.parametrize(("kind", "more", "value", "kept"), FITS)
def test_what_fits(kind: str, more: dict[str, Any], value: Any, kept: Any) -> None:
    done = form(one(kind, **more)).validate({"answer": value}, now=datetime(2026, 3, 1, 12, tzinfo=UTC))
    assert {**done.variables, **done.texts}["answer"] == kept
    assert type({**done.variables, **done.texts}["answer"]) is type(kept)


REFUSED = [
    ("textfield", {}, 1, "must be a text, not a number"),
    ("textfield", {}, True, "must be a text, not true or false"),
    ("textfield", {}, ["a"], "must be a text, not a list"),
    ("textfield", {}, "a\x00b", "NUL"),
    ("textarea", {}, "a\ud800b", "control character"),
    ("textfield", {"validate": {"required": True}}, "  ", "is required: a text"),
    ("textfield", {"validate": {"minLength": 3}}, " ab ", "at least 3 characters, has 2"),
    ("textfield", {"validate": {"pattern": "^[0-9]+$"}}, "a1", "must match the pattern"),
    ("textfield", {"validate": {"validationType": "email"}}, "a b@c", "e-mail"),
    ("textfield", {"validate": {"validationType": "phone"}}, "call me", "phone"),
    ("number", {}, "3", "must be a number, not a text"),
    ("number", {}, True, "must be a number, not true or false"),
    ("number", {}, False, "must be a number, not true or false"),
    ("number", {}, float("nan"), "finite"),
    ("number", {}, float("inf"), "finite"),
    ("number", {}, 10**400, "too large"),
    ("number", {"validate": {"min": 1}}, 0, "at least 1"),
    ("number", {"validate": {"max": 1.5}}, 2, "at most 1.5"),
    ("number", {"decimalDigits": 0}, 1.5, "0 digits after the point"),
    ("checkbox", {}, "true", "must be true or false, not a text"),
    ("checkbox", {}, 0, "must be true or false, not a number"),
    ("checkbox", {"validate": {"required": True}}, False, "must be true"),
    ("radio", {"values": YES_NO}, 1, "one of true, false"),
    ("radio", {"values": YES_NO, "validate": {"required": True}}, None, "is required: one of true, false"),
    ("select", {"values": COLOURS}, "green", "one of red, blue"),
    ("select", {"values": COLOURS}, {"red": 1}, "one of red, blue"),
    ("select", {"values": [{"label": "一", "value": 1}]}, True, "one of 1"),
    ("checklist", {"values": COLOURS}, "red", "a list out of red, blue"),
    ("checklist", {"values": COLOURS}, ["red", "red"], "same choice twice"),
    ("taglist", {"values": COLOURS}, ["red", None], "a list out of red, blue"),
    (
        "taglist",
        {"values": COLOURS, "validate": {"required": True}},
        [],
        "is required: a list out of red, blue",
    ),
    ("datetime", {"subtype": "date"}, "2026-02-29", "is no such day"),
    ("datetime", {"subtype": "date"}, "2026-2-1", "a day like"),
    ("datetime", {"subtype": "date"}, 20260201, "a day like"),
    ("datetime", {"subtype": "date"}, "２０２６-02-01", "a day like"),
    ("datetime", {"subtype": "datetime"}, "2026-03-01T09:30", "needs an offset"),
    ("datetime", {"subtype": "time", "timeSerializingFormat": "no_timezone"}, "09:30Z", "no offset"),
    ("datetime", {"subtype": "time"}, "25:00Z", "is no such day or time"),
    ("datetime", {"subtype": "date", "disallowPassedDates": True}, "2026-02-28", "past"),
]


@pytest.mark.parametrize(("kind", "more", "value", "said"), REFUSED)
def test_what_does_not_fit(kind: str, more: dict[str, Any], value: Any, said: str) -> None:
    with pytest.raises(Refused) as caught:
        form(one(kind, **more)).validate({"answer": value}, now=datetime(2026, 3, 1, 12, tzinfo=UTC))
    assert said in str(caught.value)
    assert "answer" in str(caught.value)


@pytest.mark.parametrize("answers", [None, [], "x", 3, [["answer", "x"]]])
def test_answers_are_an_object(answers: Any) -> None:
    with pytest.raises(Refused, match="JSON object"):
        form(one("textfield")).validate(answers)


def test_a_default_stands_where_nothing_is_said() -> None:
    assert form(one("select", values=COLOURS, defaultValue="blue")).validate({}).variables == {
        "answer": "blue"
    }


def test_readonly_fields_are_not_asked_and_groups_are_opened() -> None:
    found = form(
        {
            "type": "group",
            "components": [one("textfield"), {**one("textfield"), "key": "shown", "readonly": True}],
        }
    )
    assert [each["key"] for each in found.fields] == ["answer"]
    with pytest.raises(Refused, match="'shown' is not asked"):
        found.validate({"shown": "x"})


@pytest.mark.parametrize(
    ("component", "said"),
    [
        ({"type": "filepicker", "key": "file"}, "filepicker"),
        ({"type": "dynamiclist", "path": "x", "components": []}, "dynamiclist"),
        ({"type": "group", "path": "x", "components": []}, "path"),
        ({"type": "group", "conditional": {"hide": "=a"}, "components": []}, "condition"),
        ({"type": "select", "key": "a", "valuesKey": "list"}, "static options"),
        ({"type": "textfield", "key": "a", "validate": {"pattern": "("}}, "regular expression"),
        ({"type": "textfield", "key": "a", "validate": {"maxLength": "=limit"}}, "plain numbers"),
        ({"type": "textfield", "key": "a.b"}, "1 to 64"),
        ({"type": "textfield"}, "1 to 64"),
        ({"type": "textfield", "key": "a", "conditional": {"hide": "=b"}}, "does not ask"),
        ({"type": "textfield", "key": "a", "conditional": {"hide": "=count(x) > 1"}}, "not understood"),
    ],
)
def test_a_form_that_cannot_be_checked_is_broken(component: dict[str, Any], said: str) -> None:
    with pytest.raises(Broken, match=said):
        form(component)


def test_two_fields_with_one_key_are_broken() -> None:
    with pytest.raises(Broken, match="two fields with the key answer"):
        form(one("textfield"), one("number"))


@pytest.mark.parametrize(
    ("expression", "answers", "holds"),
    [
        ("=a", {"a": True}, True),
        ("=a", {"a": False}, False),
        ("=a", {}, False),
        ("=not(a)", {"a": False}, True),
        ("=not(a)", {}, False),
        ('=a = "x" or b = 2', {"b": 2}, True),
        ('=a = "x" and b = 2', {"b": 2}, False),
        ('=(a = "x" or a = "y") and not(b)', {"a": "y", "b": False}, True),
        ("=a != true", {"a": False}, True),
        ("=a != true", {"a": "x"}, False),
        ("=a = null", {}, True),
        ("=a != null", {"a": 0}, True),
        ("=a >= 1", {"a": 1}, True),
        ("=a < 1", {"a": True}, False),
        ("=a = 1", {"a": True}, False),
        ("=a > -0.5", {"a": 0}, True),
    ],
)
def test_conditions_read_as_feel_does(expression: str, answers: dict[str, Any], holds: bool) -> None:
    assert Condition(expression).holds(answers) is holds


@pytest.mark.parametrize(
    "expression", ["=", "=(a", "=a =", "=a b", "=not(a", "=a + 1", "=if a then b else c", "=="]
)
def test_conditions_outside_the_understood_part_are_broken(expression: str) -> None:
    with pytest.raises(Broken, match="not understood"):
        Condition(expression)


EVERYTHING = form(
    {**one("textfield", validate={"maxLength": 20}), "key": "a_text"},
    {**one("number"), "key": "a_number"},
    {**one("checkbox"), "key": "a_box"},
    {**one("select", values=COLOURS), "key": "a_choice", "conditional": {"hide": "=a_box"}},
    {**one("taglist", values=COLOURS), "key": "some_choices"},
    {**one("datetime", subtype="datetime"), "key": "a_moment"},
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from([each["key"] for each in EVERYTHING.fields]) | st.text(), JSON) | JSON)
def test_whatever_comes_in_is_kept_whole_or_refused_in_a_sentence(answers: Any) -> None:
    try:
        done = EVERYTHING.validate(answers)
    except Refused as refused:
        assert str(refused).isprintable()
        return
    assert set(done.variables) == {"a_number", "a_box", "a_choice", "some_choices", "a_moment"}
    json.dumps(done.variables, allow_nan=False).encode()
    for text in done.texts.values():
        assert "\x00" not in text
        text.encode()
        assert len(text.strip()) <= 20


def test_d6_a_text_field_says_what_is_written_there() -> None:
    """A work order's answer, unless the property `wording` of the field says otherwise; an unknown one is told."""

    def form(**properties: str) -> Form:
        field = {"type": "textarea", "key": "reply", "label": "答复", "properties": properties}
        return Form({"id": "x", "components": [field]})

    assert form().worded({"reply": "好"}) == [("答复（reply）", "answer", "好")]
    assert form(wording="message").worded({"reply": "好"}) == [("答复（reply）", "message", "好")]
    assert form(wording="quoted").worded({}) == []
    with pytest.raises(Broken, match="property wording of reply is 'poem'"):
        form(wording="poem")
