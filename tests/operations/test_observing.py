"""Sentry and OpenTelemetry are told what went wrong and how long it took, and nothing about anybody."""

import gzip
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import brotli
import pytest

from config.observing import harmless
from tests.operations.test_logs import python

EXTRAS = {"SENTRY_DSN": "sentry_sdk", "OTEL_EXPORTER_OTLP_ENDPOINT": "opentelemetry"}
OPEN = {"": bytes, "gzip": gzip.decompress, "br": brotli.decompress}
PLANTED = ("4915123456789", "ada@example.com", "wamid.HBgM", "hunter2", "AbCdEfGhIjKlMnOpQrStUv", "Lovelace", "10115")


@pytest.fixture
def collector() -> Iterator[tuple[str, list[bytes]]]:
    """Where reports and traces go: its host and port, and the bodies it was sent."""
    bodies: list[bytes] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            bodies.append(OPEN[self.headers.get("Content-Encoding", "")](body))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}", bodies
    server.shutdown()
    server.server_close()


def test_a_report_keeps_the_error_and_loses_the_person() -> None:
    frame = {"filename": "messaging/sending.py", "lineno": 7, "vars": {"to": "4915123456789"}}
    value = "Key (phone)=(+4915123456789) of ada@example.com\nDETAIL:  Failing row contains (7, Lovelace, 10115).\n"
    left = harmless(
        {
            "event_id": "6a09e667f3bcc908b2fb1366ea957d3e",
            "level": "error",
            "exception": {"values": [{"type": "IntegrityError", "value": value, "stacktrace": {"frames": [frame]}}]},
            "logentry": {"message": "sent %s", "params": ["wamid.HBgM"]},
            "request": {
                "method": "GET",
                "url": "https://zusage.example/r/AbCdEfGhIjKlMnOpQrStUv?q=hunter2",
                "headers": {"Authorization": "Bearer hunter2"},
                "data": {"phone": "4915123456789"},
            },
            "user": {"email": "ada@example.com"},
            "extra": {"celery-job": {"kwargs": {"to": "4915123456789"}}},
            "breadcrumbs": {"values": [{"message": "hunter2"}]},
            "contexts": {
                "trace": {"trace_id": "6a09e667f3bcc908b2fb1366ea957d3e"},
                "person": {"name": "ada@example.com"},
            },
        }
    )

    written = json.dumps(left)
    assert not [word for word in PLANTED if word in written]
    assert left["event_id"] == left["contexts"]["trace"]["trace_id"] == "6a09e667f3bcc908b2fb1366ea957d3e"
    assert left["exception"]["values"][0]["type"] == "IntegrityError"
    assert left["exception"]["values"][0]["stacktrace"]["frames"] == [{"filename": "messaging/sending.py", "lineno": 7}]
    assert left["request"] == {"method": "GET", "url": "https://zusage.example/r/[token]"}


@pytest.mark.parametrize("name", EXTRAS)
def test_a_variable_without_its_package_stops_the_start_with_one_sentence(name: str) -> None:
    # As where the extras are not installed.
    hide = f"import sys; sys.modules['{EXTRAS[name]}'] = None"
    ended = python(f"{hide}\nimport django; django.setup()", **{name: "http://key@127.0.0.1:1/1"})

    assert ended.returncode != 0
    assert f"{name} is set, but" in ended.stderr.splitlines()[-1]
    assert "requirements/extras.txt" in ended.stderr.splitlines()[-1]


def test_without_the_variables_nothing_of_either_is_loaded() -> None:
    ended = python(
        "import django, sys; django.setup()\n"
        # The client of Redis looks for a part of OpenTelemetry by itself.
        "print([name for name in sys.modules if name.startswith(('sentry_sdk', 'opentelemetry.instrumentation'))])"
    )

    assert ended.stdout.strip() == "[]"


def test_sentry_gets_an_error_without_the_person(collector: tuple[str, list[bytes]]) -> None:
    where, bodies = collector
    ended = python(
        "import django, logging, sentry_sdk; django.setup()\n"
        "def send(to):\n"
        "    raise ValueError(f'refused for {to}')\n"
        "try:\n"
        "    send('4915123456789')\n"
        "except ValueError:\n"
        "    logging.getLogger('said').exception('lane for %s ended', 'ada@example.com')\n"
        "sentry_sdk.flush(5)",
        SENTRY_DSN=f"http://key@{where}/1",
    )

    assert ended.returncode == 0, ended.stderr
    sent = b"".join(bodies).decode()
    assert "refused for [phone]" in sent
    assert not [word for word in PLANTED if word in sent.replace("send('4915123456789')", "")]


@pytest.mark.django_db
def test_a_collector_gets_routes_and_statements_without_paths_and_values(collector: tuple[str, list[bytes]]) -> None:
    where, bodies = collector
    ended = python(
        "import django; django.setup()\n"
        "from django.core.wsgi import get_wsgi_application\n"
        "from wsgiref.util import setup_testing_defaults\n"
        "environ = {'PATH_INFO': '/r/AbCdEfGhIjKlMnOpQrStUv', 'QUERY_STRING': 'q=hunter2'}\n"
        "setup_testing_defaults(environ)\n"
        "list(get_wsgi_application()(environ, lambda *a: None))\n"
        "from opentelemetry import trace; trace.get_tracer_provider().force_flush()",
        OTEL_EXPORTER_OTLP_ENDPOINT=f"http://{where}",
    )

    assert ended.returncode == 0, ended.stderr
    sent = b"".join(bodies).decode(errors="replace")
    assert "r/<str:token>" in sent
    assert not [word for word in PLANTED if word in sent]
