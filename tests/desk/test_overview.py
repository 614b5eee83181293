"""The overview: from a number to the cases behind it, each as far as the person may see; and what is handed upwards."""

from __future__ import annotations

import csv
import html
import io
import re
import zipfile
from collections.abc import Iterator
from datetime import date, timedelta
from urllib.parse import parse_qsl, urlsplit
from xml.etree import ElementTree

import httpx
import pytest

from tests.desk.signing_in import Browser, add_account, required
from tests.desk_server import RunningDesk, add_complaint, add_person, add_task, running
from workers.cases.figures import Asked
from workers.cases.part import Part
from workers.desk import downloads, picture
from workers.desk.kept import Kept
from workers.desk.looking import Looking
from workers.desk.sheets import Cell, Column, Sheet, shown
from workers.store import deadlines
from workers.store.database import Database
from workers.store.tables import Complaint

SECRETS = ("王小明", "13800138000", "宽带断网两天")
EVIL = "=HYPERLINK(1)"


def make(desk: RunningDesk, city: str, owner: str = "chenjing", **columns: object) -> str:
    """A complaint of a city, six hours late."""
    number = add_complaint(desk, region={"province": "浙江省", "city": city})
    now = desk.clock.now()
    with desk.database.begin() as tx:
        row = tx.get_one(Complaint, number)
        row.status, row.category, row.received_at = "in-progress", "other", now - timedelta(hours=30)
        row.owner_group, row.owner_person = "network-operations", owner
        for name, value in columns.items():
            setattr(row, name, value)
        tx.flush()
        deadlines.put(tx, number, "result", now - timedelta(hours=6))
    return number


@pytest.fixture
def desk(database: Database) -> Iterator[RunningDesk]:
    """Two cases of Hangzhou, one of Ningbo; managers of the country, of Hangzhou, and of a branch in Ningbo."""
    with running(database, is_sample_staff=False, signing_in=required()) as found:
        add_person(found, "chenjing", "network-operations")
        add_account(found, "boss", "province-management")
        add_account(found, "hang", "city-management", province="浙江", city="杭州")
        add_account(found, "ning", "branch-management", province="浙江", city="宁波", branch="海曙")
        make(found, "杭州市")
        make(found, "杭州")
        make(found, "宁波市")
        yield found


def looked(desk: RunningDesk, person: str, path: str) -> httpx.Response:
    with Browser(desk) as browser:
        browser.sign_in(person)
        return browser.get(path)


def links(page: httpx.Response) -> list[tuple[str, str]]:
    """(text, address) of every link of a page."""
    found = re.findall(r'<a [^>]*?href="([^"]+)"[^>]*>(.*?)</a>', page.text, re.DOTALL)
    return [(re.sub(r"<[^>]+>|\s+", "", text), html.unescape(address)) for address, text in found]


def test_B10_every_number_leads_to_as_many_cases_as_it_says(desk: RunningDesk) -> None:
    """Both the present and the period, country and city: a manager can count them."""
    seen = 0
    with Browser(desk) as browser:
        browser.sign_in("boss")
        for path in ("/", "/?province=浙江", "/overview/period", "/overview/period?province=浙江"):
            page = browser.get(path)
            assert page.status_code == 200
            assert not [secret for secret in SECRETS if secret in page.text]
            for text, address in dict.fromkeys(links(page)):
                count = re.match(r"([\d,]+)(?![\d.,%])", text)
                if not address.startswith("/complaints?") or not count or "%" in text:
                    continue
                listed = browser.get(address)
                said = re.search(r'role="status"><b>([\d,]+)', listed.text)
                assert listed.status_code == 200 and said is not None
                assert said[1] == count[1], (path, text, address)
                assert not [secret for secret in SECRETS if secret in listed.text]
                seen += 1
    assert seen > 20


