"""A place as a clerk writes it in one field, and what a form says about a complaint (rule A2)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from workers.cases.complaint import check
from workers.cases.complaint_problems import problems
from workers.cases.region import Region, read_place, spoken
from workers.errors import Refused

KNOWN = [
    Region(province="浙江", city="杭州", branch="西湖"),
    Region(province="浙江", city="杭州"),
    Region(province="浙江", city="宁波", branch="城区"),
    Region(province="江苏", city="南京", branch="城区"),
]
NOON = datetime(2026, 11, 22, 4, tzinfo=UTC)


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("", ""),
        ("浙江 杭州 西湖", "浙江 杭州 西湖"),
        ("浙江省，杭州市、西湖区", "浙江 杭州 西湖"),
        ("杭州市 西湖", "浙江 杭州 西湖"),
        ("西湖", "浙江 杭州 西湖"),
        ("杭州", "浙江 杭州"),
        ("浙江", "浙江"),
        ("宁波 城区", "浙江 宁波 城区"),
        ("江西省 赣州市", "江西省 赣州市"),
        ("义乌", "义乌"),
    ],
)
def test_A2_a_place_is_read_as_people_write_it(said: str, found: str) -> None:
    """A known name brings its city and province along; an unknown one is kept as it is."""
    assert spoken(read_place(said, KNOWN)) == found


def test_A2_an_unknown_name_alone_is_a_city() -> None:
    assert read_place("义乌", KNOWN) == Region(city="义乌")
    assert read_place("广东省", KNOWN) == Region(province="广东省")


@pytest.mark.parametrize("said", ["城区", "一 二 三 四", "字" * 65])
def test_A2_what_is_no_place_is_refused(said: str) -> None:
    """Two places of that name, four names, a name that is too long."""
    with pytest.raises(ValueError, match=r"several|more than|64"):
        read_place(said, KNOWN)


GOOD: dict[str, Any] = {
    "policy": "petition",
    "channel": "phone",
    "text": "宽带断网",
    "customer": {"phone": "13900001001"},
}


@pytest.mark.parametrize(
    ("change", "field", "says"),
    [
        ({"customer": {"phone": "12"}}, "customer.phone", "无法拨通"),
        ({"customer": {"phone": "不记得"}}, "customer.phone", "请填写电话号码"),
        ({"customer": {"phone": "88661234"}}, "customer.phone", "区号"),
        ({"customer": {"name": "周晓岚"}}, "customer.phone", "至少一项"),
        ({"customer": {"email": "a@"}}, "customer.email", "邮箱"),
        ({"contact": {"name": "李"}}, "contact.phone", "请填写"),
        ({"text": "  "}, "text", "请填写"),
        ({"text": "字" * 20_001}, "text", "20000"),
        ({"channel": "pigeon"}, "channel", "列表"),
        ({"policy": "nothing"}, "policy", "列表"),
        ({"flags": ["odd"]}, "flags", "列表"),
        ({"occurred_at": (NOON + timedelta(days=1)).isoformat()}, "occurred_at", "晚于现在"),
        ({"occurred_at": "昨天"}, "occurred_at", "日期"),
        ({"impact": "\x00"}, "impact", "无法识别"),
        ({"external_ref": "a\nb"}, "external_ref", "一行"),
        ({"wish": "x"}, "wish", "没有这一项"),
    ],
)
def test_A2_a_form_is_told_what_is_wrong_beside_the_field(
    change: dict[str, Any], field: str, says: str
) -> None:
    """Chinese first; what the form passes, intake takes, and the other way round."""
    found = problems(GOOD | change, policies={"petition"}, now=NOON)
    assert list(found) == [field]
    assert says in found[field]
    with pytest.raises(Refused):
        check(GOOD | change, policies={"petition"}, now=NOON)


def test_A2_everything_that_is_wrong_is_said_at_once_and_nothing_of_what_is_right() -> None:
    wrong = problems({**GOOD, "text": "", "customer": {"phone": "12"}}, policies={"petition"}, now=NOON)
    assert set(wrong) == {"text", "customer.phone"}
    assert problems(GOOD, policies={"petition"}, now=NOON) == {}
