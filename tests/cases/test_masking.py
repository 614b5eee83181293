"""Masked data says enough to recognise somebody and too little to reach them (rule B10)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.cases import masking


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("+8613900001001", "139****1001"),
        ("+8657188880000", "571****0000"),
        ("+12025550143", "+12****" + "*" + "0143"),
        ("10086", "***86"),
        ("110", "***"),
        ("", "***"),
    ],
)
def test_phone(number: str, shown: str) -> None:
    assert masking.phone(number) == shown


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("sun.weidong@example.com", "s***@example.com"),
        ("a@b@example.com", "a***@example.com"),
        ("nothing", "***"),
    ],
)
def test_email(address: str, shown: str) -> None:
    assert masking.email(address) == shown


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("周晓岚", "周**"),
        ("陈立", "陈*"),
        ("欧阳若兰", "欧***"),
        ("Li Wei", "L** W**"),
        ("周", "周*"),
        ("", "***"),
        (" ", "***"),
    ],
)
def test_name(name: str, shown: str) -> None:
    assert masking.name(name) == shown


def test_contact_is_either() -> None:
    assert masking.contact("a@example.com") == "a***@example.com"
    assert masking.contact("+8613900001001") == "139****1001"


@given(st.text(min_size=2, max_size=300))
def test_nothing_is_ever_shown_whole(secret: str) -> None:
    for mask in (masking.phone, masking.email, masking.name, masking.contact):
        assert "*" in mask(secret)
        assert secret.strip("* ") == "" or mask(secret) != secret
