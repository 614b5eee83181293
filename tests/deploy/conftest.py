"""Docker for the tests that need it; where there is none they are skipped, and the reason is said."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.deploy import images
from tests.deploy.daemon import NoDockerError, docker_host


@pytest.fixture(scope="session")
def docker_daemon() -> Iterator[None]:
    """A daemon that client and testcontainers find."""
    with pytest.MonkeyPatch.context() as patch, ExitStack() as stack:
        try:
            host = stack.enter_context(docker_host())
        except NoDockerError as error:
            pytest.skip(str(error))
        if host:
            patch.setenv("DOCKER_HOST", host)
        patch.setenv("TESTCONTAINERS_RYUK_DISABLED", "true")  # read when it is imported
        yield


@pytest.fixture(scope="session")
def image(docker_daemon: None) -> str:
    """The project's image, on a base that can be had here."""
    try:
        return images.image()
    except NoDockerError as error:
        pytest.skip(str(error))
