"""Which addresses are this machine's own."""

from __future__ import annotations

import ipaddress

import httpx


def is_local(url: str) -> bool:
    """Whether a URL leads to this machine: that is never reached through the environment's proxy."""
    host = httpx.URL(url).host
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
