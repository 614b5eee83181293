"""The kinds of problem that the API answers with (RFC 9457): what `type` says, and what its page tells people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

PAGES: Final = "/problems/"
"""`type` is this and the name of the kind: a page of the instance, for everybody."""


@dataclass(frozen=True)
class Kind:
    """Of problem. The sentences say what to do; `detail` says what was wrong this time."""

    status: int
    zh: str
    en: str


KINDS: Final[dict[str, Kind]] = {
    "invalid-idempotency-key": Kind(
        400,
        "Idempotency-Key 须为 16 至 255 个可见字符，只能出现一次。",
        "Idempotency-Key has 16 to 255 visible characters and is there once; best a random UUID.",
    ),
    "not-signed-in": Kind(
        401,
        "缺少令牌或令牌无效，或登录已结束。",
        "The token is missing, wrong, revoked or over, or the session is over.",
    ),
    "forbidden": Kind(
        403,
        "此人或此令牌无权这样做。",
        "Whoever calls may not do this: another person's name in `as`, no right, another region, a request made by "
        "another site, or a password that has to be changed first.",
    ),
    "insufficient-scope": Kind(
        403,
        "令牌没有此操作的权限范围。",
        "The token was not given the scope that this call takes; WWW-Authenticate names it.",
    ),
    "not-found": Kind(
        404,
        "没有这个编号、键或路径，或不在可见范围内。",
        "There is nothing under this number, key or path, or it is not for whoever asks to see.",
    ),
    "method-not-allowed": Kind(
        405, "此路径不接受该方法。", "There is no such method at this path; Allow names those there are."
    ),
    "conflict": Kind(
        409,
        "期间已办结、收回或取消，未作任何更改。",
        "Done, taken or cancelled meanwhile; nothing was changed.",
    ),
    "still-running": Kind(
        409,
        "同一请求正在处理，请稍后以同一 Idempotency-Key 重发。",
        "A request with this Idempotency-Key is being handled; send it again after Retry-After.",
    ),
    "changed-meanwhile": Kind(
        412,
        "内容已被更改，请重新读取后再试，未作任何更改。",
        "What If-Match names has changed since it was read; read it again. Nothing was changed.",
    ),
    "too-large": Kind(413, "请求超过允许的长度。", "The request is longer than is taken."),
    "unsupported-media-type": Kind(
        415,
        "请求内容须为 JSON。",
        "The body is not of the media type that this call takes: application/json.",
    ),
    "wrong-host": Kind(
        421,
        "此服务不使用该主机名。",
        "The server is not spoken to by that host name; DUBAN_WEB__PUBLIC_URL says by which.",
    ),
    "refused": Kind(
        422,
        "内容不符合要求，未作任何更改；每处问题均已说明。",
        "The content does not fit; every problem is named, nothing was changed.",
    ),
    "idempotency-key-reused": Kind(
        422,
        "此 Idempotency-Key 已用于另一内容，未作任何更改。",
        "This Idempotency-Key was used for a request with other content; nothing was changed. Take a new key.",
    ),
    "too-many-tries": Kind(
        429, "尝试过多，请稍后再试。", "Too many tries; wait as long as Retry-After says."
    ),
    "failed": Kind(
        500, "出错了，详见实例日志。", "Something went wrong inside; the log of the instance says what."
    ),
    "unavailable": Kind(
        503,
        "流程引擎或数据库无应答，请稍后重试；文字已存为草稿。",
        "The engine or the store does not answer: try again. Text answers to a form were kept as a draft.",
    ),
}

_COMMON: Final = {kind.status: name for name, kind in reversed(KINDS.items()) if name != "insufficient-scope"}


def of_status(status: int) -> str | None:
    """The kind that a status stands for where nothing says more; None: none of ours."""
    return _COMMON.get(status)
