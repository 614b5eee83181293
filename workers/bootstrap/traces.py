"""Sends traces to a collector by OTLP over HTTP, where a setting names one. Else nothing of OpenTelemetry is loaded."""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Final

from workers import tracing
from workers.engine.addresses import is_local
from workers.errors import Refused
from workers.settings import TracingSettings
from workers.tracing import Attribute, Span

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Link

log = logging.getLogger(__name__)

END_SECONDS: Final = 3
"""How long the end waits for the collector to take what is left."""
_EXPORT_SECONDS: Final = 5.0


@contextmanager
def traced_to(settings: TracingSettings, part: str) -> Iterator[None]:
    """Sends what is done in this block to the collector of the settings, in a thread of its own. None set: nothing.

    A collector that is away costs traces, never work: what does not fit into the queue is dropped.

    Args:
        part: which part of the installation this process is: `work`, `desk`.

    Raises:
        Refused: OpenTelemetry is not installed.
    """
    if not settings.endpoint:
        yield
        return
    provider, ids = _provider(settings, part)
    log.info("traces are sent", extra={"action": "traces-sent"})
    try:
        with tracing.told_to(_Teller(provider, ids, settings.installation).tell):
            yield
    finally:
        ending = threading.Thread(target=provider.shutdown, name="traces-end", daemon=True)
        ending.start()
        ending.join(END_SECONDS)


def _provider(settings: TracingSettings, part: str) -> tuple[TracerProvider, _Ids]:
    try:
        import requests
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.sdk.trace.sampling import TraceIdRatioBased
    except ImportError as error:
        raise Refused(
            f"DUBAN_TRACING__ENDPOINT is set, but {error.name} is not installed: pip install 'duban[tracing]'"
        ) from error
    endpoint, ids = (settings.endpoint or "").rstrip("/"), _Ids()
    session = requests.Session()
    session.trust_env = not is_local(endpoint)  # no proxy on the way to this machine
    exporter = OTLPSpanExporter(
        endpoint=f"{endpoint}/v1/traces",
        headers={name: value.get_secret_value() for name, value in settings.headers.items()},
        timeout=_EXPORT_SECONDS,
        session=session,
    )
    named = {"service.namespace": settings.installation, "service.name": f"duban-{part}"}
    provider = TracerProvider(
        resource=Resource.create(named),
        sampler=TraceIdRatioBased(settings.share),  # of the trace's id: every part decides alike
        id_generator=ids,  # type: ignore[arg-type]  # one by its methods, so that nothing is loaded for it
        shutdown_on_exit=False,
    )
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return provider, ids


class _Ids:
    """Ids of spans: random ones, but for the root of a case's trace. An `IdGenerator`, without loading it."""

    def __init__(self) -> None:
        self._root = threading.local()

    @contextmanager
    def of_root(self, trace_id: int, span_id: int) -> Iterator[None]:
        """What is begun in this block, in this thread, is the root of a trace."""
        self._root.ids = trace_id, span_id
        try:
            yield
        finally:
            self._root.ids = None

    def generate_trace_id(self) -> int:
        """16 bytes."""
        root = getattr(self._root, "ids", None)
        return root[0] if root else secrets.randbits(128) or 1

    def generate_span_id(self) -> int:
        """8 bytes."""
        root = getattr(self._root, "ids", None)
        return root[1] if root else secrets.randbits(64) or 1

    def is_trace_id_random(self) -> bool:
        """A hash is as good as random bytes for whoever samples by it."""
        return True


class _Teller:
    def __init__(self, provider: TracerProvider, ids: _Ids, installation: str) -> None:
        self._tracer = provider.get_tracer("duban")
        self._ids = ids
        self._installation = installation

    def tell(self, told: Span) -> None:
        """Hands a span to the queue of the exporter. Never raises: work goes on."""
        try:
            self._tell(told)
        except Exception as error:
            log.warning("a span was not told: %s", type(error).__name__, extra={"action": "trace-failed"})

    def _tell(self, told: Span) -> None:
        from opentelemetry import trace
        from opentelemetry.context import Context

        trace_id, root_id = (0, 0) if told.number is None else tracing.ids(told.number, self._installation)
        context = None
        if told.number is not None and not told.is_root:
            parent = trace.SpanContext(trace_id, root_id, True, trace.TraceFlags(trace.TraceFlags.SAMPLED))
            context = trace.set_span_in_context(trace.NonRecordingSpan(parent), Context())
        with self._ids.of_root(trace_id, root_id) if told.is_root else nullcontext():
            span = self._tracer.start_span(
                told.name,
                context=context or Context(),
                kind=trace.SpanKind[told.kind.upper()],
                attributes=_attributes(told),
                links=_links(told),
                start_time=told.began_at,
            )
        if told.error is not None:
            span.set_status(trace.Status(trace.StatusCode.ERROR, told.error))
        span.end(told.ended_at)


def _attributes(told: Span) -> dict[str, Attribute]:
    named = {f"duban.{name}": value for name, value in told.attributes.items()}
    return named if told.number is None else {"duban.number": told.number, **named}


def _links(told: Span) -> list[Link]:
    from opentelemetry.trace import Link, SpanContext

    asked = tracing.of_traceparent(told.asked_with) if told.asked_with else None
    return [Link(SpanContext(*asked, is_remote=True))] if asked else []
