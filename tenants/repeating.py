"""Answers a POST that carries an Idempotency-Key once: repeats get the stored answer, for a day."""

from collections.abc import Callable, Collection, Iterator
from datetime import timedelta

from django.db import connection
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.utils.crypto import salted_hmac
from django.utils.timezone import now

from tenants.models import IdempotencyKey, Tenant
from tenants.scope import across_tenants, tenant_scope

# Answers hold personal data of contacts, so they live no longer than a caller may repeat himself (security § 10).
KEPT = timedelta(hours=24)
MOST_DELETED = 1000
ROWS_AT_A_TIME = 500
# The answer about somebody of whom nothing is left to say.
GONE = 410
HIDDEN = "hidden:"


class UsedForAnother(Exception):
    """The key came with another request within the last day."""


def once(*, tenant: Tenant, name: str, digest: str, answer: Callable[[], HttpResponseBase]) -> HttpResponseBase:
    """The stored answer to this key, else what `answer` gives, stored if it is no error; call it in a transaction.

    `digest` says what makes two requests the same. Raises UsedForAnother.
    """
    # Two equal requests at the same time: the second waits here until the first has committed.
    _lock(f"{tenant.pk}:{name}")
    known = tenant.idempotency_keys.filter(
        key__in=[name[:255], _hidden(name[:255])], created_at__gt=now() - KEPT
    ).first()
    if known is None:
        response = answer()
        if response.status_code < 400:
            _keep(tenant, name, digest, response)
        return response
    if known.request_digest != digest:
        raise UsedForAnother
    return HttpResponse(bytes(known.body), status=known.status, content_type="application/json")


def batches(tenant_id: int) -> Iterator[list[IdempotencyKey]]:
    """A company's stored answers but for emptied ones, some at a time, each batch read in a scope of its own."""
    rows: list[IdempotencyKey] = []
    while not rows or len(rows) == ROWS_AT_A_TIME:
        after = rows[-1].pk if rows else 0
        with tenant_scope(tenant_id):
            told = IdempotencyKey.objects.filter(tenant=tenant_id, pk__gt=after).exclude(status=GONE)
            rows = list(told.order_by("pk")[:ROWS_AT_A_TIME])
        if not rows:
            return
        yield rows


def empty(rows: Collection[IdempotencyKey]) -> int:
    """Empty answers of one company that name somebody, and hide their keys; returns how many."""
    hide(rows)
    pks = [row.pk for row in rows]
    return IdempotencyKey.objects.filter(pk__in=pks).update(body=b"{}", status=GONE) if pks else 0


def hide(rows: Collection[IdempotencyKey]) -> None:
    """Keep only keyed hashes of one company's keys, which may name somebody, too: a repeat still finds its answer."""
    plain = [row for row in rows if not row.key.startswith(HIDDEN)]
    for row in plain:
        row.key = _hidden(row.key)
    if plain:
        # One that is over its day may lie there under the same hash.
        over = IdempotencyKey.objects.filter(tenant=plain[0].tenant_id, key__in=[row.key for row in plain])
        over.delete()
        IdempotencyKey.objects.bulk_update(plain, ["key"])


def _hidden(key: str) -> str:
    return HIDDEN + salted_hmac("tenants.repeating", key, algorithm="sha256").hexdigest()


def forget() -> bool:
    """Delete a batch of answers that are over a day old; True if more may be left."""
    with across_tenants("answers of every tenant grow old"):
        old = IdempotencyKey.objects.filter(created_at__lte=now() - KEPT)
        batch = old.order_by("created_at").values("pk")[:MOST_DELETED]
        # Its age is asked again, because a new answer may just have taken an old one's place.
        deleted, _by_model = old.filter(pk__in=batch).delete()
    return deleted == MOST_DELETED


def _keep(tenant: Tenant, name: str, digest: str, response: HttpResponseBase) -> None:
    """Store the answer, in the place of an expired one under the same key."""
    row = IdempotencyKey(
        tenant=tenant,
        key=name[:255],
        request_digest=digest,
        status=response.status_code,
        body=getattr(response, "content", b""),
    )
    IdempotencyKey.objects.bulk_create(
        [row],
        update_conflicts=True,
        unique_fields=["tenant", "key"],
        update_fields=["request_digest", "status", "body", "created_at"],
    )


def _lock(name: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 7))", [name])
