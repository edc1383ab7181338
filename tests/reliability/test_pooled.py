"""A pooler between all processes and PostgreSQL: every transaction may run on another connection."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import psycopg2
import pytest

from benchmarks.chaos import stage
from benchmarks.fleet import database_url, wait_until
from config.localservices import ports

pytestmark = pytest.mark.django_db(transaction=True)
# Fewer connections than processes and threads, so that they must share; the limits are those of docs/scaling.md.
CONFIGURATION = """
[databases]
{name} = host={host} port={port} user={user} password={password}
[pgbouncer]
listen_addr = {address}
listen_port = {own}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 4
server_connect_timeout = 5
tcp_keepidle = 10
tcp_keepintvl = 5
tcp_keepcnt = 2
tcp_user_timeout = 20000
admin_users = anybody
"""


@pytest.fixture
def pooled(tmp_path: Path) -> Iterator[str]:
    """The DATABASE_URL of a PgBouncer in transaction mode before the tests' database."""
    program = shutil.which("pgbouncer", path=os.environ["PATH"] + ":/usr/sbin")
    if not program:
        pytest.skip("PgBouncer is not installed here")
    there, own = urlsplit(database_url()), ports.free()
    name = there.path.lstrip("/")
    file = tmp_path / "pgbouncer.ini"
    values = {"host": there.hostname, "port": there.port, "user": there.username, "password": there.password}
    file.write_text(CONFIGURATION.format(name=name, address=ports.ADDRESS, own=own, **values))
    # It refuses to run as root.
    as_nobody = ["-u", "nobody"] if os.getuid() == 0 else []
    tmp_path.chmod(0o755)
    with subprocess.Popen([program, "-q", *as_nobody, str(file)], stderr=subprocess.DEVNULL) as process:
        wait_until(lambda: _answers(own), "the start of PgBouncer", 10)
        yield f"postgres://anybody@{ports.ADDRESS}:{own}/{name}?DISABLE_SERVER_SIDE_CURSORS=true"
        process.terminate()


def _answers(port: int) -> bool:
    try:
        socket.create_connection((ports.ADDRESS, port), timeout=1).close()
    except OSError:
        return False
    return True


def _transactions(url: str) -> int:
    """How many transactions the pooler has seen."""
    admin = psycopg2.connect(urlsplit(url)._replace(path="/pgbouncer", query="").geturl())
    admin.autocommit = True
    with closing(admin), admin.cursor() as cursor:
        cursor.execute("SHOW STATS")
        columns = [column.name for column in cursor.description]
        return sum(dict(zip(columns, row, strict=True))["total_xact_count"] for row in cursor.fetchall())


def test_a_campaign_through_a_transaction_pooler_reaches_everybody_once(pooled: str, tmp_path: Path) -> None:
    folder = tmp_path / "fleet"
    folder.mkdir()
    with stage.staged(folder, 400, 200, environment={"DATABASE_URL": pooled}) as here:
        here.launch()
        counts = here.finish()

    assert counts.verdict == "twice=0 lost=0 forged=0 unsettled=0", counts
    assert counts.accepted == 400
    assert _transactions(pooled) > 100, "the processes went past the pooler"
