"""The commands for the rights around a case: to appeal, to add evidence, to mark (rules B4, B7, B9, D11)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from workers.cli.ask import Number
from workers.cli.options import AsJson, Data, Token, Url, connect, print_json
from workers.errors import Refused


def register(app: typer.Typer) -> None:
    """Adds the commands, in this order."""
    app.command("appeal")(appeal)
    app.command("mark")(mark)
    app.command("unmark")(unmark)
    app.command("case-file")(case_file)
    evidence = typer.Typer(help="Files that belong to a case.", rich_markup_mode=None)
    evidence.callback(no_args_is_help=True)(_evidence)
    evidence.command("add")(add_evidence)
    evidence.command("list")(list_evidence)
    evidence.command("get")(get_evidence)
    app.add_typer(evidence, name="evidence")


As = Annotated[str, typer.Option("--as", metavar="USER", help="Who acts.")]
Kind = Annotated[
    str, typer.Option("--kind", metavar="WORD", help="document, audio, video or call-recording.")
]
Mark = Annotated[str, typer.Argument(metavar="MARK", help="malicious, false or unreasonable-behaviour.")]
Grounds = Annotated[str, typer.Option("--grounds", metavar="TEXT", help="Why; kept with the mark.")]
Out = Annotated[Path, typer.Option("--out", metavar="FILE", help="Where to write it; must not be there yet.")]


def appeal(
    number: Number,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why, in the customer's words.")],
    data: Data = None,
    url: Url = None,
    token: Token = None,
) -> None:
    """Note that the customer appeals against the result of a closed complaint.

    Other people than before handle it a second time. Prints the number of the appeal as JSON. Refused while the
    complaint is still open, when it has been appealed against before, and when the time for appealing is over.

    \b
    Example:
      duban appeal TS20260301-000001 --reason 退费金额仍然不对
    """
    with connect(data, url, token) as client:
        print_json(client.appeal(number, reason))


def mark(
    number: Number,
    kind: Mark,
    person: As,
    grounds: Grounds,
    data: Data = None,
    url: Url = None,
    token: Token = None,
) -> None:
    """Mark a complaint as malicious or false, or behaviour as unreasonable.

    Takes the right mark-complaint (bpmn/rights.json). The handling goes on as before.

    \b
    Example:
      duban mark TS20260301-000001 false --as yuan.xiaozu --grounds 通话录音与投诉内容不符
    """
    with connect(data, url, token) as client:
        print_json(client.mark(number, kind, person, grounds, is_set=True))


def unmark(
    number: Number,
    kind: Mark,
    person: As,
    grounds: Grounds,
    data: Data = None,
    url: Url = None,
    token: Token = None,
) -> None:
    """Take a mark back. Both entries stay.

    \b
    Example:
      duban unmark TS20260301-000001 false --as yuan.xiaozu --grounds 录音属于另一位客户
    """
    with connect(data, url, token) as client:
        print_json(client.mark(number, kind, person, grounds, is_set=False))


def case_file(
    number: Number,
    person: As,
    out: Out,
    audience: Annotated[
        str, typer.Option("--for", metavar="WORD", help="customer (masked) or authority (whole).")
    ] = "customer",
    data: Data = None,
    url: Url = None,
    token: Token = None,
) -> None:
    """Write the compiled case file to a file: a page to read or to print.

    \b
    Example:
      duban case-file TS20260301-000001 --as yuan.xiaozu --for authority --out case.html
    """
    with connect(data, url, token) as client:
        _write(out, client.case_file(number, person, audience))


def _evidence() -> None:
    """Files that belong to a case."""


def add_evidence(
    number: Number,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="jpg, png, pdf, mp3, wav, mp4 or txt.")],
    person: As,
    kind: Kind,
    name: Annotated[
        str | None, typer.Option("--name", metavar="TEXT", help="What it is called; else the file's name.")
    ] = None,
    data: Data = None,
    url: Url = None,
    token: Token = None,
) -> None:
    """Add a file to a case. The same file twice is kept once.

    \b
    Example:
      duban evidence add TS20260301-000001 hall.mp4 --as lin.qiantai --kind video
    """
    with connect(data, url, token) as client:
        print_json(client.add_evidence(number, file, person, kind, name or file.name))


def list_evidence(
    number: Number, as_json: AsJson = False, data: Data = None, url: Url = None, token: Token = None
) -> None:
    """List the files of a case.

    \b
    Example:
      duban evidence list TS20260301-000001 --json
    """
    with connect(data, url, token) as client:
        found = client.evidence(number)
    if as_json:
        print_json(found)
    else:
        from workers.cli.tables import print_evidence

        print_evidence(found)


def get_evidence(
    number: Number,
    sha256: Annotated[str, typer.Argument(metavar="SHA256", help="As `duban evidence list` shows it.")],
    person: As,
    out: Out,
    data: Data = None,
    url: Url = None,
    token: Token = None,
) -> None:
    """Write a file of a case to a file, for people who work on the case.

    \b
    Example:
      duban evidence get TS20260301-000001 9f86d081… --as he.kefu --out recording.mp3
    """
    with connect(data, url, token) as client:
        _write(out, client.evidence_file(number, sha256, person))


def _write(out: Path, content: bytes) -> None:
    """Raises Refused when the file is there already or cannot be written; then nothing is left."""
    try:
        with out.open("xb") as file:
            file.write(content)
    except FileExistsError:
        raise Refused(f"{out} is there already; name another file with --out") from None
    except OSError as error:
        raise Refused(f"{out} cannot be written: {error.strerror}") from error
