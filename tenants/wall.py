"""Whether the second wall stands: row-level security binds no superuser and no role with BYPASSRLS, without a word.

Asked by `manage.py check --database default`, by `migrate`, at the start of every process, and by /readyz. A role that
could change the ledger, because it owns it, is only warned about: at the start, and by `check --deploy --database`.
"""

import logging
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import Error, Warning
from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db import Error as DatabaseError
from django.db.backends.base.base import BaseDatabaseWrapper

logger = logging.getLogger(__name__)

FAULT = (
    "The database role of {} passes row-level security, so nothing in the database keeps the tenants apart:"
    " use a role made with NOSUPERUSER and NOBYPASSRLS."
)
RISK = (
    "The database role of {} could change or switch off what protects the consent ledger: run the app as a"
    " role of its own that grant_runtime has given its rights (docs/operations.md, Two roles)."
)
# Whoever may become the owner can do what the owner can.
CHANGEABLE = """
SELECT c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid, coalesce(%s, current_user) AS role
WHERE t.tgname = 'append_only' AND (pg_has_role(role, c.relowner, 'MEMBER')
    OR has_table_privilege(role, c.oid, 'UPDATE, DELETE, TRUNCATE, TRIGGER')
    OR has_any_column_privilege(role, c.oid, 'UPDATE')) ORDER BY 1
"""


def fault(database: BaseDatabaseWrapper | None = None) -> str:
    """What is wrong with the role we run as, in one sentence; "" when it is bound. Raises django.db.Error."""
    with (database or connection).cursor() as cursor:
        cursor.execute("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")
        return _of(cursor.db.alias, FAULT) if cursor.fetchone()[0] else ""


def changeable(role: str | None = None, database: BaseDatabaseWrapper | None = None) -> list[str]:
    """The append-only tables that this role, or the one we run as, could change. Raises django.db.Error."""
    with (database or connection).cursor() as cursor:
        cursor.execute(CHANGEABLE, [role])
        return [table for (table,) in cursor.fetchall()]


def insist() -> None:
    """Raise ImproperlyConfigured where the wall is off; for the start of a process, before it forks.

    A database that does not answer yet stops nobody: /readyz asks again.
    """
    try:
        reason = fault()
        if not reason and changeable():
            logger.warning(_of(DEFAULT_DB_ALIAS, RISK))
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


def check_rights(databases: Sequence[str] | None = None, **_: Any) -> list[Warning]:
    """A warning where one role owns and runs, which is fine for development."""
    risky = [alias for alias in databases or () if changeable(database=connections[alias])]
    return [Warning(_of(alias, RISK), id="tenants.W001") for alias in risky]


def _of(alias: str, sentence: str) -> str:
    return sentence.format(settings.DATABASE_VARIABLES[alias])
