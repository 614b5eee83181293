"""One file from a Maven repository: resumable, with a bar, checked before anybody sees it."""

from __future__ import annotations

import hashlib
import os
import ssl
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import httpx
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from workers.engine.maven_settings import Repository
from workers.errors import Unavailable

_ATTEMPTS = 5
_CA_VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PIP_CERT")


@dataclass(frozen=True)
class Checksum:
    """What a file must be: an algorithm of hashlib and its hexadecimal digest."""

    algorithm: str
    digest: str

    def matches(self, file: Path) -> bool:
        """Whether the file on disk is the one that was meant."""
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, self.algorithm).hexdigest() == self.digest


def published_checksum(repository: Repository, path: str) -> Checksum:
    """The strongest checksum that the repository publishes beside a file. Raises Unavailable when there is
    none."""
    with _client(repository) as client:
        for algorithm, length in (("sha512", 128), ("sha256", 64), ("sha1", 40)):
            url = f"{repository.url}/{path}.{algorithm}"
            with _in_words(url):
                answer = client.get(url)
            if answer.status_code == httpx.codes.OK:
                word = answer.text.split()[0].lower() if answer.text.split() else ""
                if len(word) == length:
                    return Checksum(algorithm, word)
            elif answer.status_code != httpx.codes.NOT_FOUND:
                raise _refused(url, answer.status_code)
    raise Unavailable(
        f"{repository.url} 没有该版本的校验和。 The repository publishes no checksum for {path}: check "
        "DUBAN_ENGINE__VERSION, or give DUBAN_ENGINE__ARCHIVE_SHA1."
    )


def download(
    repository: Repository,
    path: str,
    target: Path,
    expected: Checksum,
    progress: Callable[[str], None],
    abandoned: threading.Event | None = None,
) -> None:
    """Put the file at `target` when it is whole and right; a part that is there already is continued.

    Raises:
        Unavailable: network, proxy, repository or checksum, in one sentence.
        OSError: the disk.
    """
    part = target.with_name(target.name + ".part")
    url = f"{repository.url}/{path}"
    with _client(repository) as client:
        for is_last in (False, True):
            _complete(client, url, part, progress, abandoned or threading.Event())
            if expected.matches(part):
                part.replace(target)
                return
            part.unlink()  # perhaps a part from before did not fit: once more from the beginning
            if not is_last:
                progress("校验和不符，重新下载… Wrong checksum, fetching again…")
    raise Unavailable(
        f"校验和不符：{url} 给出的不是原文件。 What {url} sends is not the released file (its "
        f"{expected.algorithm} differs, "
        "twice): ask who runs that mirror, or set DUBAN_ENGINE__REPOSITORY_URL to another one."
    )


def _complete(
    client: httpx.Client, url: str, part: Path, progress: Callable[[str], None], abandoned: threading.Event
) -> None:
    """Continue `part` until the server says it is whole; a connection that breaks is taken up again."""
    failures = 0
    while True:
        before = part.stat().st_size if part.exists() else 0
        try:
            with _in_words(url):
                _continue(client, url, part, before, progress, abandoned)
            return
        except _BrokenOffError as broken:
            is_further = part.exists() and part.stat().st_size > before
            failures = 1 if is_further else failures + 1
            if failures >= _ATTEMPTS:
                raise Unavailable(str(broken)) from broken
            abandoned.wait(0.2 * failures)


def _continue(
    client: httpx.Client,
    url: str,
    part: Path,
    start: int,
    progress: Callable[[str], None],
    abandoned: threading.Event,
) -> None:
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={start}-"} if start else {})
    with client.stream("GET", url, headers=headers) as answer:
        if answer.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
            return  # whole already, or nonsense: the checksum tells
        if answer.status_code not in (httpx.codes.OK, httpx.codes.PARTIAL_CONTENT):
            raise _refused(url, answer.status_code)
        if answer.status_code == httpx.codes.OK:
            start = 0  # this server does not resume
        length = answer.headers.get("Content-Length")
        total = start + int(length) if length else None
        with part.open("r+b" if start else "wb") as file, _bar(total, start, progress) as advance:
            file.seek(start)
            file.truncate()
            _copy(answer, file, advance, abandoned)
            os.fsync(file.fileno())


