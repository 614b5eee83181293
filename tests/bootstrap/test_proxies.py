"""Behind a reverse proxy: whose word about the browser's address counts (DUBAN_WEB__TRUSTED_PROXIES)."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from workers.serving import listen, served


async def told(scope: dict[str, Any], _receive: Any, send: Any) -> None:
    """Answers with the address and the scheme that the application sees."""
    said = f"{scope['client'][0]} {scope['scheme']}".encode()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": said})


@pytest.mark.parametrize(
    ("proxies", "seen"),
    [
        ("", "127.0.0.1 http"),
        ("192.0.2.1", "127.0.0.1 http"),
        ("127.0.0.1", "203.0.113.9 https"),
        ("192.0.2.1, 127.0.0.1", "203.0.113.9 https"),
    ],
)
def test_only_the_proxies_that_are_named_are_believed(proxies: str, seen: str) -> None:
    """Else everybody could guess passwords from a new address each time."""

    async def ask() -> str:
        listener = listen("127.0.0.1", 0)
        port = listener.getsockname()[1]
        forwarded = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}
        async with (
            served(told, listener, name="web", grace_seconds=1, proxies=proxies),
            httpx.AsyncClient(trust_env=False, timeout=60) as http,
        ):
            return (await http.get(f"http://127.0.0.1:{port}/", headers=forwarded)).text

    assert asyncio.run(ask()) == seen
