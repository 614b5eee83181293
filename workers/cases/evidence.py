"""What a file of evidence is, by its content and not by its name (rules B4, B9, D11)."""

from __future__ import annotations

import codecs
from collections.abc import Callable
from typing import BinaryIO, Final

from workers.errors import Refused

KINDS: Final = {
    "document": frozenset({"image/jpeg", "image/png", "application/pdf", "text/plain"}),
    "audio": frozenset({"audio/mpeg", "audio/wav", "video/mp4"}),
    "video": frozenset({"video/mp4"}),
    "call-recording": frozenset({"audio/mpeg", "audio/wav", "video/mp4"}),
}
"""Kind of evidence -> the media types it may have (an MP4 may hold sound alone)."""

_TAKEN: Final = "jpg, png, pdf, mp3, wav, mp4, txt"
_TAIL: Final = 2048
_CHUNK: Final = 1 << 20


def media_type(file: BinaryIO, size: int) -> str:
    """The media type of a whole file.

    Args:
        file: seekable, at any place.

    Raises:
        Refused: it is none of the types taken, or it begins as one and is not whole.
    """
    file.seek(0)
    head = file.read(64)
    for found, begins, is_whole in _TYPES:
        if begins(head):
            if not is_whole(file, size):
                raise Refused(
                    f"文件不完整。 The file begins as {found} but is not whole; ask for it again and send that."
                )
            return found
    if _is_text(file):
        return "text/plain"
    raise Refused(f"文件类型不受理。 The file is none of {_TAKEN}: its content decides, not its name.")


def check_kind(kind: str, found: str) -> None:
    """Raises Refused when a file of this type is no evidence of this kind."""
    if kind not in KINDS:
        raise Refused(f"{kind[:40]!a} is no kind of evidence; there are {', '.join(KINDS)}")
    if found not in KINDS[kind]:
        fitting = ", ".join(each for each, types in KINDS.items() if found in types)
        raise Refused(f"证据类别与文件不符。 A file of type {found} is no {kind}; it can be {fitting}.")


def _ends(*marks: bytes) -> Callable[[BinaryIO, int], bool]:
    def look(file: BinaryIO, size: int) -> bool:
        file.seek(max(0, size - _TAIL))
        tail = file.read(_TAIL)
        return any(mark in tail for mark in marks)

    return look


def _wav_is_whole(file: BinaryIO, size: int) -> bool:
    file.seek(4)
    told = int.from_bytes(file.read(4), "little")
    return size > 44 and told + 8 <= size + 1


def _mp3_is_whole(file: BinaryIO, size: int) -> bool:
    """There is a frame of sound after the tag; MPEG audio has no length that could be compared."""
    file.seek(0)
    head = file.read(10)
    start = 0
    if head[:3] == b"ID3" and len(head) == 10:
        start = 10 + sum((byte & 0x7F) << shift for byte, shift in zip(head[6:], (21, 14, 7, 0), strict=True))
    file.seek(start)
    sound = file.read(4096).lstrip(b"\0")
    return start < size and len(sound) > 3 and sound[0] == 0xFF and sound[1] & 0xE0 == 0xE0


def _mp4_is_whole(file: BinaryIO, size: int) -> bool:
    """Its boxes follow each other to the end, and the one that describes them is there."""
    place, names = 0, set()
    while place + 8 <= size:
        file.seek(place)
        head = file.read(16)
        length, name = int.from_bytes(head[:4], "big"), head[4:8]
        if length == 1:
            length = int.from_bytes(head[8:16], "big")
        elif length == 0:
            length = size - place
        if length < 8:
            return False
        names.add(name)
        place += length
    return place == size and b"moov" in names


def _is_text(file: BinaryIO) -> bool:
    """UTF-8, or the Chinese encoding of older systems; no control characters."""
    return any(_decodes(file, encoding) for encoding in ("utf-8", "gb18030"))


def _decodes(file: BinaryIO, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    file.seek(0)
    try:
        while chunk := file.read(_CHUNK):
            if any(letter < " " and letter not in "\t\n\r\f" for letter in decoder.decode(chunk)):
                return False
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _is_mp3(head: bytes) -> bool:
    return head[:3] == b"ID3" or (
        len(head) > 2 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0 and head[1] & 0x06 == 0x02
    )


_TYPES: Final[tuple[tuple[str, Callable[[bytes], bool], Callable[[BinaryIO, int], bool]], ...]] = (
    ("image/jpeg", lambda head: head.startswith(b"\xff\xd8\xff"), _ends(b"\xff\xd9")),
    ("image/png", lambda head: head.startswith(b"\x89PNG\r\n\x1a\n"), _ends(b"IEND\xaeB`\x82")),
    ("application/pdf", lambda head: head.startswith(b"%PDF-"), _ends(b"%%EOF")),
    ("audio/wav", lambda head: head[:4] == b"RIFF" and head[8:12] == b"WAVE", _wav_is_whole),
    ("video/mp4", lambda head: head[4:8] == b"ftyp", _mp4_is_whole),
    ("audio/mpeg", _is_mp3, _mp3_is_whole),
)
