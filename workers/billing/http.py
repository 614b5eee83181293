"""Billing and ledger of the operator, over HTTP. docs/refunds.md describes the interface."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final
from urllib.parse import quote

import httpx
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from workers.cases.refund import Charge, Posting
from workers.errors import Broken, Refused, RetryLater
from workers.settings import PortSettings

_LATER: Final = {401, 403, 404, 405, 407, 408, 425, 429}
"""A wrong token or URL is mended by operations, and then it goes on; a busy server says when it is free."""
_SUCCESS: Final = {200, 201, 204}


class _Charge(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    charge_id: Annotated[str, Field(max_length=64)]
    kind: str
    period: str
    item: str
    amount_fen: Annotated[int, Field(strict=True)]
    is_granted: bool = False


class _Charges(BaseModel):
    charges: list[_Charge]


class _Holder(BaseModel):
    is_holder: Annotated[bool, Field(strict=True)]


class _Reference(BaseModel):
    reference: Annotated[str, Field(max_length=64)]


class _Service:
    """POSTs JSON with a bearer token. Answers that may be better later are RetryLater, all others Broken.

    Raises Refused when there is no URL in the settings.
    """

    def __init__(self, name: str, settings: PortSettings) -> None:
        if not settings.url:
            raise Refused(f"the {name} has no URL: set DUBAN_{name.upper()}__URL")
        self._name = name
        headers = {"User-Agent": "duban", "Accept": "application/json"}
        if settings.token is not None:
            headers["Authorization"] = f"Bearer {settings.token.get_secret_value()}"
        self._client = httpx.Client(
            base_url=settings.url.rstrip("/"), headers=headers, timeout=settings.timeout_seconds
        )

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()

    def _post(
        self, path: str, body: Mapping[str, Any], key: str | None = None, final: frozenset[int] = frozenset()
    ) -> httpx.Response:
        """Sends; `key` makes it once. `final`: answers that are no use to repeat, though others of their kind are."""
        headers = {"Idempotency-Key": key} if key else {}
        try:
            answer = self._client.post(path, json=dict(body), headers=headers)
        except httpx.HTTPError as error:
            raise RetryLater(f"the {self._name} cannot be reached: {type(error).__name__}") from error
        if answer.status_code in _SUCCESS:
            return answer
        sentence = f"the {self._name} answered {answer.status_code}"
        is_later = answer.is_server_error or answer.is_redirect or answer.status_code in _LATER
        if is_later and answer.status_code not in final:
            raise RetryLater(sentence)
        raise Broken(sentence)


class HttpBilling(_Service):
    """`POST /customers/verify`, `POST /charges/search`, `POST /benefits/{charge_id}/regrant`.

    Nothing of a customer is ever part of a URL.
    """

    def __init__(self, settings: PortSettings) -> None:
        super().__init__("billing", settings)

    def is_holder(self, customer_no: str, phone: str, name: str) -> bool:
        """See BillingPort."""
        body = {"customer_no": customer_no, "phone": phone, "name": name}
        answer = self._post("/customers/verify", body)
        try:
            return _Holder.model_validate_json(answer.content).is_holder
        except ValidationError:
            raise Broken("the billing answered about a holder what cannot be understood") from None

    def charges(self, customer_no: str, kind: str, period: str | None) -> list[Charge]:
        """See BillingPort."""
        answer = self._post("/charges/search", {"customer_no": customer_no, "kind": kind, "period": period})
        try:
            found = _Charges.model_validate_json(answer.content)
        except ValidationError:
            raise Broken("the billing answered a list of charges that cannot be understood") from None
        return [Charge(**each.model_dump()) for each in found.charges if each.kind == kind]

    def regrant(self, charge_id: str, refund_no: str) -> None:
        """See BillingPort."""
        path = f"/benefits/{quote(charge_id, safe='')}/regrant"
        self._post(path, {"refund_no": refund_no}, refund_no, frozenset({404}))


class HttpLedger(_Service):
    """`POST /postings` with `Idempotency-Key` = refund number."""

    def __init__(self, settings: PortSettings) -> None:
        super().__init__("ledger", settings)

    def post(self, posting: Posting) -> str:
        """See LedgerPort."""
        body = {
            "refund_no": posting.refund_no,
            "number": posting.number,
            "kind": posting.kind,
            "charge_id": posting.charge_id,
            "amount_fen": posting.amount_fen,
            "currency": "CNY",
        }
        answer = self._post("/postings", body, posting.refund_no)
        try:
            return _Reference.model_validate_json(answer.content).reference
        except ValidationError:
            raise Broken("the ledger answered a posting without a usable reference") from None
