"""What a file of evidence is, its content decides (rules B4, B9, D11)."""

from __future__ import annotations

import io
import struct
import wave
import zlib

import pytest

from workers.cases.evidence import check_kind, media_type
from workers.errors import Refused


def png() -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    size = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + size + chunk(b"IDAT", zlib.compress(b"\0\0")) + chunk(b"IEND", b"")


def wav() -> bytes:
    held = io.BytesIO()
    with wave.open(held, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(1600))
    return held.getvalue()


def box(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", 8 + len(content)) + name + content


MP4 = box(b"ftyp", b"isom\0\0\0\0isom") + box(b"moov", bytes(100)) + box(b"mdat", bytes(500))
MP3 = b"\xff\xfb\x90\x00" + bytes(413)
TAGGED = b"ID3\x04\0\0\0\0\0\x0a" + bytes(10) + MP3
PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"
JPG = b"\xff\xd8\xff\xe0\x00\x10JFIF\0" + bytes(64) + b"\xff\xd9"


def told(content: bytes) -> str:
    return media_type(io.BytesIO(content), len(content))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (JPG, "image/jpeg"),
        (png(), "image/png"),
        (PDF, "application/pdf"),
        (wav(), "audio/wav"),
        (MP3, "audio/mpeg"),
        (TAGGED, "audio/mpeg"),
        (MP4, "video/mp4"),
        ("客户来信：多扣三十元。\n".encode(), "text/plain"),
        ("客户来信：多扣三十元。\n".encode("gb18030"), "text/plain"),
    ],
)
def test_B9_the_content_tells_the_type(content: bytes, expected: str) -> None:
    """Each type that is taken is known by what it holds."""
    assert told(content) == expected


@pytest.mark.parametrize("content", [JPG, png(), PDF, wav(), TAGGED[:45], MP4])
def test_B9_a_file_that_is_not_whole_is_refused(content: bytes) -> None:
    """Half a file is no evidence: the sentence says that it is not whole."""
    with pytest.raises(Refused, match="not whole"):
        told(content[: len(content) // 3])


@pytest.mark.parametrize(
    "content", [b"MZ\x90\0" + bytes(200), b"PK\x03\x04" + bytes(99), b"text\0with nul", b"\x1b[2J"]
)
def test_B9_other_types_are_refused(content: bytes) -> None:
    """A program, an archive, or text that no one can read is not taken, whatever its name."""
    with pytest.raises(Refused, match="content decides"):
        told(content)


def test_D11_the_kind_fits_the_type() -> None:
    """A picture is no call recording; the sentence names the kinds that fit."""
    check_kind("call-recording", "audio/mpeg")
    with pytest.raises(Refused, match="it can be document"):
        check_kind("call-recording", "image/png")
    with pytest.raises(Refused, match="no kind of evidence"):
        check_kind("rumour", "text/plain")
