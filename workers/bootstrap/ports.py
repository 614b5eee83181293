"""The socket of the web page, bound before anything slow starts."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from workers.errors import Refused
from workers.settings import WebSettings


@contextmanager
def listening(web: WebSettings) -> Iterator[socket.socket]:
    """A listening socket on the wanted port; where nobody asked for that port, a free one when it is taken.

    Raises:
        Refused: the port that was asked for is taken, or the address is not this machine's.
    """
    with _open(web) as listener:
        yield listener


def url_of(listener: socket.socket) -> str:
    """How the page on this socket is called."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _open(web: WebSettings) -> socket.socket:
    try:
        return _listen(web.host, web.port)
    except OSError as error:
        if "port" not in web.model_fields_set:
            return _listen(web.host, 0)
        raise Refused(
            f"{web.host}:{web.port} cannot be listened on: {error.strerror}. Give another --port, or 0 for a free one."
        ) from error


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named, asyncio switches Nagle's algorithm off: else an answer may wait 40 ms for an ACK.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(128)
    except OSError:
        listener.close()
        raise
    listener.setblocking(False)
    return listener
