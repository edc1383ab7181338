"""How long a database's host may be silent: until it is gone, and never only because it has much to do."""

import socket

import pytest

from tests.inbox.test_faults import database_url
from tests.operations.test_logs import python

ADDRESSES = ("DATABASE_URL", "REPORTS_DATABASE_URL")
# How long the system waits for the other end of an open connection.
ASK_SOCKET = """
import socket, django
django.setup()
from django.db import connections
connection = connections["{alias}"]
connection.ensure_connection()
there = socket.socket(fileno=connection.connection.fileno())
print(there.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE))
for option in ("TCP_USER_TIMEOUT", "TCP_KEEPIDLE", "TCP_KEEPINTVL", "TCP_KEEPCNT"):
    print(there.getsockopt(socket.IPPROTO_TCP, getattr(socket, option)))
"""
CONNECT = """
import django, time
django.setup()
from django.db import OperationalError, connections
began = time.monotonic()
try:
    connections["{alias}"].ensure_connection()
except OperationalError as error:
    print(round(time.monotonic() - began), "timeout expired" in str(error))
"""
WORK = """
import django
django.setup()
from django.db import connection
with connection.cursor() as cursor:
    cursor.execute("SELECT pg_sleep(5), 'done'")
    print(cursor.fetchone()[1])
"""


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("alias", "query", "limits"),
    [
        ("default", "", ["1", "20000", "10", "5", "2"]),
        ("reports", "", ["1", "3000", "5", "2", "2"]),
        # What an address says itself goes before.
        ("default", "?tcp_user_timeout=7000&keepalives_count=9", ["1", "7000", "10", "5", "9"]),
        ("reports", "?keepalives_idle=60", ["1", "3000", "60", "2", "2"]),
    ],
)
def test_a_vanished_host_is_given_seconds_on_open_connections(alias: str, query: str, limits: list[str]) -> None:
    asked = python(ASK_SOCKET.format(alias=alias), **dict.fromkeys(ADDRESSES, database_url() + query))

    assert asked.stdout.split() == limits, asked.stderr


@pytest.mark.parametrize(("alias", "seconds"), [("default", 5), ("reports", 2)])
def test_a_new_connection_is_given_seconds_too(alias: str, seconds: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgres://somebody@127.0.0.1:{silent.getsockname()[1]}/zusage"
        asked = python(CONNECT.format(alias=alias), **dict.fromkeys(ADDRESSES, url))

    waited, was_told = asked.stdout.split()
    # libpq may count in whole seconds, and a busy machine takes its time.
    assert seconds - 1 <= int(waited) < 4 * seconds, asked.stderr
    assert was_told == "True"


@pytest.mark.django_db
def test_a_statement_that_takes_longer_than_all_limits_is_waited_for() -> None:
    """Its host's system answers for it meanwhile."""
    limits = "?tcp_user_timeout=1000&keepalives_idle=1&keepalives_interval=1&keepalives_count=1"

    asked = python(WORK, DATABASE_URL=database_url() + limits)

    assert asked.stdout.split() == ["done"], asked.stderr
