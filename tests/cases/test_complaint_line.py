"""A complaint line is taken in one spelling, or refused with a sentence naming the field (rules A1, A2)."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from workers.cases.complaint import ComplaintLine, Customer, parse_line
from workers.cases.contact import check_email, check_phone
from workers.cases.intake_words import CHANNELS, FLAGS
from workers.cases.region import Region
from workers.errors import Refused

NOW = datetime(2026, 11, 22, 4, tzinfo=UTC)
LEAST: dict[str, Any] = {
    "policy": "petition",
    "channel": "web",
    "text": "宽带断网",
    "customer": {"phone": "13900001001"},
}
DROPPED: Any = object()


def parse(document: object) -> ComplaintLine:
    """The line of a document, for the one policy there is."""
    raw = document if isinstance(document, str | bytes) else json.dumps(document)
    return parse_line(raw, policies={"petition"}, now=NOW)


def changed(path: str, value: object) -> dict[str, Any]:
    """The least complaint with one field set, or left out."""
    document = json.loads(json.dumps(LEAST))
    *folders, field = path.split(".")
    place = document
    for folder in folders:
        place = place.setdefault(folder, {})
    if value is DROPPED:
        del place[field]
    else:
        place[field] = value
    return document  # type: ignore[no-any-return]


def test_the_least_that_a_complaint_needs() -> None:
    line = parse(LEAST)
    assert (line.policy, line.channel, line.text) == ("petition", "web", "宽带断网")
    assert (line.customer.phone, line.customer.key) == ("+8613900001001", "phone:+8613900001001")
    assert (line.region.province, line.product, line.occurred_at, line.flags) == (None, None, None, [])


def test_everything_that_a_complaint_can_have() -> None:
    line = parse(
        LEAST
        | {
            "customer": {
                "name": " 周晓岚 ",
                "phone": "0571-88880000",
                "email": "Zhou@EXAMPLE.com",
                "customer_no": "HZ-BB-20011",
            },
            "region": {"province": "浙江", "city": "杭州", "branch": "西湖"},
            "product": "broadband",
            "occurred_at": "2026-11-21T20:10:00",
            "impact": "全家\n三人",
            "external_ref": "web-1",
            "flags": ["media", "legal", "media"],
        }
    )
    assert line.customer.model_dump() == {
        "name": "周晓岚",
        "phone": "+8657188880000",
        "email": "Zhou@example.com",
        "customer_no": "HZ-BB-20011",
    }
    assert line.customer.key == "no:HZ-BB-20011"
    assert line.region.branch == "西湖"
    assert line.flags == ["legal", "media"]
    assert line.occurred_at is not None and line.occurred_at.isoformat() == "2026-11-21T20:10:00+08:00"


def test_null_is_the_same_as_left_out() -> None:
    names = ("region", "product", "occurred_at", "impact", "external_ref", "flags")
    assert parse(LEAST | dict.fromkeys(names)) == parse(LEAST)


@pytest.mark.parametrize("word", [*CHANNELS, *FLAGS])
def test_every_word_has_a_label_and_is_documented(word: str) -> None:
    home = Path(__file__).parents[2]
    assert set(json.loads((home / "templates" / "labels.json").read_text())[word]) == {"zh", "en"}
    assert f"`{word}`" in (home / "docs" / "complaint-line.md").read_text()


def test_every_field_is_documented() -> None:
    manual = (Path(__file__).parents[2] / "docs" / "complaint-line.md").read_text()
    fields = [*ComplaintLine.model_fields, *(f"customer.{name}" for name in Customer.model_fields)]
    assert [field for field in [*fields, *Region.model_fields] if f"`{field}`" not in manual] == []


@pytest.mark.parametrize("channel", CHANNELS)
def test_a1_every_channel_is_taken(channel: str) -> None:
    assert parse(changed("channel", channel)).channel == channel


@pytest.mark.parametrize(
    ("path", "value", "field", "reason"),
    [
        ("policy", DROPPED, "policy", "is missing"),
        ("channel", DROPPED, "channel", "is missing"),
        ("text", DROPPED, "text", "is missing"),
        ("customer", DROPPED, "customer", "is missing"),
        ("customer.phone", DROPPED, "customer", "needs a phone or an email"),
        ("customer", {"customer_no": "HZ-1", "name": "周"}, "customer", "needs a phone or an email"),
        ("unknown", 1, "unknown", "is not a field"),
        ("customer.age", 1, "customer.age", "is not a field"),
        ("region.town", "x", "region.town", "is not a field"),
        ("policy", "broadcast", "policy", "must be one of petition"),
        ("policy", "Petition", "policy", "lower-case"),
        ("policy", "a" * 65, "policy", "longer than 64"),
        ("channel", "fax", "channel", "must be one of 12315"),
        ("flags", ["loud"], "flags", "must be one of"),
        ("flags", ["media"] * 99, "flags", "too many"),
        ("flags", "media", "flags", "must be a list"),
        ("flags", [1], "flags.0", "must be a string"),
        ("text", 5, "text", "must be a string"),
        ("text", True, "text", "must be a string"),
        ("text", None, "text", "must be a string"),
        ("text", ["a"], "text", "must be a string"),
        ("text", "", "text", "is blank"),
        ("text", " \n\t", "text", "is blank"),
        ("text", "\u200b\u2060", "text", "is blank"),
        ("text", "断\x00网", "text", "U+0000"),
        ("text", "断\x1b[31m网", "text", "U+001B"),
        ("text", "断\u202e网", "text", "U+202E"),
        ("text", "断" * 20_001, "text", "longer than 20000"),
        ("text", "断\ud800网", "text", "character"),
        ("customer", [], "customer", "must be an object"),
        ("customer", "周晓岚", "customer", "must be an object"),
        ("customer.phone", 13900001001, "customer.phone", "must be a string"),
        ("customer.phone", "1390000100", "customer.phone", "no telephone number"),
        ("customer.phone", "10086", "customer.phone", "no telephone number"),
        ("customer.phone", "88880000", "customer.phone", "area code"),
        ("customer.phone", "一三九", "customer.phone", "no telephone number"),
        ("customer.phone", "１３９００００１００１", "customer.phone", "no telephone number"),
        ("customer.phone", "13900001001;ext=1", "customer.phone", "no telephone number"),
        ("customer.phone", "", "customer.phone", "no telephone number"),
        ("customer.email", "zhou", "customer.email", "no e-mail"),
        ("customer.email", "zhou@example.com\nBcc: x@example.com", "customer.email", "no e-mail"),
        ("customer.email", "z" * 400 + "@example.com", "customer.email", "no e-mail"),
        ("customer.name", "周\n晓岚", "customer.name", "one line"),
        ("customer.name", "周" * 201, "customer.name", "longer than 200"),
        ("customer.customer_no", 7, "customer.customer_no", "must be a string"),
        ("region", "浙江", "region", "must be an object"),
        ("region.city", " ", "region.city", "is blank"),
        ("product", "a\nb", "product", "one line"),
        ("external_ref", "", "external_ref", "is blank"),
        ("external_ref", "r" * 201, "external_ref", "longer than 200"),
        ("impact", "x" * 2001, "impact", "longer than 2000"),
        ("occurred_at", "2026-11-23T00:00:00+08:00", "occurred_at", "in the future"),
        ("occurred_at", "gestern", "occurred_at", "must be a date and time"),
        ("occurred_at", "2026-02-30T00:00:00Z", "occurred_at", "must be a date and time"),
        ("occurred_at", "0001-01-01T00:00:00+14:00", "occurred_at", "must be a date and time"),
        ("occurred_at", 1700000000, "occurred_at", "must be a string"),
    ],
)
def test_what_is_refused(path: str, value: object, field: str, reason: str) -> None:
    with pytest.raises(Refused) as refused:
        parse(changed(path, value))
    sentence = str(refused.value)
    assert sentence.startswith(f"{field} ") and reason in sentence and sentence.endswith(".")
    assert "\n" not in sentence and len(sentence) < 300


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("", "empty"),
        (" \t", "empty"),
        ("{", "no JSON"),
        ("[]", "must be a JSON object"),
        ("null", "must be a JSON object"),
        ('"x"', "must be a JSON object"),
        (b"\xff\xfe{}", "not UTF-8"),
        ("\ud800", "not UTF-8"),
        ('{"text": NaN}', "NaN"),
        ('{"text": -Infinity}', "-Infinity"),
        ('{"text": "a", "text": "b"}', "text is there twice"),
        ('{"customer": {"phone": "1", "phone": "2"}}', "phone is there twice"),
        ('{"a":' + "1" * 5000 + "}", "too many digits"),
        ("[" * 100_000, "nested too deeply"),
        ('{"a":' * 40_000, "nested too deeply"),
        (json.dumps({**LEAST, "text": "a" * 1_000_000}), "longer than 256 KiB"),
        ('{"text": "a\nb"}', "no JSON"),
        ("{} {}", "no JSON"),
    ],
)
def test_what_is_no_line(raw: str | bytes, reason: str) -> None:
    with pytest.raises(Refused, match=reason) as refused:
        parse(raw)
    assert len(str(refused.value)) < 200


def test_a_byte_order_mark_is_skipped() -> None:
    assert parse("\ufeff" + json.dumps(LEAST)) == parse(LEAST)


def test_a_refusal_repeats_no_personal_data() -> None:
    for path, value in (
        ("customer.phone", "139secret"),
        ("customer.email", "secret@"),
        ("text", "secret\x00"),
    ):
        with pytest.raises(Refused) as refused:
            parse(changed(path, value))
        assert "secret" not in str(refused.value)
        assert refused.value.__cause__ is None


def test_other_clocks_may_be_a_little_ahead() -> None:
    assert parse(changed("occurred_at", "2026-11-22T12:04:59+08:00")).occurred_at is not None
    with pytest.raises(Refused, match="future"):
        parse(changed("occurred_at", "2026-11-22T12:05:01+08:00"))


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("13900001001", "+8613900001001"),
        ("139 0000 1001", "+8613900001001"),
        ("139-0000-1001", "+8613900001001"),
        ("+86 139 0000 1001", "+8613900001001"),
        ("0086 13900001001", "+8613900001001"),
        ("0571-88880000", "+8657188880000"),
        ("(0571) 88880000", "+8657188880000"),
        ("010 6888 0000", "+861068880000"),
        ("400-820-8820", "+864008208820"),
        ("8008208820", "+868008208820"),
        ("+1 415 555 2671", "+14155552671"),
    ],
)
def test_telephone_numbers_in_one_spelling(written: str, kept: str) -> None:
    assert check_phone(written) == kept
    assert check_phone(kept) == kept


def test_e_mail_addresses_are_checked_without_a_network() -> None:
    assert check_email("张三@例子.中国") == "张三@例子.中国"
    with pytest.raises(ValueError, match="no e-mail"):
        check_email("root@localhost")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
fields = st.sampled_from([*ComplaintLine.model_fields, "name", "phone", "email", "city", "\ud800", "x"])
documents = st.dictionaries(fields, json_values, max_size=6).map(lambda extra: LEAST | extra)


@settings(max_examples=300, deadline=None)
@given(documents)
@example({**LEAST, "region": {"province": "\ud800"}})
@example({**LEAST, "\ud800": 1})
def test_any_json_is_taken_or_refused(document: dict[str, Any]) -> None:
    check_outcome(json.dumps(document))


@settings(max_examples=300, deadline=None)
@given(st.binary() | st.text())
def test_any_bytes_are_taken_or_refused(raw: bytes | str) -> None:
    check_outcome(raw)


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 200), st.binary(max_size=8))
def test_a_damaged_line_is_taken_or_refused(place: int, damage: bytes) -> None:
    whole = json.dumps(LEAST, ensure_ascii=False).encode()
    check_outcome(whole[:place] + damage + whole[place + len(damage) :])


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_kept_or_refused(text: str) -> None:
    try:
        line = parse(changed("text", text))
    except Refused:
        return
    assert line.text and line.text in text


def check_outcome(raw: bytes | str) -> None:
    """Neither anything else than a line or a refusal, nor a refusal that can't be printed."""
    try:
        line = parse(raw)
    except Refused as refused:
        sentence = str(refused)
        assert sentence.endswith(".") and "\n" not in sentence
        sentence.encode()
    else:
        assert line.policy == "petition" and line.channel in CHANNELS and line.text.strip()
        assert parse(line.model_dump_json(exclude_none=True)) == line
