"""Error reports to Sentry and traces to OpenTelemetry, where an operator asks for them; nothing of either otherwise.

What leaves the house is built from lists of what may leave, and scrubbed as the log is: no bodies, headers, cookies,
query strings, local variables or arguments of tasks.
"""

import os
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from config.logs import scrub

# What tells nothing about anybody, as it is; ids would not survive scrubbing.
AS_IT_IS = ("event_id", "timestamp", "level", "logger", "platform", "sdk", "release", "environment", "server_name")
SCRUBBED = ("message", "logentry", "exception", "transaction", "tags")
CONTEXTS = ("trace", "runtime", "os")
SPAN_ATTRIBUTES = {
    *("http.method", "http.request.method", "http.route", "http.status_code", "http.response.status_code"),
    *("db.system", "db.system.name", "db.name", "db.statement", "db.query.text"),
    *("celery.action", "celery.state", "celery.task_name", "messaging.destination", "messaging.message.id"),
}


def start() -> None:
    """Load what SENTRY_DSN and OTEL_EXPORTER_OTLP_ENDPOINT ask for; raises ImproperlyConfigured where it is missing."""
    for name, begin in (("SENTRY_DSN", _report_errors), ("OTEL_EXPORTER_OTLP_ENDPOINT", _trace)):
        if getattr(settings, name):
            try:
                begin()
            except ImportError as error:
                raise ImproperlyConfigured(
                    f"{name} is set, but {error.name} is not installed: install requirements/extras.txt, or unset it."
                ) from error


def harmless(event: dict[str, Any], hint: Any = None) -> dict[str, Any]:
    """The part of an error report that may leave the house."""
    left = {name: event[name] for name in AS_IT_IS if name in event}
    left |= {name: _scrubbed(event[name]) for name in SCRUBBED if name in event}
    contexts = event.get("contexts") or {}
    left["contexts"] = {name: contexts[name] for name in CONTEXTS if name in contexts}
    request = event.get("request") or {}
    left["request"] = {
        "method": request.get("method"),
        "url": scrub(str(request.get("url", "")).partition("?")[0]),
    }
    return left


def _scrubbed(value: Any) -> Any:
    if isinstance(value, str):
        return scrub(value)
    if isinstance(value, dict):
        return {key: _scrubbed(part) for key, part in value.items() if key != "vars"}
    if isinstance(value, list | tuple):
        return [_scrubbed(part) for part in value]
    return value


def _report_errors() -> None:
    import sentry_sdk

    sentry_sdk.init(
        dsn=settings.SENTRY_DSN,
        before_send=harmless,
        send_default_pii=False,
        include_local_variables=False,
        max_request_body_size="never",
        max_breadcrumbs=0,
    )


def _trace() -> None:
    # Asked every few seconds, and worth no trace.
    os.environ.setdefault("OTEL_PYTHON_DJANGO_EXCLUDED_URLS", "healthz,readyz,metrics")
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.instrumentation.celery import CeleryInstrumentor
    from opentelemetry.instrumentation.django import DjangoInstrumentor
    from opentelemetry.instrumentation.psycopg2 import Psycopg2Instrumentor
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.trace import Status

    class Harmless(OTLPSpanExporter):
        """Sends spans without paths, messages of exceptions and whatever else a library finds worth telling."""

        def export(self, spans: Sequence[ReadableSpan]) -> Any:
            return super().export([self._left(span) for span in spans])

        def _left(self, span: ReadableSpan) -> ReadableSpan:
            attributes = {name: value for name, value in (span.attributes or {}).items() if name in SPAN_ATTRIBUTES}
            return ReadableSpan(
                name=scrub(span.name),
                context=span.get_span_context(),
                parent=span.parent,
                resource=span.resource,
                attributes={name: _scrubbed(value) for name, value in attributes.items()},
                links=span.links,
                kind=span.kind,
                status=Status(span.status.status_code),
                start_time=span.start_time,
                end_time=span.end_time,
                instrumentation_scope=span.instrumentation_scope,
            )

    provider = TracerProvider(resource=Resource.create({"service.name": "zusage"}))
    provider.add_span_processor(BatchSpanProcessor(Harmless()))
    trace.set_tracer_provider(provider)
    for instrumentor in (DjangoInstrumentor(), CeleryInstrumentor(), Psycopg2Instrumentor()):
        instrumentor.instrument(skip_dep_check=True)
