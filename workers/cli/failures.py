"""What a command says and returns when something does not work: one sentence on stderr, no traceback."""

from __future__ import annotations

import os
import sys
from enum import IntEnum
from typing import Any

import typer
from typer.core import TyperGroup

from workers.errors import DubanError, Unavailable


class Exit(IntEnum):
    """Exit codes of every command."""

    DONE = 0
    REFUSED = 1
    """The instance says no and nothing was changed; of `submit`: at least one line was refused."""
    USAGE = 2
    UNAVAILABLE = 3
    """No instance runs there, or a part of it does not answer now: the same command may work later."""
    WOULD_CHANGE = 4
    """Of `deploy --dry-run`: the models are in order, and deploying them would change something."""
    INTERRUPTED = 130


class Commands(TyperGroup):
    """The group of commands, with failures turned into a sentence and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        """Runs the command."""
        _speak_utf8()
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except DubanError as error:
            complain(str(error))
            raise typer.Exit(Exit.UNAVAILABLE if isinstance(error, Unavailable) else Exit.REFUSED) from error
        except KeyboardInterrupt:
            raise typer.Exit(Exit.INTERRUPTED) from None
        except BrokenPipeError:
            # The reader (head, less) has gone: be quiet, also when Python flushes at the end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(Exit.REFUSED) from None
        return result


def complain(sentence: str) -> None:
    """One sentence on stderr."""
    typer.echo(f"duban: {sentence}", err=True)


def _speak_utf8() -> None:
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
