"""Ends the yeses to a text that was declared invalid: ledger rows, a bounded stretch of the ledger at a time.

A stretch is one transaction: whoever is killed in it leaves nothing half-done, and whoever goes on finds where. Yeses
to the text stand in rows up to `upto_seq`, because it is taken under the lock that every writer of a yes holds while
it looks whether the text is valid.
"""

from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

from django.db.models.functions import Now
from django.utils import timezone

from consent import ledger
from consent.ledger import Entry, projecting
from consent.ledger.folding import GRANTS, resting_on
from consent.models import Authority, ConsentEvent, Invalidation, Source, State
from tenants.models import Tenant
from tenants.scope import across_tenants, tenant_scope

# Rows of the ledger in one transaction: opt-outs wait for its lock, and may wait two seconds (CG-22).
ROWS_PER_STRETCH = 1000
STRETCHES_PER_RUN = 100
# Longer than a stretch can take; then its worker is gone.
SILENCE = timedelta(seconds=15)


def due() -> list[tuple[int, int]]:
    """(tenant id, invalidation id) of those that nobody is working on."""
    with across_tenants("a lost worker's invalidation can belong to any tenant"):
        left = Invalidation.objects.filter(finished_at=None, worked_at__lt=Now() - SILENCE)
        return list(left.order_by("pk").values_list("tenant_id", "pk"))


def run(tenant_id: int, invalidation_id: int) -> bool:
    """Go on with an invalidation for a while; True if more is left to do.

    Returns False at once while another worker is at it.
    """
    return all(_stretch(tenant_id, invalidation_id) for _ in range(STRETCHES_PER_RUN))


def _stretch(tenant_id: int, invalidation_id: int) -> bool:
    with tenant_scope(tenant_id):
        unfinished = Invalidation.objects.filter(tenant=tenant_id, pk=invalidation_id, finished_at=None)
        found = unfinished.select_for_update(of=("self",), skip_locked=True)
        invalidation = found.select_related("tenant", "version__wording", "declared_by").first()
        if invalidation is None:
            return False
        upto = min(invalidation.done_seq + ROWS_PER_STRETCH, invalidation.upto_seq)
        invalidation.ended += _end(invalidation, upto)
        invalidation.done_seq, invalidation.worked_at = upto, timezone.now()
        if upto == invalidation.upto_seq:
            invalidation.finished_at = invalidation.worked_at
        invalidation.save(update_fields=["ended", "done_seq", "worked_at", "finished_at"])
        return invalidation.finished_at is None


def _end(invalidation: Invalidation, upto: int) -> int:
    """End what the people of these rows have agreed to under the text; returns how many yeses that were."""
    tenant = invalidation.tenant
    if not (subjects := _subjects(invalidation, upto)):
        return 0
    # Between reading what people have said and appending nobody else may write.
    ledger.lock(tenant)
    entries = list(_entries(invalidation, tenant, subjects))
    return sum(1 for row in ledger.append(tenant, entries) if row.seq)


def _subjects(invalidation: Invalidation, upto: int) -> list[UUID]:
    rows = ConsentEvent.objects.filter(
        tenant=invalidation.tenant_id,
        seq__gt=invalidation.done_seq,
        seq__lte=upto,
        wording_sha256=invalidation.wording_sha256,
        state__in=GRANTS,
    )
    return list(rows.order_by().values_list("subject_id", flat=True).distinct())


def _entries(invalidation: Invalidation, tenant: Tenant, subjects: list[UUID]) -> Iterator[Entry]:
    version = invalidation.version
    for subject, events in projecting.histories(tenant, subjects).items():
        for channel, purpose in resting_on(events, invalidation.wording_sha256):
            yield Entry(
                subject_id=subject,
                channel=channel,
                purpose=purpose,
                state=State.INVALIDATED,
                authority=Authority.AGENT,
                source=Source.SYSTEM,
                source_ref=f"wording {version.wording.uid} v{version.number}",
                occurred_at=invalidation.declared_at,
                key=f"invalidated:{invalidation.pk}:{subject}:{channel}:{purpose}",
                wording_version_id=version.pk,
                wording_sha256=invalidation.wording_sha256,
                by=invalidation.declared_by,
            )
