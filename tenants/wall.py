"""Whether the second wall stands: row-level security binds no superuser and no role with BYPASSRLS, without a word.

Asked by `manage.py check --database default`, by `migrate`, at the start of every process, and by /readyz.
"""

from collections.abc import Sequence
from typing import Any

from django.core.checks import Error
from django.core.exceptions import ImproperlyConfigured
from django.db import Error as DatabaseError
from django.db import connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper

FAULT = (
    "The database role of DATABASE_URL passes row-level security, so nothing in the database keeps the tenants apart:"
    " use a role made with NOSUPERUSER and NOBYPASSRLS that owns the database."
)


def fault(database: BaseDatabaseWrapper | None = None) -> str:
    """What is wrong with the role we run as, in one sentence; "" when it is bound. Raises django.db.Error."""
    with (database or connection).cursor() as cursor:
        cursor.execute("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")
        return FAULT if cursor.fetchone()[0] else ""


def insist() -> None:
    """Raise ImproperlyConfigured where the wall is off; for the start of a process, before it forks.

    A database that does not answer yet stops nobody: /readyz asks again.
    """
    try:
        reason = fault()
    except DatabaseError:
        return
    finally:
        connection.close()
    if reason:
        raise ImproperlyConfigured(reason)


def check(databases: Sequence[str] | None = None, **_: Any) -> list[Error]:
    """The same as a system check, which Django runs for the databases it is asked about."""
    reasons = [fault(connections[alias]) for alias in databases or ()]
    return [Error(reason, id="tenants.E001") for reason in reasons if reason]
