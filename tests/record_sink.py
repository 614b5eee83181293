"""A stand-in for the records endpoint: answers the engine's exporter and keeps what it sends."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Record = dict[str, Any]


class RecordSink:
    """A context manager; `url` is for the exporter, `wait_for` for the test."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self._news = threading.Condition()
        sink = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *args: object) -> None:
                pass

            def do_PUT(self) -> None:
                self._body()
                self._answer({"acknowledged": True})

            def do_POST(self) -> None:
                lines = self._body().splitlines()
                sink.take([json.loads(line) for line in lines[1::2]])
                self._answer({"errors": False, "items": []})

            def _body(self) -> bytes:
                if self.headers.get("Transfer-Encoding") != "chunked":
                    return self.rfile.read(int(self.headers.get("Content-Length", 0)))
                parts = []
                while size := int(self.rfile.readline(), 16):
                    parts.append(self.rfile.read(size))
                    self.rfile.readline()
                self.rfile.readline()
                return b"".join(parts)

            def _answer(self, body: Record) -> None:
                text = json.dumps(body).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("X-Elastic-Product", "Elasticsearch")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        """Where the exporter posts to."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> RecordSink:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def take(self, records: list[Record]) -> None:
        """New records have come."""
        with self._news:
            self.records += records
            self._news.notify_all()

    def find(self, value_type: str, intent: str, **value: object) -> list[Record]:
        """Records of a type and intent whose value has these fields."""
        return [
            record
            for record in list(self.records)
            if record["valueType"] == value_type
            and record["intent"] == intent
            and all(record["value"].get(name) == wanted for name, wanted in value.items())
        ]

    def wait_for(self, value_type: str, intent: str, seconds: float = 60, **value: object) -> Record:
        """The first such record; fails the test when none has come in time."""
        return self.wait_until(lambda: self.find(value_type, intent, **value), seconds)[0]

    def wait_until(self, look: Callable[[], list[Record]], seconds: float = 60) -> list[Record]:
        """What `look` finds once it finds something."""
        with self._news:
            assert self._news.wait_for(lambda: bool(look()), seconds), "the record did not come"
            return look()
