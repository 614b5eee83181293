"""Every error of the API is a problem document (RFC 9457) whose `detail` says what to do."""

from __future__ import annotations

import http
from collections.abc import Mapping

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from workers.desk.problem_kinds import KINDS, PAGES, of_status
from workers.errors import Conflict, DubanError, Forbidden, NotFound, Refused, SignInNeeded, Unavailable

MEDIA_TYPE = "application/problem+json"


def problem(
    status: int,
    detail: str,
    headers: dict[str, str] | None = None,
    *,
    kind: str | None = None,
    fields: Mapping[str, str] | None = None,
) -> JSONResponse:
    """A problem document; `error` repeats the sentence for scripts that read one word only.

    Args:
        kind: of problem_kinds; None: what the status stands for.
        fields: for a form, what is wrong by field.
    """
    kind = kind or of_status(status)
    body: dict[str, object] = {
        "type": f"{PAGES}{kind}" if kind else "about:blank",
        "title": http.HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "error": detail,
    }
    if fields is not None:
        body["fields"] = dict(fields)
    return JSONResponse(body, status, headers, MEDIA_TYPE)


def kind_of_problem(kind: str, headers: dict[str, str] | None = None) -> JSONResponse:
    """A problem document that says no more than its kind does."""
    found = KINDS[kind]
    return problem(found.status, f"{found.zh} {found.en}", headers, kind=kind)


class OutOfScope(Forbidden):
    """A token was not given the scope that a call takes."""

    def __init__(self, scope: str) -> None:
        super().__init__(
            f"此令牌没有权限范围 {scope}。 The token was not given the scope {scope}, which this call takes."
        )
        self.scope = scope


class Changed(Conflict):
    """What If-Match names has changed since it was read; nothing was changed."""


def of_error(error: DubanError) -> JSONResponse:
    """The problem document that says what the error says."""
    if isinstance(error, OutOfScope):
        asked = f'Bearer error="insufficient_scope", scope="{error.scope}"'
        return problem(403, str(error), {"WWW-Authenticate": asked}, kind="insufficient-scope")
    return problem(status_of(error), str(error))


def status_of(error: DubanError) -> int:
    """The HTTP status that says what kind of failure it is."""
    kinds = (
        (SignInNeeded, 401),
        (Forbidden, 403),
        (NotFound, 404),
        (Changed, 412),
        (Conflict, 409),
        (Refused, 422),
        (Unavailable, 503),
    )
    return next((status for kind, status in kinds if isinstance(error, kind)), 500)


def answer_failures(app: FastAPI) -> None:
    """Makes the app answer what the framework refuses as a problem document."""

    @app.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException) -> JSONResponse:
        detail = error.detail
        if error.status_code == 404 and detail == "Not Found":
            detail = f"there is nothing at {request.url.path[:100]}; docs/api.md lists what there is"
        return problem(error.status_code, detail, dict(error.headers or {}))

    @app.exception_handler(RequestValidationError)
    async def _invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        return problem(422, sentence(error))


def unknown() -> JSONResponse:
    """Of an error that nobody foresaw. The server logs the traceback; what went wrong may hold personal data and is not
    told here."""
    return problem(500, "出错了。 Something went wrong inside; the log of the instance says what.")


def sentence(error: RequestValidationError) -> str:
    """Everything that is wrong with a request, by field, without repeating what was sent."""
    parts = []
    for each in error.errors():
        place = ".".join(str(part) for part in each["loc"] if part not in {"body", "query", "path"})
        parts.append(f"{ascii(place[:60])[1:-1] or 'the body'}: {each['msg']}")
    return "; ".join(parts[:10])