def _copy(
    answer: httpx.Response, file: BinaryIO, advance: Callable[[int], None], abandoned: threading.Event
) -> None:
    for chunk in answer.iter_raw():
        if abandoned.is_set():
            raise Unavailable("下载已中止，下次继续。 Stopped; the next run goes on where this one ended.")
        file.write(chunk)
        advance(len(chunk))


class _BrokenOffError(Exception):
    """The connection ended early; what came is kept."""


@contextmanager
def _in_words(url: str) -> Iterator[None]:
    host = httpx.URL(url).host
    try:
        yield
    except httpx.ProxyError as error:
        raise Unavailable(
            f"代理服务器拒绝了请求。 The proxy refused to reach {host} ({error}): check HTTPS_PROXY or the "
            "proxy in "
            "~/.m2/settings.xml."
        ) from error
    except (httpx.ConnectError, httpx.ConnectTimeout) as error:
        if "CERTIFICATE" in str(error).upper():
            raise Unavailable(
                f"{host} 的证书不受信任。 The certificate of {host} is not trusted ({error}): set "
                "SSL_CERT_FILE to "
                "your organisation's CA bundle."
            ) from error
        raise Unavailable(
            f"无法连接 {host}，引擎只需下载一次。 Cannot reach {host} to fetch the engine ({error}): check "
            "the network, "
            "set HTTPS_PROXY, or DUBAN_ENGINE__REPOSITORY_URL to a mirror."
        ) from error
    except httpx.TransportError as error:
        raise _BrokenOffError(
            f"与 {host} 的连接多次中断。 The connection to {host} broke again and again ({error}); run it "
            "again, "
            "it goes on where it stopped."
        ) from error


def _refused(url: str, status: int) -> Unavailable:
    if status == httpx.codes.NOT_FOUND:
        return Unavailable(
            f"没有这个文件：{url}。 There is no {url}: check DUBAN_ENGINE__VERSION and the mirror it is "
            "fetched from."
        )
    if status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
        return Unavailable(
            f"镜像要求登录（{status}）。 {url} wants a login (HTTP {status}): put a <server> with the "
            "mirror's id into "
            "~/.m2/settings.xml; an encrypted password cannot be read."
        )
    if status == httpx.codes.PROXY_AUTHENTICATION_REQUIRED:
        return Unavailable("代理要求登录。 The proxy wants a login: give it in HTTPS_PROXY.")
    return Unavailable(
        f"镜像应答 {status}。 {url} answered HTTP {status}: try again later, or another mirror."
    )


def _client(repository: Repository) -> httpx.Client:
    return httpx.Client(
        auth=repository.login,
        headers=dict(repository.headers),
        proxy=repository.proxy,
        verify=_trust(),
        follow_redirects=True,
        timeout=httpx.Timeout(30, connect=15),
    )


def _trust() -> ssl.SSLContext:
    """The certificates that the environment names, else those of the system and of the certifi package."""
    named = [path for name in _CA_VARIABLES if (path := os.environ.get(name)) and Path(path).is_file()]
    if named:
        context = ssl.create_default_context(cafile=named[0])
        for path in named[1:]:
            context.load_verify_locations(cafile=path)
        return context
    import certifi  # httpx brings it

    context = ssl.create_default_context()
    context.load_verify_locations(cafile=certifi.where())
    return context


@contextmanager
def _bar(total: int | None, start: int, progress: Callable[[str], None]) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal; a line for every tenth elsewhere."""
    if sys.stderr.isatty():
        columns = (
            TextColumn("Zeebe"),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=Console(stderr=True)) as bar:
            task = bar.add_task("zeebe", total=total, completed=start)
            yield lambda count: bar.update(task, advance=count)
        return
    done, told = start, start * 10 // total if total else 0

    def advance(count: int) -> None:
        nonlocal done, told
        done += count
        if total and done * 10 // total > told:
            told = done * 10 // total
            progress(f"  {told * 10} %  {done / 1e6:.0f} / {total / 1e6:.0f} MB")

    yield advance
