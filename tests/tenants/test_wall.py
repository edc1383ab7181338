"""A database role that passes row-level security is refused: by checks, at the start of every process, by /readyz."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from django.conf import settings
from django.db import connections
from django.test import Client

from tenants import wall

STARTS = {
    "check": ["manage.py", "check", "--database", "default"],
    "migrate": ["manage.py", "migrate", "--plan"],
    "web": ["-m", "gunicorn", "config.wsgi", "--bind", "127.0.0.1:0", "--preload", "--no-control-socket"],
    "web without preload": ["-m", "gunicorn", "config.wsgi", "--bind", "127.0.0.1:0", "--no-control-socket"],
    "worker": ["-m", "celery", "-A", "config", "worker", "--queues", "nothing", "--concurrency", "1"],
    "door": ["-m", "uvicorn", "inbox.door:application", "--port", "0"],
    "services": ["-m", "config.localservices", "--base", "{base}/run", "--", "true"],
}


@dataclass(frozen=True)
class Role:
    """Somebody who may log in to the embedded server."""

    name: str
    password: str

    @property
    def url(self) -> str:
        where = settings.DATABASES["default"]
        return f"postgres://{self.name}:{self.password}@{where['HOST']}:{where['PORT']}/postgres"


@pytest.fixture
def superuser() -> Role:
    """The superuser of the embedded PostgreSQL, whose password lies beside its data."""
    kept = Path(os.environ["TMPDIR"]).parent / "secrets.json"
    if not kept.exists():
        pytest.skip("only the embedded PostgreSQL tells its superuser's password")
    return Role("postgres", json.loads(kept.read_text())["LOCAL_POSTGRES_PASSWORD"])


@pytest.fixture(params=["superuser", "bypassrls"])
def unbound(request: pytest.FixtureRequest, superuser: Role) -> Iterator[Role]:
    """Each kind of role that PostgreSQL lets pass every policy."""
    if request.param == "superuser":
        yield superuser
        return
    passing = Role("passing", "secret")
    server = psycopg2.connect(superuser.url)
    server.autocommit = True
    with server.cursor() as cursor:
        cursor.execute("CREATE ROLE passing LOGIN NOSUPERUSER BYPASSRLS PASSWORD 'secret'")
        yield passing
        cursor.execute("DROP ROLE passing")
    server.close()


@pytest.fixture
def as_unbound(unbound: Role, db: None) -> Iterator[None]:
    """Lets everything in this process ask the database as that role."""
    own = connections["default"]
    theirs = own.copy()
    theirs.settings_dict |= {"USER": unbound.name, "PASSWORD": unbound.password}
    connections["default"] = theirs
    yield
    theirs.close()
    connections["default"] = own


@pytest.mark.usefixtures("as_unbound")
def test_an_unbound_role_is_not_ready_and_says_why(client: Client) -> None:
    answer = client.get("/readyz")

    assert answer.status_code == 503
    checks = answer.json()["checks"]
    assert (checks["database"], checks["tenant_wall"], checks["redis"]) == (True, False, True)
    reason = answer.json()["reasons"]["tenant_wall"]
    assert "role of DATABASE_URL" in reason
    assert "NOSUPERUSER and NOBYPASSRLS" in reason


@pytest.mark.usefixtures("as_unbound")
def test_an_unbound_role_fails_the_system_check() -> None:
    assert [error.id for error in wall.check(databases=["default"])] == ["tenants.E001"]
    assert wall.check() == []


@pytest.mark.django_db
def test_our_own_role_is_bound_and_ready(client: Client) -> None:
    answer = client.get("/readyz")

    checks = answer.json()["checks"]
    assert answer.status_code == 200
    assert (checks["database"], checks["tenant_wall"], checks["redis"]) == (True, True, True)
    assert wall.check(databases=["default"]) == []


@pytest.mark.django_db
def test_a_database_that_does_not_answer_is_no_fault_of_the_wall(client: Client) -> None:
    own = connections["default"]
    away = own.copy()
    away.settings_dict["PORT"] = 1
    connections["default"] = away
    try:
        wall.insist()
        answer = client.get("/readyz")
    finally:
        connections["default"] = own

    assert answer.status_code == 503
    checks = answer.json()["checks"]
    assert answer.json()["status"] == "unavailable"
    assert (checks["database"], checks["tenant_wall"], checks["redis"]) == (False, False, True)


@pytest.mark.parametrize("what", STARTS)
def test_no_process_starts_under_an_unbound_role(what: str, superuser: Role, tmp_path: Path) -> None:
    arguments = [part.format(base=tmp_path) for part in STARTS[what]]

    ended = started(arguments, superuser)

    assert ended.returncode not in (0, None)
    assert "NOSUPERUSER and NOBYPASSRLS" in ended.stderr + ended.stdout
    if what in ("worker", "services"):
        assert "Traceback" not in ended.stderr


def started(arguments: list[str], role: Role) -> subprocess.CompletedProcess[Any]:
    """How this program ends when DATABASE_URL names the role."""
    return subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, "DATABASE_URL": role.url},
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