def test_B10_a_manager_sees_the_own_place_and_nothing_else(desk: RunningDesk) -> None:
    """Hangzhou counts two; asking for the country or for Ningbo shows no more."""
    for path in ("/", "/?province=浙江&city=宁波", "/complaints", "/overview/period"):
        page = looked(desk, "hang", path)
        assert page.status_code == 200
        assert "宁波市" not in page.text
    assert re.search(r'role="status"><b>2<', looked(desk, "hang", "/complaints").text)
    assert re.search(r'role="status"><b>0<', looked(desk, "hang", "/complaints?province=浙江&city=宁波").text)
    report = looked(desk, "hang", "/api/v1/figures?by=city").json()
    assert [(row["city"], row["complaints"]) for row in report["rows"]] == [("杭州", 2)]
    assert "各分公司" in looked(desk, "hang", "/").text
    assert "各地市" in looked(desk, "hang", "/?province=浙江").text
    assert "各分公司" not in looked(desk, "ning", "/").text


def test_A11_one_drills_down_from_province_to_branch(desk: RunningDesk) -> None:
    with Browser(desk) as browser:
        browser.sign_in("boss")
        page = browser.get("/")
        assert ("浙江", "/?province=%E6%B5%99%E6%B1%9F") in links(page)
        page = browser.get("/?province=浙江&period=this-month")
        city = next(address for text, address in links(page) if text == "杭州")
        assert dict(parse_qsl(urlsplit(city).query)) == {
            "province": "浙江",
            "city": "杭州",
            "period": "this-month",
        }
        unknown = next(
            address
            for text, address in links(browser.get(city))
            if text == "未知" and "complaints" not in address
        )
        assert browser.get(unknown).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/?city=杭州",
        "/?period=for-ever",
        "/?from=2026-13",
        "/?from=2026-11-02&to=2026-11-01",
        "/complaints?after=x",
        "/complaints?of=missed&from=x",
        "/complaints?branch=西湖",
        "/overview.png?period=x",
    ],
)
def test_what_is_no_place_or_period_is_said_kindly(desk: RunningDesk, path: str) -> None:
    page = looked(desk, "boss", path)
    assert page.status_code == 422
    assert "暂时无法显示" in page.text


@pytest.mark.parametrize(
    "path", ["/complaints?status=x", "/complaints?of=x", "/complaints?order=x", "/complaints?owner=%00"]
)
def test_an_unknown_word_of_a_filter_is_refused(desk: RunningDesk, path: str) -> None:
    assert looked(desk, "boss", path).status_code == 422


def test_E5_a_workbook_opens_as_it_is_meant(desk: RunningDesk) -> None:
    """Numbers are numbers, a name that looks like a formula is text, and no customer is in it."""
    with desk.database.begin() as tx:
        for row in tx.query(Complaint).where(Complaint.city == "宁波市"):
            row.city, row.owner_person = EVIL, EVIL
    answer = looked(desk, "boss", "/overview.xlsx?province=浙江")
    assert answer.status_code == 200
    assert "filename*=UTF-8''%E6%8A%95%E8%AF%89" in answer.headers["content-disposition"]
    with zipfile.ZipFile(io.BytesIO(answer.content)) as book:
        parts = {name: book.read(name).decode() for name in book.namelist() if name.endswith(".xml")}
    whole = "".join(parts.values())
    assert "<f>" not in whole and EVIL in whole
    assert not [secret for secret in SECRETS if secret in whole]
    names = [
        each.attrib["name"]
        for each in ElementTree.fromstring(parts["xl/workbook.xml"]).iter()
        if each.tag.endswith("}sheet")
    ]
    assert names[:2] == ["说明 About", "各地市现状 By city, now"]
    first = parts["xl/worksheets/sheet2.xml"]
    assert 'state="frozen"' in first and re.search(r'<c r="B2"[^>]*><v>2</v>', first)


