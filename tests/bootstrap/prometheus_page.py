"""Reads a page of /metrics as Prometheus does: with its own parser."""

from __future__ import annotations

from collections.abc import Mapping

import httpx
from prometheus_client.parser import text_string_to_metric_families

Page = Mapping[str, Mapping[frozenset[tuple[str, str]], float]]


def scrape(address: str) -> Page:
    """Name of a sample -> its labels -> its value."""
    answer = httpx.get(f"{address}/metrics", trust_env=False, timeout=60)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return read(answer.text)


def read(text: str) -> Page:
    found: dict[str, dict[frozenset[tuple[str, str]], float]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            of_name = found.setdefault(sample.name, {})
            labels = frozenset(sample.labels.items())
            assert labels not in of_name, f"{sample.name} {sample.labels} is there twice"
            of_name[labels] = sample.value
    return found


def value(page: Page, name: str, **labels: str) -> float:
    """One sample; 0 where nothing was counted yet."""
    return page.get(name, {}).get(frozenset(labels.items()), 0.0)
