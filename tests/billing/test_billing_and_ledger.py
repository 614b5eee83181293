"""One contract for both adapters of billing and ledger: tables in the store, and a real server over HTTP (D1, D3)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr

from tests.billing.billing_service import TOKEN, BillingService
from workers.billing.choice import open_billing, open_ledger
from workers.billing.embedded import EmbeddedBilling
from workers.billing.http import HttpBilling, HttpLedger
from workers.billing.ports import BillingPort, LedgerPort
from workers.bootstrap.resources import deploy_file
from workers.cases.refund import Charge, Posting
from workers.clock import MovedClock
from workers.errors import Broken, Refused, RetryLater
from workers.settings import BillingSettings, LedgerSettings, Settings
from workers.store import billing, holders
from workers.store.billing import ChargeLine
from workers.store.database import Database

POSTING = Posting("TF20260301-000001", "TS20260301-000001", "wrong-charge", "CH-1", 7600)


def line(charge_id: str, period: str, fen: int, kind: str = "charge", *, granted: bool = False) -> ChargeLine:
    row = {
        "charge_id": charge_id,
        "customer_no": "C-1",
        "period": period,
        "item": "会员包",
        "amount_fen": fen,
    }
    return ChargeLine.model_validate(row | {"kind": kind, "is_granted": granted})


@pytest.fixture
def books(database: Database) -> Database:
    """What the operator has: charges and benefits of one customer."""
    with database.begin() as tx:
        lines = [line("CH-1", "2026-01", 3800), line("CH-2", "2026-02", 9900)]
        lines += [
            line("BN-1", "2026-02", 3000, "benefit"),
            line("BN-2", "2026-02", 5, "benefit", granted=True),
        ]
        billing.load(tx, lines)
        holders.load(tx, [holders.HolderLine(customer_no="C-1", name="Wang 小明", phone="139 0000 1001")])
    return database


@pytest.fixture
def service(books: Database) -> Iterator[BillingService]:
    with BillingService(books, MovedClock()) as found:
        yield found


@pytest.fixture(params=["embedded", "http"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """Which adapters the settings choose."""
    if request.param == "embedded":
        return Settings(data=tmp_path)
    url, token = request.getfixturevalue("service").url, SecretStr(TOKEN)
    ports = {"billing": BillingSettings(url=url, token=token), "ledger": LedgerSettings(url=url, token=token)}
    return Settings(data=tmp_path, **ports)


@pytest.fixture
def port(settings: Settings, books: Database) -> Iterator[BillingPort]:
    found = open_billing(settings, books)
    assert isinstance(found, BillingPort)
    yield found
    found.close()


@pytest.fixture
def ledger(settings: Settings, books: Database) -> Iterator[LedgerPort]:
    found = open_ledger(settings, books, MovedClock())
    assert isinstance(found, LedgerPort)
    yield found
    found.close()


@pytest.mark.parametrize(
    ("customer_no", "phone", "name", "is_known"),
    [
        ("C-1", "+8613900001001", "Wang小明", True),
        ("C-1", "+8613900001001", " ｗａｎｇ 小明", True),
        ("C-1", "+8613900001002", "Wang小明", False),
        ("C-1", "+8613900001001", "王小明", False),
        ("C-2", "+8613900001001", "Wang小明", False),
    ],
)
def test_B2_billing_knows_a_customer_by_number_telephone_and_name(
    port: BillingPort, customer_no: str, phone: str, name: str, is_known: bool
) -> None:
    """All three, or it says no; how a name was typed does not matter."""
    assert port.is_holder(customer_no, phone, name) is is_known


def test_D1_charges_of_a_customer_the_newest_first(port: BillingPort) -> None:
    """By kind and, where it is named, by month; whoever is unknown has none."""
    assert [charge.charge_id for charge in port.charges("C-1", "charge", None)] == ["CH-2", "CH-1"]
    assert port.charges("C-1", "charge", "2026-01") == [Charge("CH-1", "charge", "2026-01", "会员包", 3800)]
    assert {charge.charge_id: charge.is_granted for charge in port.charges("C-1", "benefit", "2026-02")} == {
        "BN-1": False,
        "BN-2": True,
    }
    assert port.charges("C-1", "charge", "2025-01") == port.charges("nobody", "charge", None) == []


def test_D1_a_benefit_is_granted_after_all_once(port: BillingPort) -> None:
    """The same refund twice is once; another refund, or a benefit that the customer has, is refused."""
    for _ in range(2):
        port.regrant("BN-1", "TF20260301-000001")
    assert [
        charge.is_granted for charge in port.charges("C-1", "benefit", None) if charge.charge_id == "BN-1"
    ] == [True]
    for charge_id in ("BN-1", "BN-2", "CH-1", "missing"):
        with pytest.raises(Broken):
            port.regrant(charge_id, "TF20260301-000002")


def test_D3_a_refund_number_is_posted_exactly_once(ledger: LedgerPort, books: Database) -> None:
    """Eight at the same instant, then again: one entry, one reference."""
    references: list[str] = []
    threads = [threading.Thread(target=lambda: references.append(ledger.post(POSTING))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(references) == 8 and set(references) == {ledger.post(POSTING)}
    with books.read() as tx:
        assert [(entry.refund_no, entry.amount_fen) for entry in billing.entries(tx)] == [
            (POSTING.refund_no, 7600)
        ]


def test_D3_another_amount_under_the_same_number_is_refused(ledger: LedgerPort) -> None:
    """Never a quiet second truth."""
    ledger.post(POSTING)
    for other in (replace(POSTING, amount_fen=7601), replace(POSTING, charge_id=None)):
        with pytest.raises(Broken):
            ledger.post(other)


def http_ledger(service: BillingService, token: str = TOKEN, seconds: float = 10) -> HttpLedger:
    return HttpLedger(LedgerSettings(url=service.url, token=SecretStr(token), timeout_seconds=seconds))


@pytest.mark.parametrize("way", [401, 403, 404, 408, 425, 429, 500, 502, 503, 302, "silent"])
def test_what_may_be_better_later_is_tried_again_and_posted_once(
    service: BillingService, books: Database, way: int | str
) -> None:
    """Also where the ledger did it and its answer was lost."""
    ledger = http_ledger(service)
    service.ways = [way]
    with pytest.raises(RetryLater):
        ledger.post(POSTING)
    assert ledger.post(POSTING) == f"GL-{POSTING.refund_no}"
    assert [key for _, _, key in service.requests] == [POSTING.refund_no] * 2
    with books.read() as tx:
        assert len(billing.entries(tx)) == 1
    ledger.close()


@pytest.mark.parametrize("way", [400, 409, 410, 422])
def test_what_will_never_do_is_told_at_once(service: BillingService, way: int) -> None:
    """Stuck work for operations, not a loop."""
    service.ways = [way]
    ledger = http_ledger(service)
    with pytest.raises(Broken, match=str(way)):
        ledger.post(POSTING)
    ledger.close()


def test_a_service_that_is_not_there_is_tried_again_later(service: BillingService) -> None:
    """No connection, no customer number in the sentence."""
    service.close()
    port = HttpBilling(BillingSettings(url=service.url, token=SecretStr(TOKEN)))
    with pytest.raises(RetryLater, match="cannot be reached") as error:
        port.charges("C-1", "charge", None)
    assert "C-1" not in str(error.value)
    port.close()


def test_a_wrong_token_waits_until_it_is_mended(service: BillingService) -> None:
    """401 is operations' matter; the refund goes on afterwards."""
    ledger = http_ledger(service, token="another")
    with pytest.raises(RetryLater, match="401"):
        ledger.post(POSTING)
    ledger.close()


