"""The failure words of this project. Each class docstring says what it means for the engine and for people."""

from __future__ import annotations


class DubanError(Exception):
    """Something went wrong, and the message is a sentence that says what to do."""


class BusinessError(DubanError):
    """A case the diagram expects: thrown as a BPMN error, caught by a boundary event with this code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class RetryLater(DubanError):
    """Something outside is not available now: the job is tried again after a back-off, then becomes an incident."""


class Broken(DubanError):
    """Trying again cannot help (a missing row, a table without a row for the case): an incident at once."""


class Refused(DubanError):
    """What a person or a script sent cannot be accepted; the message says why and nothing was changed."""


class Forbidden(Refused):
    """Who asks is known, and may not do this."""


class SignInNeeded(Refused):
    """It is not known who asks: signing in comes first."""


class NotFound(Refused):
    """There is nothing under the number, key or name that was given."""


class Conflict(Refused):
    """It was already done, taken or cancelled meanwhile; the message says by what."""


class Unavailable(DubanError):
    """A part that is needed (engine, database, network) does not answer; the message says which and what to try."""
