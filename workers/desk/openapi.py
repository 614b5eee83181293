"""The description of the API at /api/v1/openapi.json: FastAPI's, with answers, problems, keys and who may call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from workers.cases.complaint import ComplaintLine
from workers.cases.incident import SignedReport
from workers.cases.trouble_ticket import NewTicket, TicketChange
from workers.desk.api_access import EVERY, ROUTES
from workers.desk.once import LOOKS
from workers.desk.openapi_answers import ANSWERS, FILES, MODELS
from workers.desk.problem_kinds import KINDS
from workers.desk.problems import MEDIA_TYPE

_REF: Final = "#/components/schemas/"
_ABOUT: Final = (
    "Complaints of a telecom operator, the tasks of people who handle them, major events and figures. "
    "docs/api.md explains tokens and scopes, Idempotency-Key, pages, ETags and problems."
)
_BODIES: Final[dict[tuple[str, str], tuple[str, dict[str, Any]]]] = {
    ("post", "/api/v1/complaints"): (
        "ComplaintLine",
        {
            "policy": "petition",
            "channel": "app",
            "text": "套餐多扣了费",
            "customer": {"phone": "13800138000"},
        },
    ),
    ("post", "/api/v1/events"): (
        "SignedReport",
        {"as": "lin.qiantai", "policy": "petition", "kind": "hall-outage", "region": {"province": "浙江省"}},
    ),
    ("post", "/api/v1/tmf621/troubleTicket"): (
        "NewTicket",
        {
            "description": "套餐多扣了费",
            "ticketType": "complaint",
            "relatedParty": [
                {
                    "role": "customer",
                    "partyOrPartyRole": {"contactMedium": [{"phoneNumber": "13800138000"}]},
                }
            ],
        },
    ),
    ("patch", "/api/v1/tmf621/troubleTicket/{number}"): ("TicketChange", {"status": "cancelled"}),
}
"""Calls that read their body themselves: the schema of it, and an example."""
_SECURITY: Final = {
    "token": {"type": "http", "scheme": "bearer", "description": "`duban tokens add`, or of instance.json."},
    "session": {"type": "apiKey", "in": "cookie", "name": "duban", "description": "Of the pages."},
    "csrf": {
        "type": "apiKey",
        "in": "header",
        "name": "X-CSRF-Token",
        "description": "Beside the session, where something is changed.",
    },
}
_KEY: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Sent again with the same key it is answered again, not done again.",
    "schema": {"type": "string", "minLength": 16, "maxLength": 255, "pattern": "^[!#-\\[\\]-~]+$"},
    "example": "0f8b1c7e-6a52-4b0e-9d3a-1c2d3e4f5a6b",
}


def describe(app: FastAPI) -> Callable[[], dict[str, Any]]:
    """What answers for `app.openapi`; made once."""

    def described() -> dict[str, Any]:
        if app.openapi_schema is None:
            found = get_openapi(
                title="Duban 督办",
                version="1",
                description=_ABOUT,
                routes=app.routes,
                openapi_version="3.1.0",
            )
            _complete(found)
            app.openapi_schema = found
        return app.openapi_schema

    return described


def _complete(found: dict[str, Any]) -> None:
    components = found.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    asked = [ComplaintLine, SignedReport, NewTicket, TicketChange]
    modes: list[Any] = [(each, "serialization") for each in MODELS] + [(each, "validation") for each in asked]
    names, made = models_json_schema(modes, ref_template=f"{_REF}{{model}}")
    schemas |= made.get("$defs", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    components["securitySchemes"] = _SECURITY
    found["security"] = [{"token": []}, {"session": [], "csrf": []}]
    own = {name: names[model, mode] for model, mode in modes for name in [(model, mode)]}
    for path, calls in found["paths"].items():
        for method, call in calls.items():
            _complete_call(method, path, call, own)


def _complete_call(method: str, path: str, call: dict[str, Any], names: dict[Any, Any]) -> None:
    route = ROUTES.get((method.upper(), path))
    call["operationId"] = _name(method, path)
    call["tags"] = [path.removeprefix("/api/v1/").split("/")[0]]
    if route is not None and route.scope not in {None, EVERY}:
        call["description"] = f"{call.get('description', '')}\n\nScope: `{route.scope}`.".strip()
    call["responses"] = _answers(method, path, call, names)
    if (body := _BODIES.get((method, path))) is not None:
        schema, example = body
        wanted = next(
            ref for (model, mode), ref in names.items() if model.__name__ == schema and mode == "validation"
        )
        content = {"schema": wanted, "example": example}
        call["requestBody"] = {"required": True, "content": {"application/json": content}}
    if path.endswith("/evidence") and method == "post":
        file = {"schema": {"type": "string", "format": "binary"}}
        call["requestBody"] = {"required": True, "content": {"application/octet-stream": file}}
    if method != "get" and path not in LOOKS:
        call.setdefault("parameters", []).append(_KEY)


def _answers(method: str, path: str, call: dict[str, Any], names: dict[Any, Any]) -> dict[str, Any]:
    told_by_route = {} if (method, path) in FILES else call["responses"]
    answers: dict[str, Any] = {
        status: answer
        for status, answer in told_by_route.items()
        if (method, path) not in ANSWERS and status.startswith("2")
    }
    for status, model, is_list in ANSWERS.get((method, path), ()):
        schema = names[model, "serialization"]
        told = {"type": "array", "items": schema} if is_list else schema
        answers[str(status)] = _answer(status, {"application/json": {"schema": told}})
    for media_type in FILES.get((method, path), ()):
        content = {media_type: {"schema": {"type": "string", "format": "binary"}}}
        answers.setdefault("200", _answer(200, {}))["content"] |= content
    parameters = {each["name"] for each in call.get("parameters", [])}
    if "If-None-Match" in parameters:
        answers["304"] = {"description": "It is as it was."}
        answers["200"]["headers"] = {"ETag": {"schema": {"type": "string"}}}
    if "cursor" in parameters:
        link = {"description": 'The next page: `<…>; rel="next"`.', "schema": {"type": "string"}}
        answers["200"]["headers"] = {"Link": link}
    for status in _refusals(method, path, parameters):
        answers[str(status)] = _problem(status)
    return answers


def _refusals(method: str, path: str, parameters: set[str]) -> list[int]:
    """The statuses of problems that a call can be answered with."""
    found = [401, 403, 404, 413, 421, 422, 500, 503]
    if method != "get":
        found += [400, 409, 415]
    if "If-Match" in parameters:
        found.append(412)
    return sorted(found)


def _answer(status: int, content: dict[str, Any]) -> dict[str, Any]:
    said = {200: "As asked.", 201: "Made.", 206: "A part of the list."}[status]
    return {"description": said, "content": content}


def _problem(status: int) -> dict[str, Any]:
    kinds = {name: kind for name, kind in KINDS.items() if kind.status == status}
    schema = {"$ref": f"{_REF}Problem"}
    said = " ".join(f"`{name}`: {kind.en}" for name, kind in kinds.items())
    return {"description": said, "content": {MEDIA_TYPE: {"schema": schema}}}


def _name(method: str, path: str) -> str:
    """E.g. `post-complaints-number-withdrawal`."""
    words = path.removeprefix("/api/v1/").replace("{", "").replace("}", "").replace("id_", "id").split("/")
    return "-".join([method, *words])