def test_B10_the_customer_number_is_never_part_of_a_url(service: BillingService) -> None:
    """Addresses end up in logs."""
    port = HttpBilling(BillingSettings(url=service.url, token=SecretStr(TOKEN)))
    port.charges("C-1", "charge", None)
    assert [path for path, _, _ in service.requests] == ["/charges/search"]
    port.close()


def test_B2_B10_an_identity_is_asked_about_in_the_body_and_a_strange_answer_is_no_yes(
    service: BillingService,
) -> None:
    """Neither address nor sentence repeats anything of the customer."""
    port = HttpBilling(BillingSettings(url=service.url, token=SecretStr(TOKEN)))
    service.ways = [201, 404]
    for expected in (Broken, RetryLater):
        with pytest.raises(expected) as error:
            port.is_holder("C-1", "+8613900001001", "Wang小明")
        assert not {"C-1", "+8613900001001", "小明"} & set(str(error.value).split())
    assert {path for path, _, _ in service.requests} == {"/customers/verify"}
    port.close()


def test_an_adapter_without_url_says_which_setting_is_missing() -> None:
    """And nothing is guessed."""
    with pytest.raises(Refused, match="DUBAN_LEDGER__URL"):
        HttpLedger(LedgerSettings())


def test_the_sample_charges_load_and_stay_as_they_are(database: Database) -> None:
    """A second start adds nothing, and takes back nothing that was granted since."""
    lines = billing.read_file(deploy_file("sample-charges.json"))
    for _ in range(2):
        with database.begin() as tx:
            billing.load(tx, lines)
            billing.regrant(tx, "BN-202611-30877-1", "TF20261124-000001")
    (found,) = EmbeddedBilling(database).charges("HZ-MB-30877", "benefit", None)
    assert found.is_granted


def test_B2_the_sample_holders_load_and_follow_the_file(database: Database, tmp_path: Path) -> None:
    """An account that changed hands is its new holder's; a file that is none is told without repeating it."""
    with database.begin() as tx:
        holders.load(tx, holders.read_file(deploy_file("sample-holders.json")))
    port = EmbeddedBilling(database)
    assert port.is_holder("HZ-MB-30877", "+8613900001002", "陈立")
    with database.begin() as tx:
        holders.load(tx, [holders.HolderLine(customer_no="HZ-MB-30877", name="陈新", phone="13900001003")])
    assert not port.is_holder("HZ-MB-30877", "+8613900001002", "陈立")
    assert port.is_holder("HZ-MB-30877", "+8613900001003", "陈新")
    path = tmp_path / "holders.json"
    path.write_text('[{"customer_no": "C-1", "name": "陈立", "phone": "12"}]', encoding="utf-8")
    with pytest.raises(Refused, match="holders file") as error:
        holders.read_file(path)
    assert "陈立" not in str(error.value)
    with pytest.raises(Refused, match="can't be read"):
        holders.read_file(tmp_path / "missing.json")


@pytest.mark.parametrize("text", ["{}", "[{}]", '[{"charge_id": "x"}]', "no json"])
def test_a_charges_file_that_is_none_is_told_with_its_place(tmp_path: Path, text: str) -> None:
    """Before anything starts."""
    path = tmp_path / "charges.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(Refused, match="charges file"):
        billing.read_file(path)
    with pytest.raises(Refused, match="can't be read"):
        billing.read_file(tmp_path / "missing.json")
