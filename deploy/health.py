"""The image's health check: 0 when the part in this container answers /healthz with 200, else 1 and why."""

from __future__ import annotations

import http.client
import os
import sys

PORTS = ("DUBAN_WEB__PORT", "DUBAN_RECORDS__PORT", "DUBAN_PROBE__PORT")
SECONDS = 8


def main() -> int:
    """Asks the three ports in turn: only one of them is listened on."""
    for port in (os.environ[name] for name in PORTS if os.environ.get(name)):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=SECONDS)
            connection.request("GET", "/healthz")
            answer = connection.getresponse()
        except ConnectionRefusedError:
            continue
        except OSError as error:
            sys.stdout.write(f"port {port} does not answer: {error}\n")
            return 1
        sys.stdout.write(answer.read(1000).decode(errors="replace") + "\n")
        return 0 if answer.status == http.HTTPStatus.OK else 1
    sys.stdout.write("nothing listens\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
