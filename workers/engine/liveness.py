"""Whether an engine that runs still works: one can stay without a leader after its disk was full (camunda#13861)."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

import httpx

from workers.engine.broker_process import disk_trouble

READY: Final = "/actuator/health/status"
"""Answers 200 while every partition has a healthy leader."""
PROBE_SECONDS: Final = 10.0
PATIENCE: Final = 12
"""Probes in a row: two minutes, as docs/operations.md asks for on a cluster. What heals by itself does so earlier."""
_ANSWER_SECONDS: Final = 5.0


async def until_stuck(management_url: str, folder: Path) -> None:
    """Returns when the engine has not been ready at so many looks in a row, though its disk has room."""
    bad = 0
    async with httpx.AsyncClient(base_url=management_url, timeout=_ANSWER_SECONDS, trust_env=False) as client:
        while bad < PATIENCE:
            await asyncio.sleep(PROBE_SECONDS)
            is_excused = await _is_ready(client) or disk_trouble(folder) is not None
            bad = 0 if is_excused else bad + 1


async def _is_ready(client: httpx.AsyncClient) -> bool:
    try:
        return (await client.get(READY)).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False
