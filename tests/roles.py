"""The two roles of production (docs/decisions/0001) in tests, whose database is made and cleaned by its owner."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.management import call_command
from django.db import connection

from config.localservices.postgres import RUNTIME

THERE = "SELECT count(*) FROM pg_roles WHERE rolname = %s AND pg_has_role(rolname, 'MEMBER')"


def is_there() -> bool:
    """Whether this server has a runtime role that the owner may take on; the embedded one has."""
    with connection.cursor() as cursor:
        cursor.execute(THERE, [RUNTIME])
        return bool(cursor.fetchone()[0])


def prepare() -> None:
    """Do what a deploy does after `migrate`."""
    if is_there():
        call_command("grant_runtime", RUNTIME, verbosity=0)


@contextmanager
def as_runtime() -> Iterator[None]:
    """Let everything in this process, threads included, ask the database as the runtime role."""
    settings = connection.settings_dict
    kept = settings["OPTIONS"]
    settings["OPTIONS"] = {**kept, "options": f"-c role={RUNTIME}"}
    try:
        with connection.cursor() as cursor:
            cursor.execute(f"SET ROLE {RUNTIME}")
        yield
    finally:
        settings["OPTIONS"] = kept
    # Inside a test's transaction the role ends with it.
    if not connection.in_atomic_block:
        connection.close()


@contextmanager
def as_owner() -> Iterator[None]:
    """What only the owner can do, in a test that runs as the runtime role or as the owner."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        (role,) = cursor.fetchone()
        cursor.execute("SET ROLE NONE")
        yield
        cursor.execute(f"SET ROLE {role}")
