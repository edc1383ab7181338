"""Workers keep their connection to the database from task to task, and replace one that the server has ended."""

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from benchmarks.fleet import BROKER, Fleet, wait_until
from config.localservices import valkey
from config.localservices.supervisor import CannotStart

# Beat has a receiver look every second, which takes milliseconds while nothing waits.
KEPT = """
SELECT pid FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend' AND backend_start > %s
  AND state_change - backend_start > interval '3 s'
"""


@pytest.mark.django_db(transaction=True)
def test_a_worker_keeps_its_connection_and_no_task_fails_for_one_that_the_server_has_ended(tmp_path: Path) -> None:
    try:
        valkey.program()
    except CannotStart as error:
        pytest.skip(str(error))
    began = _asked("SELECT clock_timestamp()")[0]
    with Fleet(tmp_path, [BROKER, "beat", "receiving"]):
        wait_until(lambda: _kept(began), "a connection that outlives its task", 60)
        (first,) = _kept(began)

        assert _asked("SELECT pg_terminate_backend(%s)", first) == [True]
        wait_until(lambda: _kept(began) - {first}, "the next connection", 60)

    assert "raised unexpected" not in (tmp_path / "receiving.log").read_text()


def _kept(began: datetime) -> set[int]:
    return set(_asked(KEPT, began))


def _asked(statement: str, *values: object) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return [row[0] for row in cursor.fetchall()]
