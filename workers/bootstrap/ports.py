"""The socket of the web page, bound before anything slow starts."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from workers.errors import Refused
from workers.serving import listen
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
        return listen(web.host, web.port)
    except OSError as error:
        if "port" not in web.model_fields_set:
            return listen(web.host, 0)
        raise Refused(
            f"{web.host}:{web.port} cannot be listened on: {error.strerror}. Give another --port, or 0 for a free one."
        ) from error
