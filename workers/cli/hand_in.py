"""`duban submit`: complaints in, one line of JSON each."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from workers.cli.failures import Exit
from workers.cli.options import Data, Token, Url, connect
from workers.client import Client
from workers.connection import AnswerLost
from workers.errors import Refused, Unavailable
from workers.names import LARGEST_BODY

_BOM = b"\xef\xbb\xbf"


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("submit")(submit)


def submit(
    file: Annotated[str, typer.Argument(metavar="FILE|-", help="JSON lines, one complaint each.")] = "-",
    data: Data = None,
    url: Url = None,
    token: Token = None,
) -> None:
    """Hand in complaints: JSON lines in, JSON lines out.

    Out: {"number": "…"} or {"error": "…", "line": 3}; blank lines are skipped but counted. A line that is
    refused does not stop the others. Exit code 0: all accepted; 1: at least one refused; 3: the instance went
    away, the rest was not handed in.

    \b
    Fields: policy, channel, text, customer {name, phone, email, customer_no},
            region {province, city, branch}, product, occurred_at, impact, external_ref, flags.
    Needed: policy, channel, text and one way to reach the customer.
    The same channel and external_ref twice is the same complaint.

    \b
    Example:
      echo '{"policy": "petition", "channel": "phone", "text": "宽带断网两天",
             "customer": {"phone": "13800138000"}}' | tr -d '\\n' | duban submit
    """
    refused = False
    with _opened(file) as stream, connect(data, url, token) as client:
        for number, line in _lines(stream):
            answer = _hand_in(client, number, line)
            _say(answer)
            refused = refused or "error" in answer
    if refused:
        raise typer.Exit(Exit.REFUSED)


def _hand_in(client: Client, number: int, line: bytes | None) -> dict[str, object]:
    if line is None:
        return {"error": f"the line is longer than {LARGEST_BODY} bytes", "line": number}
    try:
        return {"number": client.submit(line)["number"]}
    except Refused as error:
        return {"error": str(error), "line": number}
    except AnswerLost as error:
        _say({"error": "no answer came; hand it in again (safe with an external_ref)", "line": number})
        raise Unavailable(f"{error}; stopped at line {number}") from error
    except Unavailable as error:
        _say({"error": str(error), "line": number})
        raise Unavailable(f"{error} Stopped at line {number}, which was not handed in.") from error


def _say(answer: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(answer, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def _opened(file: str) -> BinaryIO:
    if file == "-":
        return io.BufferedReader(io.FileIO(sys.stdin.fileno(), closefd=False), 65536)
    try:
        return Path(file).open("rb")
    except OSError as error:
        raise Refused(f"{file} cannot be read: {error.strerror}") from error


def _lines(stream: BinaryIO) -> Iterator[tuple[int, bytes | None]]:
    """Line number (from 1) and content of every line that is not blank; None for one that is too long.

    Never holds more than one longest line in memory. Raises Refused when the file cannot be read on.
    """
    number = 0
    try:
        while chunk := stream.readline(LARGEST_BODY + 2):
            number += 1
            line = chunk.strip() if number > 1 else chunk.removeprefix(_BOM).strip()
            if len(chunk) > LARGEST_BODY and not chunk.endswith(b"\n"):
                while chunk and not chunk.endswith(b"\n"):
                    chunk = stream.readline(LARGEST_BODY)
                yield number, None
            elif line:
                yield number, line
    except OSError as error:
        raise Refused(f"line {number + 1} cannot be read: {error.strerror}") from error
