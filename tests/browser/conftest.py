"""The browser, and a server that shows what pages are made of."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.browser.fixture import browser as browser
from tests.browser.stage import Stage, staged


@pytest.fixture
def stage() -> Iterator[Stage]:
    """A server that shows forms and diagrams under the desk's headers."""
    with staged() as found:
        yield found
