"""User tasks over the engine's REST API: `/v2` where the engine has it (8.6 and later), else `/v1` (8.5)."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any

import httpx

from workers.engine.access import OPEN, Access, RestAuth
from workers.engine.addresses import is_local
from workers.engine.failures import encode
from workers.errors import Broken, Conflict, NotFound, Refused, Unavailable


class UserTasks:
    """An async context manager around one connection pool.

    Args:
        rest_url: the gateway's REST address, e.g. ``http://127.0.0.1:8080``.
        access: how the engine is shown who asks.
    """

    def __init__(self, rest_url: str, access: Access = OPEN) -> None:
        self._access = access
        self._rest_url = rest_url.rstrip("/")
        self._client: httpx.AsyncClient | None = None
        self._version: str | None = None

    async def __aenter__(self) -> UserTasks:
        self._client = httpx.AsyncClient(
            base_url=self._rest_url,
            timeout=15,
            trust_env=not is_local(self._rest_url),
            verify=self._access.ssl_context() or True,
            auth=RestAuth(self._access),
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def assign(self, key: str, person: str, *, take_over: bool = False) -> None:
        """Give a task to somebody. Raises Conflict when another has it and `take_over` is False; see
        `complete`."""
        await self._send(
            "POST", key, "assignment", {"assignee": person, "allowOverride": take_over, "action": "assign"}
        )

    async def unassign(self, key: str) -> None:
        """Give a task back to its groups. Raises as `complete` does."""
        await self._send("DELETE", key, "assignee", None)

    async def complete(self, key: str, variables: Mapping[str, Any], action: str = "complete") -> None:
        """Complete a task with process variables (no personal data).

        Raises:
            NotFound: not open: completed or cancelled meanwhile, or never there.
            Conflict: in the middle of something else.
            Refused: the engine does not take the variables.
            Unavailable: no answer. It may have been done: look again.
        """
        try:
            encode(dict(variables))
        except Broken as error:
            raise Refused(f"变量无法传给引擎。 The engine cannot take the answer: {error}") from error
        await self._send("POST", key, "completion", {"variables": dict(variables), "action": action})

    async def _send(self, method: str, key: str, what: str, body: Mapping[str, Any] | None) -> None:
        if not key.isdecimal() or not 0 < int(key) < 1 << 63:
            raise _not_open(key)
        version = await self._api_version()
        answer = await self._request(method, f"/{version}/user-tasks/{key}/{what}", body)
        if answer.is_success:
            return
        if answer.status_code == httpx.codes.NOT_FOUND or await self._has_no_partition(answer, version, key):
            raise _not_open(key)
        if answer.status_code == httpx.codes.CONFLICT:
            raise Conflict(
                f"任务 {key} 已由他人处理。 Task {key} is held by somebody else, or is just changing."
            )
        if answer.status_code in (httpx.codes.BAD_REQUEST, httpx.codes.UNPROCESSABLE_ENTITY):
            raise Refused(
                f"引擎拒绝了任务 {key} 的答复。 The engine refused this for task {key}: {_detail(answer)}"
            )
        raise Unavailable(
            f"引擎暂时无法处理任务（{answer.status_code}）。 The engine cannot take this now "
            f"(HTTP {answer.status_code}); try again shortly."
        )

    async def _api_version(self) -> str:
        if self._version is None:
            answer = await self._request("GET", "/v2/topology", None)
            if answer.is_success:
                self._version = "v2"
            elif answer.status_code == httpx.codes.NOT_FOUND:
                self._version = "v1"
            else:
                raise Unavailable(f"引擎无应答。 {self._rest_url} answered HTTP {answer.status_code}.")
        return self._version

    async def _has_no_partition(self, answer: httpx.Response, version: str, key: str) -> bool:
        """8.5 answers 500 for a key whose partition does not exist."""
        if answer.status_code != httpx.codes.INTERNAL_SERVER_ERROR:
            return False
        topology = await self._request("GET", f"/{version}/topology", None)
        return topology.is_success and not 1 <= int(key) >> 51 <= int(topology.json()["partitionsCount"])

    async def _request(self, method: str, path: str, body: Mapping[str, Any] | None) -> httpx.Response:
        if self._client is None:
            raise RuntimeError("user tasks are used inside `async with`")
        try:
            return await self._client.request(method, path, json=body)
        except httpx.TransportError as error:
            raise Unavailable(
                f"引擎无应答。 The engine at {self._rest_url} does not answer ({type(error).__name__}); "
                "try again when it is back."
            ) from error


def _not_open(key: str) -> NotFound:
    return NotFound(
        f"任务 {key} 不在办理中。 Task {key} is not open: it was completed or cancelled, or never was."
    )


def _detail(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["detail"])[:300]
    except (ValueError, KeyError, TypeError):
        return f"HTTP {answer.status_code}"
