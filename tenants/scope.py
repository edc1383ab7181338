"""The second wall between tenants: opens PostgreSQL's row-level-security context for one transaction.

Also remembers which request is being answered, so that the audit trail can name it.

Every tenant table has a forced policy that shows rows of `app.tenant_id` only. Without an open scope no tenant row
can be read or written, whatever the query says. `SET LOCAL` (not `SET`) keeps it safe behind PgBouncer.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar

from django.db import connection, transaction

from tenants.models import Tenant

SETTINGS = ("app.tenant_id", "app.across")
_REQUEST_ID = ContextVar("request_id", default="")
_UNDOS: ContextVar[list[Callable[[], None]] | None] = ContextVar("undos", default=None)


@contextmanager
def tenant_scope(tenant: Tenant | int) -> Iterator[None]:
    """Open a transaction in which rows of this tenant, and of no other, are visible.

    Nests: an inner scope replaces the outer one until it ends.
    """
    tenant_id = tenant if isinstance(tenant, int) else tenant.pk
    with _scope(str(tenant_id), ""):
        yield


@contextmanager
def across_tenants(reason: str) -> Iterator[None]:
    """Open a transaction that sees every tenant's rows.

    Only for work that has no tenant yet: finding due work, routing a webhook, checking a key, staff's admin.
    `tests/test_architecture.py` keeps the list of modules that may call it. `reason` says why, for the reader.
    """
    assert reason
    with _scope("", "on"):
        yield


@contextmanager
def _scope(tenant_id: str, across: str) -> Iterator[None]:
    is_nested = connection.in_atomic_block
    with nullcontext() if is_nested else _undoing() as undos, transaction.atomic(), connection.cursor() as cursor:
        if undos is not None:
            # The first of what a commit sets off, so that nothing which fails then undoes what was committed.
            transaction.on_commit(undos.clear)
        cursor.execute("SELECT current_setting('app.tenant_id', true), current_setting('app.across', true)")
        before = cursor.fetchone()
        _set(tenant_id, across)
        yield
        if is_nested and not transaction.get_rollback():
            # A released savepoint keeps SET LOCAL; an aborted one restores it by itself.
            _set(before[0] or "", before[1] or "")


def undo_on_rollback(undo: Callable[[], None]) -> None:
    """Call this if the outermost scope is rolled back: for what no database takes back, such as a stored file."""
    undos = _UNDOS.get()
    if undos is not None:
        undos.append(undo)


@contextmanager
def _undoing() -> Iterator[list[Callable[[], None]]]:
    undos: list[Callable[[], None]] = []
    token = _UNDOS.set(undos)
    try:
        yield undos
    finally:
        _UNDOS.reset(token)
        for undo in undos:
            undo()


def _set(tenant_id: str, across: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('app.tenant_id', %s, true), set_config('app.across', %s, true)", [tenant_id, across]
        )


@contextmanager
def named_request(name: str) -> Iterator[None]:
    """Everything inside is done for the request of this id."""
    token = _REQUEST_ID.set(name)
    try:
        yield
    finally:
        _REQUEST_ID.reset(token)


def request_id() -> str:
    """The id of the request being answered; empty in workers and commands."""
    return _REQUEST_ID.get()
