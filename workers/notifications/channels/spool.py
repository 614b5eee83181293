"""The channel that needs nothing: each message becomes a readable file in the data folder."""

from __future__ import annotations

import os
import re
import tempfile
from datetime import UTC
from pathlib import Path

from workers.errors import RetryLater
from workers.notifications.channels import mail
from workers.notifications.channels.channel import Delivery


class Spool:
    """Writes `<time>-<number>-<event>-<channel>-<id>.eml` or `.txt`; names sort by time.

    A file appears whole or not at all, readable by its owner only. The same message again changes nothing.

    Args:
        folder: made when missing.
        sender: the sender shown in e-mail files, `Name <name@domain>`.
    """

    def __init__(self, folder: Path, sender: str) -> None:
        self._folder = folder
        self._sender = mail.sender_address(sender)

    def deliver(self, message: Delivery) -> None:
        """Writes the file. Raises RetryLater when the disk doesn't take it."""
        path = self._folder / self.file_name(message)
        content = self._content(message)
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            if not path.exists():
                _write(path, content)
        except OSError as error:
            raise RetryLater(f"the spool folder takes no file: {error.strerror}") from error

    def forget(self, number: str) -> None:
        """Removes the files of a case's messages (rule C10); none is fine. Raises RetryLater when one stays."""
        safe = re.sub(r"[^A-Za-z0-9_.-]", "_", number)
        try:
            for path in self._folder.glob(f"*Z-{safe}-*"):
                path.unlink(missing_ok=True)
        except OSError as error:
            raise RetryLater(f"the spool folder keeps a file: {error.strerror}") from error

    def close(self) -> None:
        """Nothing is held open."""

    @staticmethod
    def file_name(message: Delivery) -> str:
        """The file that a message becomes."""
        time = message.created_at.astimezone(UTC)
        parts = (message.number, message.event, message.channel, str(message.id))
        safe = "-".join(re.sub(r"[^A-Za-z0-9_.-]", "_", part) for part in parts)
        suffix = "eml" if message.channel == "email" else "txt"
        return f"{time:%Y%m%dT%H%M%S}.{time.microsecond // 1000:03}Z-{safe}.{suffix}"

    def _content(self, message: Delivery) -> bytes:
        if message.channel == "email":
            return mail.compose(message, self._sender, mail.IN_A_FILE).as_bytes()
        return f"To: {message.address}\nMessage-ID: {message.key}\n\n{message.body}\n".encode()


def _write(path: Path, content: bytes) -> None:
    handle, part = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")  # mode 0600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(part).replace(path)
    except BaseException:
        Path(part).unlink(missing_ok=True)
        raise
