"""A PostgreSQL that may be killed, starved and restarted: the embedded one, durable as in production, in a folder."""

import contextlib
import os
import resource
import secrets
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import environ
import psycopg2
from django.core.management import call_command
from django.db import connection

from benchmarks.fleet import wait_until
from config.localservices import accounts, ports, postgres
from config.localservices.supervisor import end_with_parent

REPLICA = "zusage_replica"


class Server:
    """One server with its data in `folder`/pg; `url` is that of a role as the product's, `end` and `start` break it."""

    def __init__(self, folder: Path) -> None:
        self._programs = postgres.programs()
        self._account = accounts.for_server(self._programs / "postgres", folder)
        self._data, self._log = folder / "pg", folder / "postgres.log"
        self._port, self._password = ports.free(), secrets.token_hex(16)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"postgres://zusage:{self._password}@{ports.ADDRESS}:{self._port}/zusage"

    @property
    def superuser_url(self) -> str:
        """For what only the operator may ask, and for copying the server."""
        return f"postgres://postgres:{self._password}@{ports.ADDRESS}:{self._port}/zusage"

    def create(self) -> None:
        """Make the data folder, start, and make role and database."""
        self._make_folder()
        password = self._data.with_suffix(".password")
        password.write_text(self._password)
        password.chmod(0o600)
        self._account.own(password)
        options = ["-D", str(self._data), "-U", "postgres", *postgres.INITDB, f"--pwfile={password}"]
        self._run("initdb", options).wait()
        self.start()
        with self._connected() as server, server.cursor() as cursor:
            cursor.execute(f"CREATE ROLE zusage LOGIN NOSUPERUSER NOBYPASSRLS PASSWORD '{self._password}'")
            cursor.execute("CREATE DATABASE zusage OWNER zusage")

    def standby(self, folder: Path) -> "Server":
        """Another server with its data in `folder`/pg, which follows this one; it answers when this returns.

        Set up step by step as docs/scaling.md tells operators.
        """
        self._let_replicas_in()
        other = Server(folder)
        other._password = self._password
        other._make_folder()
        primary = f"host={ports.ADDRESS} port={self._port} user={REPLICA} password={self._password}"
        options = ["-D", str(other._data), "-d", primary, "-R", "-X", "stream", "-C", "-S", folder.name]
        if other._run("pg_basebackup", [*options, "--checkpoint=fast", "--no-sync"]).wait():
            raise RuntimeError(f"no copy was made: see {other._log}")
        with (other._data / "postgresql.conf").open("a") as settings:
            settings.write("hot_standby_feedback = on\n")
        other.start()
        return other

    def _let_replicas_in(self) -> None:
        access = self._data / "pg_hba.conf"
        line = f"host replication {REPLICA} {ports.ADDRESS}/32 scram-sha-256\n"
        if access.read_text().startswith(line):
            return
        access.write_text(line + access.read_text())
        with self._connected() as server, server.cursor() as cursor:
            cursor.execute(f"CREATE ROLE {REPLICA} LOGIN REPLICATION PASSWORD '{self._password}'")
            cursor.execute("SELECT pg_reload_conf()")

    def _make_folder(self) -> None:
        self._data.mkdir(mode=0o700)
        self._account.own(self._data)

    def start(self) -> None:
        """Start it on its data; it answers when this returns."""
        settings = postgres.SETTINGS | {"shared_buffers": "64MB"}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        self._process = self._run("postgres", ["-D", str(self._data), "-p", str(self._port), *options])
        wait_until(self._answers, f"PostgreSQL ({self._log})", 60)

    def end(self, number: signal.Signals = signal.SIGQUIT) -> None:
        """Stop it; SIGQUIT is its "immediate": every connection breaks, nothing is tidied up."""
        assert self._process
        self._process.send_signal(number)
        self._process.wait()

    def limit_files(self, limit: int) -> None:
        """Let no file of the server grow beyond so many bytes, -1 for no limit: what is running and what will start.

        PostgreSQL ignores the signal and sees writes fail, much as on a full disk. Linux only.
        """
        assert self._process
        pids = (self._process.pid, *_children(self._process.pid))

        def limit_all() -> None:
            # As the server's user: root in a container may not limit others.
            self._account.prepare()
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    resource.prlimit(pid, resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))

        subprocess.run(["true"], check=True, preexec_fn=limit_all, **self._account.popen)

    def _run(self, program: str, options: list[str]) -> "subprocess.Popen[bytes]":
        def prepare() -> None:
            self._account.prepare()
            end_with_parent(signal.SIGQUIT)

        with self._log.open("ab") as log:
            return subprocess.Popen(
                [str(self._programs / program), *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=prepare,
                **self._account.popen,
            )

    def _answers(self) -> bool:
        try:
            with self._connected():
                return True
        except psycopg2.OperationalError:
            return False

    @contextmanager
    def _connected(self) -> "Iterator[psycopg2.extensions.connection]":
        made = psycopg2.connect(
            host=ports.ADDRESS, port=self._port, user="postgres", password=self._password, dbname="postgres"
        )
        made.autocommit = True
        try:
            yield made
        finally:
            made.close()


@contextmanager
def own_server(folder: Path) -> Iterator[Server]:
    """A migrated server behind Django's connection and in the environment for as long as the block lasts."""
    server = Server(folder)
    kept, kept_url = dict(connection.settings_dict), os.environ["DATABASE_URL"]
    try:
        server.create()
        connection.close()
        connection.settings_dict.update(environ.Env.db_url_config(server.url))
        os.environ["DATABASE_URL"] = server.url
        call_command("migrate", verbosity=0, interactive=False)
        yield server
    finally:
        connection.close()
        connection.settings_dict.update(kept)
        os.environ["DATABASE_URL"] = kept_url
        server.end()


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
