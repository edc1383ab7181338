"""A backup brings everything back, into a database whose walls stand; nobody's rights are more than they need."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg2
import pytest
from django.conf import settings

from config.localservices import postgres
from config.localservices.supervisor import CannotStart
from tests.setup.services import Services, eventually

DEPLOY = Path(settings.BASE_DIR) / "deploy"
PASSWORDS = {"ZUSAGE_DB_PASSWORD": "owner1", "APP_DB_PASSWORD": "app1", "BACKUP_DB_PASSWORD": "backup1"}
OWNER, APP = ("zusage", PASSWORDS["ZUSAGE_DB_PASSWORD"]), ("zusage_app", PASSWORDS["APP_DB_PASSWORD"])


class Server:
    """A PostgreSQL as roles.sh finds it at its first start: with a superuser and nothing else."""

    def __init__(self, base: Path, media: Path) -> None:
        running = json.loads((base / "running.json").read_text())
        where, self.redis = urlsplit(running["DATABASE_URL"]), running["REDIS_URL"]
        self.secrets = json.loads((base / "secrets.json").read_text())
        self.host, self.port, self.media = str(where.hostname), str(where.port), media
        self.superuser = ("postgres", self.secrets["LOCAL_POSTGRES_PASSWORD"])

    def run(self, *command: str, who: tuple[str, str] = ("", ""), **environment: str) -> str:
        """What a command prints, run as an operator would; raises CalledProcessError."""
        path = f"{postgres.programs()}:{os.environ['PATH']}"
        where = {"PGHOST": self.host, "PGPORT": self.port, "PGUSER": who[0], "PGPASSWORD": who[1]}
        done = subprocess.run(
            command,
            env=os.environ | where | {"PATH": path, "PGDATABASE": "zusage"} | environment,
            cwd=settings.BASE_DIR,
            check=True,
            capture_output=True,
            text=True,
            timeout=120,
        )
        return done.stdout

    def manage(self, *arguments: str, who: tuple[str, str] = APP) -> str:
        """A command of the app, which connects as its own role."""
        url = f"postgres://{who[0]}:{who[1]}@{self.host}:{self.port}/zusage"
        there = {"DATABASE_URL": url, "REDIS_URL": self.redis, "BROKER_URL": "", "MEDIA_ROOT": str(self.media)}
        return self.run(sys.executable, "manage.py", *arguments, **there)

    def deploy(self) -> None:
        """What the owner does before processes of a release start."""
        self.manage("migrate", "--no-input", who=OWNER)
        self.manage("grant_runtime", APP[0], who=OWNER)

    def restore(self, made: str, **environment: str) -> None:
        """Bring a backup back in place of what there is, by the statements of docs/operations.md."""
        page = (Path(settings.BASE_DIR) / "docs" / "operations.md").read_text()
        [renaming] = [block for block in re.findall(r"```sql\n(.*?)```", page, re.DOTALL) if "zusage_old" in block]
        self.query("CREATE DATABASE zusage_new OWNER zusage", self.superuser, "postgres")
        self.run(str(DEPLOY / "restore.sh"), made, who=self.superuser, PGDATABASE="zusage_new", **environment)
        for statement in renaming.split(";\n"):
            if statement:
                self.query(statement, self.superuser, "postgres")
        self.deploy()

    def make_roles(self) -> None:
        """What the superuser does at the first start."""
        self.run(str(DEPLOY / "roles.sh"), who=self.superuser, **PASSWORDS)

    def query(self, sql: str, who: tuple[str, str], database: str = "zusage") -> list[tuple]:
        """What a statement returns to this role."""
        server = psycopg2.connect(host=self.host, port=self.port, user=who[0], password=who[1], dbname=database)
        server.autocommit = True
        try:
            with server.cursor() as cursor:
                cursor.execute(sql)
                return cursor.fetchall() if cursor.description else []
        finally:
            server.close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    if sys.platform != "linux":
        pytest.skip("processes are counted in /proc")
    try:
        postgres.programs()
    except CannotStart as error:
        pytest.skip(str(error))
    services = Services(tmp_path)
    services.start("--", sys.executable, "-c", "import time; time.sleep(600)")
    assert eventually((tmp_path / "run" / "running.json").exists, seconds=60)
    (tmp_path / "media").mkdir()
    server = Server(tmp_path / "run", tmp_path / "media")
    for statement in ("DROP DATABASE zusage", "DROP ROLE zusage", "DROP ROLE zusage_app"):
        server.query(statement, server.superuser, "postgres")
    server.make_roles()
    yield server
    services.end()


def test_what_was_backed_up_is_back_after_a_restore(server: Server, tmp_path: Path) -> None:
    backup = ("zusage_backup", PASSWORDS["BACKUP_DB_PASSWORD"])
    server.deploy()
    server.manage("create_tenant", "--slug", "sonne", "--name", "Sonne", "--owner-email", "alice@example.com")
    (server.media / "imports").mkdir()
    (server.media / "imports" / "kunden.csv").write_text("Handy\n")
    counted = "SELECT (SELECT count(*) FROM tenants_membership), (SELECT count(*) FROM tenants_auditevent)"
    # Row-level security hides all of it from the app itself, and a dump that misses rows would be none.
    assert server.query(counted, APP) == server.query(counted, OWNER) == [(0, 0)]
    before = server.query(counted, backup)
    assert before[0][0] == 1
    with pytest.raises(psycopg2.Error):
        server.query("DELETE FROM tenants_membership", backup)

    where = {"BACKUP_DIR": str(tmp_path / "backups"), "MEDIA_ROOT": str(server.media)}
    seal = {"BACKUP_FILTER": "gzip -c"}
    made = server.run(str(DEPLOY / "backup.sh"), who=backup, **where, **seal).strip()
    assert {path.name for path in Path(made).iterdir()} == {"SHA256SUMS", "database.dump.sealed", "media.tar.sealed"}
    assert Path(made).stat().st_mode & 0o777 == 0o700

    restore = (str(DEPLOY / "restore.sh"), made)
    opened = {"RESTORE_FILTER": "gzip -dc", "MEDIA_ROOT": str(tmp_path / "restored")}
    (tmp_path / "restored").mkdir()
    with pytest.raises(subprocess.CalledProcessError) as refused:
        server.run(*restore, who=server.superuser, **opened)
    assert "is not empty" in refused.value.stderr
    server.query("DROP DATABASE zusage", server.superuser, "postgres")
    server.query("CREATE DATABASE zusage OWNER zusage", server.superuser, "postgres")
    server.run(*restore, who=server.superuser, **opened)

    # A backup holds no rights: the owner gives them again.
    with pytest.raises(psycopg2.Error, match="permission denied"):
        server.query(counted, APP)
    server.deploy()
    assert server.query(counted, APP) == [(0, 0)]
    assert server.query(counted, backup) == before
    assert (tmp_path / "restored" / "imports" / "kunden.csv").read_text() == "Handy\n"
    assert "All KPIs equal the recount" in server.manage("verify_kpis")
    server.manage("migrate", "--check")
    server.manage("check", "--database", "default")


# One campaign whose time has come, one without its audience yet, and one in the middle of being sent.
CAMPAIGNS = """
from campaigns import freezing
from tests import factories
from tests.campaigns.cast import come_due, draft, launch
tenant = factories.company(slug="sonne", name="Bäckerei Sonne", owner_email="alice@example.com").tenant
due, unfrozen, running = (draft(tenant, factories.contacts(tenant, 1, start=start)) for start in (0, 10, 20))
come_due(due, state="scheduled")
launch(unfrozen)
freezing.freeze(tenant.pk, launch(running).pk)
"""
# What beat rings for; and whether a sender would have something to do then.
BEAT = """
from campaigns import finishing, freezing, launching
from messaging import queries, sweeping
launching.launch_due()
for campaign in finishing.unfrozen():
    freezing.freeze(*campaign)
