"""The second wall between tenants: opens PostgreSQL's row-level-security context for one transaction.

Also remembers which request is being answered, so that the audit trail can name it.

Every tenant table has a forced policy that shows rows of `app.tenant_id` only. Without an open scope no tenant row
can be read or written, whatever the query says. `SET LOCAL` (not `SET`) keeps it safe behind PgBouncer.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from typing import Any

from django.db import connection, transaction

from tenants.models import Tenant

ACROSS = "SELECT set_config('app.tenant_id', '', true), set_config('app.across', 'on', true)"
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


def execute_across_tenants(reason: str, statement: str, values: Sequence[Any]) -> None:
    """Execute one statement that sees every tenant's rows; outside of a transaction it is committed when this returns.

    Then opening, statement and commit are one round trip instead of four: the server runs what comes in one message as
    one transaction. `reason` as in `across_tenants`.
    """
    assert reason
    with across_tenants(reason) if connection.in_atomic_block else nullcontext(), connection.cursor() as cursor:
        cursor.execute(statement if connection.in_atomic_block else f"{ACROSS}; {statement}", values)


@contextmanager
def _scope(tenant_id: str, across: str) -> Iterator[None]:
    is_nested = connection.in_atomic_block
    with nullcontext() if is_nested else _undoing() as undos, transaction.atomic():
        if undos is not None:
            # The first of what a commit sets off, so that nothing which fails then undoes what was committed.
            transaction.on_commit(undos.clear)
        before = _get() if is_nested else None
        _set(tenant_id, across)
        yield
        if before and not transaction.get_rollback():
            # A released savepoint keeps SET LOCAL; an aborted one restores it by itself.
            _set(*before)


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


def _get() -> tuple[str, str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('app.tenant_id', true), current_setting('app.across', true)")
        tenant_id, across = cursor.fetchone()
    return tenant_id or "", across or ""


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
