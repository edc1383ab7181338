"""Reports may be read from a replica of the database, where REPORTS_DATABASE_URL names one (docs/decisions/0019).

Only inside a `report_scope`: never what decides something, and never what somebody has just done.
"""

import logging
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from datetime import timedelta
from typing import Any

from django.db import DEFAULT_DB_ALIAS, DatabaseError, OperationalError, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from tenants import wall
from tenants.away import is_away
from tenants.models import Tenant

REPORTS = "reports"
# How long a replica is left alone that has not answered: so one report in so long waits for it, and one line is logged.
AWAY_S = 30
# A replica that is further behind is not used: its replication has stopped, and nobody may look at it for days.
BEHIND = timedelta(minutes=5)
# The last column says whether it follows: one that was promoted does not, nor does whoever has replayed nothing since
# its start.
OPEN = """
SELECT set_config('transaction_read_only', 'on', true), set_config('app.tenant_id', %s, true),
    pg_is_in_recovery() AND coalesce(pg_last_xact_replay_timestamp() > now() - make_interval(secs => %s), FALSE)
"""
_ALIAS = ContextVar("alias", default=DEFAULT_DB_ALIAS)
_away_until = 0.0

logger = logging.getLogger(__name__)


class Router:
    """Django's reads inside a `report_scope` go where it says; all else, whatever it was read from, to the primary."""

    def db_for_read(self, model: Any, **hints: Any) -> str:
        return _ALIAS.get()

    def db_for_write(self, model: Any, **hints: Any) -> str:
        return DEFAULT_DB_ALIAS

    def allow_relation(self, one: Any, other: Any, **hints: Any) -> bool:
        return True

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        return db == DEFAULT_DB_ALIAS


def reading() -> BaseDatabaseWrapper:
    """The connection for a report's own SQL: what `django.db.connection` is elsewhere."""
    return connections[_ALIAS.get()]


@contextmanager
def report_scope(tenant: Tenant) -> Iterator[None]:
    """Read this tenant's rows from the replica, in a transaction that can only read; needs the tenant's scope.

    They are as they were at most `BEHIND` ago. Changes nothing where there is no replica, or none that answers and
    follows. Look at what was found inside: querysets read when they are looked at. Does not nest.
    """
    with ExitStack() as stack:
        if REPORTS in connections and time.monotonic() >= _away_until:
            try:
                stack.enter_context(_on_replica(tenant.pk))
            except DatabaseError as error:
                if not is_away(error):
                    raise
                _leave_alone(error)
        yield


def mark() -> None:
    """Commit on the primary without a row, for replicas to know the time there: nothing else may happen for hours."""
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        # Whoever has a transaction id leaves a record of its commit.
        cursor.execute("SELECT pg_current_xact_id()")


@contextmanager
def _on_replica(tenant_id: int) -> Iterator[None]:
    replica = connections[REPORTS]
    with transaction.atomic(using=REPORTS, durable=True):
        # Its address may name another role than the primary's, which starts and /readyz ask about.
        if reason := wall.fault(replica):
            raise OperationalError(reason)
        with replica.cursor() as cursor:
            cursor.execute(OPEN, [str(tenant_id), BEHIND.total_seconds()])
            if not cursor.fetchone()[-1]:
                raise OperationalError(f"the replica follows nobody or is more than {BEHIND} behind")
        token = _ALIAS.set(REPORTS)
        try:
            yield
        finally:
            _ALIAS.reset(token)


def _leave_alone(error: Exception) -> None:
    global _away_until
    # Of the threads that waited at the same time, the first one tells.
    if time.monotonic() >= _away_until:
        logger.warning("reports are read from the primary for %s s: %s", AWAY_S, error)
    _away_until = time.monotonic() + AWAY_S