sweeping.sweep()
finishing.finish_done()
print("sends:", len(queries.numbers_with_due_messages()))
"""
RESUME = """
from campaigns import actions
from campaigns.models import Campaign
from tenants.models import Tenant
from tenants.scope import tenant_scope
with tenant_scope(Tenant.objects.get()):
    for campaign in Campaign.objects.filter(state="paused", frozen_at=None):
        actions.resume(campaign=campaign, by=None)
"""


def test_after_a_restore_nothing_is_sent_a_second_time_until_a_person_resumes_it(
    server: Server, tmp_path: Path
) -> None:
    backup = ("zusage_backup", PASSWORDS["BACKUP_DB_PASSWORD"])
    server.deploy()
    server.manage("shell", "-c", CAMPAIGNS)
    made = server.run(str(DEPLOY / "backup.sh"), who=backup, BACKUP_DIR=str(tmp_path / "backups")).strip()
    # The day goes on after the backup: everything is sent.
    assert "sends: 1" in server.manage("shell", "-c", BEAT)

    server.restore(made)
    paused = "UPDATE messaging_source SET state = 'paused' WHERE state = 'open' RETURNING id"
    # What an operator may think of first: row-level security shows these roles nothing to pause.
    assert server.query(paused, APP) == server.query(paused, OWNER) == []
    told = server.manage("pause_after_restore")

    assert "1 scheduled campaigns are drafts again, 2 running ones are paused" in told
    assert "sends: 0" in server.manage("shell", "-c", BEAT)
    assert "0 scheduled campaigns are drafts again, 0 running ones are paused" in server.manage("pause_after_restore")
    server.manage("shell", "-c", RESUME)
    assert "sends: 1" in server.manage("shell", "-c", BEAT)


def test_a_backup_that_breaks_off_leaves_nothing_on_the_disk_that_it_has_filled(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    dump, folder = tmp_path / "bin" / "pg_dump", tmp_path / "backups"
    dump.write_text('#!/bin/sh\necho half > "${3#--file=}"\nls "$BACKUP_DIR" >&2\nexit 1\n')
    dump.chmod(0o755)
    killed, begun = folder / "20260101T023000Z.part", folder / "20260102T023000Z.part"
    for left in (folder / "20260101T020000Z", killed, begun):
        left.mkdir(parents=True)
    os.utime(killed, (0, 0))
    where = {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}", "BACKUP_DIR": str(folder), "PGDATABASE": "zusage"}

    ended = subprocess.run([DEPLOY / "backup.sh"], env=where, check=False, capture_output=True, text=True, timeout=30)

    assert ended.returncode == 1
    assert len(ended.stderr.split()) == 3, "the half was there: another backup, one that may be under way, and this one"
    assert {path.name for path in folder.iterdir()} == {"20260101T020000Z", begun.name}


def test_the_app_and_the_backup_may_not_do_more_than_they_need(server: Server) -> None:
    rights = "SELECT rolname, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb FROM pg_roles"

    found = server.query(f"{rights} WHERE rolname LIKE 'zusage%' ORDER BY 1", server.superuser)

    assert found == [
        ("zusage", False, False, False, False),
        ("zusage_app", False, False, False, False),
        ("zusage_backup", False, True, False, False),
    ]
    for who in ((OWNER[0], server.superuser[1]), (OWNER[0], APP[1]), (APP[0], PASSWORDS["BACKUP_DB_PASSWORD"])):
        with pytest.raises(psycopg2.OperationalError):
            server.query("SELECT 1", who)


def test_an_installation_whose_app_owned_its_database_gets_a_role_for_it(server: Server) -> None:
    server.manage("migrate", "--no-input", who=OWNER)
    server.query("DROP ROLE zusage_app", server.superuser)
    create = ("create_tenant", "--slug", "sonne", "--name", "Sonne", "--owner-email", "alice@example.com")
    server.manage(*create, who=OWNER)
    assert "tenants.W001" in checked(server, OWNER)

    for _again in range(2):
        server.make_roles()
        server.deploy()

    assert "tenants.W001" not in checked(server, APP)
    key = json.loads(server.manage("create_api_key", "--tenant", "sonne", "--name", "shop"))
    assert key["tenant"] == "sonne"
    with pytest.raises(psycopg2.Error, match="permission denied"):
        server.query("DELETE FROM tenants_auditevent", APP)
    with pytest.raises(psycopg2.Error, match="must be owner"):
        server.query("ALTER TABLE tenants_auditevent DISABLE TRIGGER append_only", APP)


def checked(server: Server, who: tuple[str, str]) -> str:
    """What the check before a deploy says, which warns and does not refuse."""
    url = f"postgres://{who[0]}:{who[1]}@{server.host}:{server.port}/zusage"
    check = (sys.executable, "manage.py", "check", "--deploy", "--database", "default")
    # Browser tests allow it for all that comes after them; before a deploy it is an error.
    there = {"DATABASE_URL": url, "MEDIA_ROOT": str(server.media), "DJANGO_ALLOW_ASYNC_UNSAFE": ""}
    return server.run("sh", "-c", '"$@" 2>&1', "sh", *check, **there)
