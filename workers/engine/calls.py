"""How long the engine takes to answer, and what it says when it does not do what it was asked."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import grpc

from workers import metrics


@contextmanager
def measured(call: str) -> Iterator[None]:
    """Times one call of the engine, and counts it where it fails; one that we gave up ourselves is no failure.

    Args:
        call: in the words of the protocol, `complete-job`.
    """
    began = time.perf_counter()
    try:
        yield
    except grpc.aio.AioRpcError as error:
        metrics.ENGINE_CALL_ERRORS.labels(call, error.code().name).inc()
        raise
    finally:
        metrics.ENGINE_CALL_DURATION.labels(call).observe(time.perf_counter() - began)
