"""Accounts to try Duban out with: `duban up --demo`. Only where nobody but this machine can reach them."""

from __future__ import annotations

import os
from ipaddress import ip_address
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from workers.bootstrap.parts import Parts
from workers.cases import passwords
from workers.cases.passwords import Passwords
from workers.errors import NotFound, Refused
from workers.settings import Settings
from workers.store import accounts, audit, staff

SHOWN: Final = ("lin.qiantai", "luo.wangluo", "yin.fenzhang", "an.shigongsi", "yuan.xiaozu", "meng.yunwei")
"""Those of the sample staff that people are told of: front desk, network, branch, city, complaint group, operations."""
_FILE: Final = "demo-password"


def check_demo(settings: Settings) -> None:
    """Raises Refused unless only this machine reaches the instance, and the staff are the sample staff."""
    reached = [settings.web.host, urlsplit(settings.web.public_url or "//127.0.0.1").hostname or ""]
    for host in reached:
        if not _is_loopback(host):
            raise Refused(
                f"演示账号只能在本机使用。 --demo makes accounts with one shared password, and {host} can be reached "
                "from elsewhere. Leave DUBAN_WEB__HOST and DUBAN_WEB__PUBLIC_URL at this machine, or start without "
                "--demo and make accounts with `duban users add`."
            )
    if settings.staff_file is not None:
        raise Refused(
            "演示账号只用于样例人员。 --demo makes accounts for the sample staff: start without DUBAN_STAFF_FILE, or "
            "without --demo and make accounts with `duban users add`."
        )


def make_demo_accounts(parts: Parts, hasher: Passwords) -> str:
    """An account for everybody of the sample staff who has none; returns the password they share.

    It is made once per data folder and kept there, readable by its owner only, as `instance.json` is. The accounts work
    only while the instance runs with --demo (`Account.is_demo`).
    """
    password = _password(parts.settings.data / _FILE)
    kept = hasher.hash(password)
    with parts.database.begin() as tx:
        now = parts.clock.now()
        for person in staff.everybody(tx):
            try:
                account = accounts.get(tx, person.username)
            except NotFound:
                accounts.add(tx, person.username, kept, now, is_demo=True)
                audit.add(
                    tx, now, None, "account-added", person.username, way="command", facts={"demo": True}
                )
                continue
            if account.is_demo:
                account.password_hash = kept
    return password


def how_to_sign_in(parts: Parts, url: str, password: str) -> str:
    """What `up --demo` prints."""
    with parts.database.read() as tx:
        people = {person.username: person for person in staff.by_usernames(tx, SHOWN)}
    lines = [
        f"     {name:<16}{people[name].name}  {parts.labels.zh(people[name].groups[0], 'owner_group')}"
        for name in SHOWN
        if name in people
    ]
    head = f"\n  登录 Sign in       {url}/login\n  密码 Password      {password}\n"
    return (
        head
        + "  用户 Users         样例人员，均为同一密码 the sample staff, one password for all\n"
        + "\n".join(lines)
    )


def _password(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        password = passwords.made()
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
            out.write(password + "\n")
        return password


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"
