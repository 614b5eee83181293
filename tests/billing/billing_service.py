"""A billing and a ledger as an operator would have them: real HTTP, the interface of docs/refunds.md."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from workers.cases.refund import Posting
from workers.clock import Clock
from workers.errors import Conflict, NotFound, Refused
from workers.store import billing, holders
from workers.store.database import Database

TOKEN = "a-billing-token"


class BillingService:
    """A context manager; `url` is for the adapters. `ways` are answers to give instead, one per request.

    A way is a status, or `silent`: the request is carried out, and nothing is answered.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self.ways: list[int | str] = []
        self.requests: list[tuple[str, dict[str, Any], str | None]] = []
        """Path, body and Idempotency-Key of every request that came."""
        self._database, self._clock = database, clock
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> BillingService:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Nothing answers at the address any more; may be called twice."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()

    def _serve(self, path: str, body: dict[str, Any], key: str | None) -> tuple[int, dict[str, Any]]:
        try:
            with self._database.begin() as tx:
                match path.strip("/").split("/"):
                    case ["customers", "verify"]:
                        known = holders.is_holder(tx, body["customer_no"], body["phone"], body["name"])
                        return 200, {"is_holder": known}
                    case ["charges", "search"]:
                        found = billing.find(tx, body["customer_no"], body["kind"], body["period"])
                        return 200, {"charges": [vars(charge) for charge in found]}
                    case ["benefits", charge_id, "regrant"]:
                        assert key == body["refund_no"]
                        billing.regrant(tx, charge_id, body["refund_no"])
                        return 204, {}
                    case ["postings"]:
                        assert key == body["refund_no"] and body.pop("currency") == "CNY"
                        billing.post(tx, Posting(**body), self._clock.now())
                        return 201, {"reference": f"GL-{body['refund_no']}"}
        except NotFound as error:
            return 404, {"detail": str(error)}
        except Conflict as error:
            return 409, {"detail": str(error)}
        except Refused as error:
            return 422, {"detail": str(error)}
        return 404, {}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *arguments: Any) -> None:
                pass

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                key = self.headers.get("Idempotency-Key")
                service.requests.append((self.path, dict(body), key))
                way = service.ways.pop(0) if service.ways else None
                if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                    way = 401
                if isinstance(way, int):
                    self._answer(way, {})
                    return
                status, answer = service._serve(self.path, body, key)
                if way == "silent":
                    self.close_connection = True
                    return
                self._answer(status, answer)

            def _answer(self, status: int, body: dict[str, Any]) -> None:
                content = b"" if status == 204 else json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

        return Handler
