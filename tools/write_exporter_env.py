"""Writes deploy/zeebe-exporter.env from what `duban up` tells its own engine; a test fails when it is stale."""

from __future__ import annotations

from pathlib import Path

from workers.engine.broker_process import exporter

FILE = Path(__file__).parent.parent / "deploy" / "zeebe-exporter.env"
HEAD = """\
# What an engine of your own needs so that Duban sees what happens in it: Zeebe's Elasticsearch exporter, sending to
# `duban records`. Set beside these, for every broker:
#   ZEEBE_BROKER_EXPORTERS_RECORDS_ARGS_URL                      http://records:8710 (address of `duban records`)
#   ZEEBE_BROKER_EXPORTERS_RECORDS_ARGS_AUTHENTICATION_USERNAME  duban
#   ZEEBE_BROKER_EXPORTERS_RECORDS_ARGS_AUTHENTICATION_PASSWORD  the value of DUBAN_RECORDS__PASSWORD
# Written by `python tools/write_exporter_env.py`.
"""


def text() -> str:
    """The whole file."""
    values = exporter("http://records:8710")
    return HEAD + "".join(
        f"{key}={value}\n" for key, value in values.items() if not key.endswith("_ARGS_URL")
    )


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
