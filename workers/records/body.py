"""Takes in the body of a request: gzip or plain, and never more than fits."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator
from typing import Final

from workers.errors import Refused

MAX_BYTES: Final = 64 * 1024 * 1024
"""Six times the exporter's default bulk limit of 10 MiB; a record is at most 4 MiB."""


class BodyTooLarge(Refused):
    """A request is larger than any that the exporter makes."""


class UnreadableBody(Refused):
    """A compressed body is damaged, or compressed in a way that was not announced."""


async def read_body(chunks: AsyncIterator[bytes], encoding: str, limit: int = MAX_BYTES) -> bytes:
    """The body, unpacked.

    Args:
        encoding: the Content-Encoding header: gzip, identity or nothing.
        limit: bytes, unpacked.

    Raises:
        BodyTooLarge: more than `limit` bytes.
        UnreadableBody: another encoding, or not what was announced.
    """
    if encoding not in ("", "identity", "gzip"):
        raise UnreadableBody(f"Content-Encoding {encoding} is not known here: gzip or none.")
    unpack = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS) if encoding == "gzip" else None
    body = bytearray()
    async for chunk in chunks:
        try:
            body += unpack.decompress(chunk, limit + 1 - len(body)) if unpack else chunk
        except zlib.error as error:
            raise UnreadableBody(f"The body is not gzip: {error}.") from error
        if len(body) > limit:
            raise BodyTooLarge(f"The body is larger than {limit} bytes.")
    if unpack and not unpack.eof:
        raise UnreadableBody("The gzip body ends too early.")
    return bytes(body)