def test_E5_a_table_opens_in_a_spreadsheet(desk: RunningDesk) -> None:
    """The mark of UTF-8, both languages in the head, an apostrophe before what would be a formula."""
    with desk.database.begin() as tx:
        for row in tx.query(Complaint).where(Complaint.city == "宁波市"):
            row.city = EVIL
    answer = looked(desk, "boss", "/overview.csv?table=now-places&province=浙江")
    assert answer.content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert rows == [
        ["地市 City", "办理中 Running", "时限内 On time", "即将到期 Due soon", "已超时 Overdue"],
        ["杭州", "2", "0", "0", "2"],
        [f"'{EVIL}", "1", "0", "0", "1"],
    ]
    assert looked(desk, "boss", "/overview.csv?table=groups").status_code == 200
    assert looked(desk, "boss", "/overview.csv?table=customers").status_code == 404


def test_A11_a_picture_is_drawn_without_a_browser(desk: RunningDesk) -> None:
    answer = looked(desk, "hang", "/overview.png?from=2026-01-01")
    assert answer.headers["content-type"] == "image/png"
    assert answer.content.startswith(b"\x89PNG")
    assert len(answer.content) > 20_000
    assert answer.headers["cache-control"] == "no-store"


def test_without_a_chinese_font_one_is_told_what_to_do(
    desk: RunningDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(picture, "_font", lambda: None)
    answer = looked(desk, "boss", "/overview.png")
    assert answer.status_code == 503
    assert "fonts-noto-cjk" in answer.text


def test_A11_nothing_to_count_is_no_zero(database: Database) -> None:
    """Without a complaint there is no share, in no form of the overview."""
    with running(database, signing_in=required()) as empty:
        add_account(empty, "boss", "province-management")
        with Browser(empty) as browser:
            browser.sign_in("boss")
            assert "本期没有投诉" in browser.get("/overview/period").text
            for path in ("/", "/overview.xlsx", "/overview.png", "/complaints"):
                assert browser.get(path).status_code == 200
    assert shown(Cell(None), "share") == "–"
    assert (shown(Cell(0.5), "share"), shown(Cell(-0.2), "change")) == ("50.0%", "-20%")
    assert (shown(Cell(1234), "count"), shown(Cell(1234.56), "hours")) == ("1,234", "1,234.6")


def test_the_first_page_counts_tasks_where_the_person_works(desk: RunningDesk) -> None:
    add_task(desk, make(desk, "宁波市"))
    assert "前台" in looked(desk, "ning", "/?province=浙江").text
    assert "没有待办任务" in looked(desk, "hang", "/").text


def test_dear_answers_are_made_once_and_kept_ten_times_as_long_as_they_took() -> None:
    at, made = [0.0], []

    def make_it() -> int:
        at[0] += 3
        made.append(at[0])
        return len(made)

    kept: Kept[int] = Kept(lambda: at[0])
    assert [kept.get("a", make_it), kept.get("a", make_it), kept.get("b", make_it)] == [1, 1, 2]
    at[0] = 32.9
    assert kept.get("a", make_it) == 1
    at[0] = 33.0
    assert kept.get("a", make_it) == 3
    for each in range(100):
        kept.get(each, lambda: 0)
    at[0] = 34.0
    assert kept.get("b", make_it) == 4, "the oldest is forgotten"


def test_what_fails_is_not_kept() -> None:
    kept: Kept[int] = Kept()
    with pytest.raises(ZeroDivisionError):
        kept.get("a", lambda: 1 // 0)
    assert kept.get("a", lambda: 1) == 1


def test_a_name_of_a_sheet_is_never_too_long() -> None:
    """A workbook takes 31 characters."""
    sheet = Sheet("x", "很" * 20, "very long" * 5, (Column("甲", "A"),), [[Cell("b")]])
    look = Looking(Asked(date(2026, 11, 1), date(2026, 11, 2)), "", Part())
    assert downloads.xlsx([sheet], [("a", "b")], look).status_code == 200
    assert downloads.csv(sheet, look).body.decode("utf-8-sig") == "甲 A\r\nb\r\n"
