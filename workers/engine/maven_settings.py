"""Where Maven on this machine fetches from: mirrors, proxies and logins of the user's settings.xml."""

from __future__ import annotations

import fnmatch
import os
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlsplit

from workers.errors import Unavailable

CENTRAL = "central"


@dataclass(frozen=True)
class Repository:
    """A Maven repository and how it is reached. `proxy` None: what the environment says."""

    url: str
    origin: str
    login: tuple[str, str] | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    proxy: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class MavenSettings:
    """The settings.xml files of one user, the user's own before the installation's."""

    roots: tuple[tuple[Path, ET.Element], ...]

    @classmethod
    def of_this_user(cls) -> MavenSettings:
        """Read ``~/.m2/settings.xml`` and ``$MAVEN_HOME/conf/settings.xml``; missing files are fine.

        Raises Unavailable when one exists and is not XML.
        """
        files = [Path.home() / ".m2" / "settings.xml"]
        homes = [home for name in ("MAVEN_HOME", "M2_HOME") if (home := os.environ.get(name))]
        files += [Path(home) / "conf" / "settings.xml" for home in homes]
        roots = []
        for file in files:
            if not file.is_file():
                continue
            try:
                root = ET.parse(file).getroot()  # noqa: S314 - the user's own settings
            except (ET.ParseError, OSError) as error:
                raise Unavailable(
                    f"{file} 读不了，请修正。 The Maven settings {file} cannot be read, correct them: {error}"
                ) from None
            for element in root.iter():
                element.tag = element.tag.rpartition("}")[2]
            roots.append((file, root))
        return cls(tuple(roots))

    def local_repository(self) -> Path:
        """The folder in which Maven keeps what it fetched."""
        for _, root in self.roots:
            if folder := _text(root, "localRepository"):
                return Path(folder).expanduser()
        import jgo.constants  # megabytes that workers of an engine elsewhere need not have

        return jgo.constants.default_maven_repo()

    def central(self) -> Repository:
        """The mirror of Maven Central that is configured, else Maven Central itself."""
        url, ident, origin = self._central_url()
        login, headers = self._login(ident)
        return Repository(url.rstrip("/"), origin, login, headers, self.proxy_for(url))

    def proxy_for(self, url: str) -> str | None:
        """The proxy of settings.xml for this URL, as a URL; None when there is none or the host is exempt."""
        host = urlsplit(url).hostname or ""
        for proxy in self._each("proxies/proxy"):
            if _text(proxy, "active", "true").lower() != "true":
                continue
            exempt = re.split(r"[|,\s]+", _text(proxy, "nonProxyHosts"))
            if any(pattern and fnmatch.fnmatch(host, pattern) for pattern in exempt):
                return None
            login = ""
            if user := _text(proxy, "username"):
                login = f"{quote(user, safe='')}:{quote(_text(proxy, 'password'), safe='')}@"
            port = _text(proxy, "port", "8080")
            return f"http://{login}{_text(proxy, 'host')}:{port}"
        return None

    def _central_url(self) -> tuple[str, str, str]:
        mirrors = [
            (_text(m, "mirrorOf"), _text(m, "url"), _text(m, "id")) for m in self._each("mirrors/mirror")
        ]
        exact = [mirror for mirror in mirrors if mirror[0] == CENTRAL]
        for pattern, url, ident in exact + mirrors:
            if url and mirrors_central(pattern):
                return url, ident, "settings.xml"
        for profile in self._active_profiles():
            for repository in profile.iterfind("repositories/repository"):
                if _text(repository, "id") == CENTRAL and (url := _text(repository, "url")):
                    return url, CENTRAL, "settings.xml"
        import jgo.constants

        return jgo.constants.MAVEN_CENTRAL_URL, CENTRAL, "Maven Central"

    def _active_profiles(self) -> Iterator[ET.Element]:
        active = {(element.text or "").strip() for element in self._each("activeProfiles/activeProfile")}
        for profile in self._each("profiles/profile"):
            by_default = _text(profile, "activation/activeByDefault").lower() == "true"
            if by_default or _text(profile, "id") in active:
                yield profile

    def _login(self, ident: str) -> tuple[tuple[str, str] | None, dict[str, str]]:
        for server in self._each("servers/server"):
            if _text(server, "id") != ident:
                continue
            headers = {
                _text(p, "name"): _text(p, "value")
                for p in server.iterfind("configuration/httpHeaders/property")
            }
            user, password = _text(server, "username"), _text(server, "password")
            return ((user, password) if user else None), headers
        return None, {}

    def _each(self, path: str) -> Iterator[ET.Element]:
        for _, root in self.roots:
            yield from root.iterfind(path)


def mirrors_central(pattern: str) -> bool:
    """Whether a Maven ``mirrorOf`` pattern covers Maven Central."""
    parts = [part.strip() for part in pattern.split(",")]
    if f"!{CENTRAL}" in parts:
        return False
    return any(part in (CENTRAL, "*", "external:*") for part in parts)


def _text(element: ET.Element, path: str, default: str = "") -> str:
    found = element.findtext(path)
    return _interpolate(found.strip()) if found and found.strip() else default


def _interpolate(text: str) -> str:
    def value(match: re.Match[str]) -> str:
        name = match.group(1)
        if name.startswith("env."):
            return os.environ.get(name[4:], match.group(0))
        if name == "user.home":
            return str(Path.home())
        return match.group(0)

    return re.sub(r"\$\{([^}]+)\}", value, text)
