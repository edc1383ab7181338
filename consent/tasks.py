"""Celery doorways of consent: imports, requests about data, invalid texts, seals, mails that are owed, and periods."""

from datetime import timedelta
from typing import Any

from celery import shared_task

from consent import announcing, importing, invalidating, mailing
from consent.ledger import anchoring, checking, depositing
from consent.rights import handing_over, informing, keeping, working
from contacts import personal
from contacts.importing import forgetting
from tenants.models import Tenant

KEPT = timedelta(days=30)


@shared_task
def run_import(*, tenant_id: int, import_id: int, **_: Any) -> None:
    """Check or run one import until it ends; a second worker with the same import returns at once."""
    importing.run(tenant_id, import_id)


@shared_task
def resume_imports(**_: Any) -> None:
    """Hand every import that should be worked on and has no living worker to a worker."""
    for tenant_id, import_id in importing.due():
        run_import.delay(tenant_id=tenant_id, import_id=import_id)


@shared_task
def forget_imports(**_: Any) -> None:
    """Delete files and rejected lines of imports that were over 30 days ago (consent-gdpr § 10)."""
    if forgetting.forget(older_than=KEPT, note=keeping.note_imports):
        forget_imports.delay()


@shared_task
def anchor_ledgers(**_: Any) -> None:
    """Sign the head of every ledger, and begin to take them elsewhere (consent-gdpr § 4)."""
    anchoring.anchor_all()
    deposit_heads.delay()


@shared_task
def deposit_heads(**_: Any) -> None:
    """Keep and mail signed heads that are not elsewhere yet; beat rings again for what is left."""
    depositing.work()


@shared_task
def check_ledgers(**_: Any) -> None:
    """Have every ledger verified that was not since last night; what a lost ring leaves is found again next time."""
    for tenant_id in checking.due():
        check_ledger.delay(tenant_id=tenant_id)


@shared_task
def check_ledger(*, tenant_id: int, **_: Any) -> None:
    """Verify one ledger, or go on with it; a second worker with the same one returns at once."""
    if checking.work(tenant_id):
        check_ledger.delay(tenant_id=tenant_id)


@shared_task
def carry_out(*, tenant_id: int, request_id: int, **_: Any) -> None:
    """Export or erase what one request asks for; a second worker with the same request returns at once."""
    working.work(tenant_id, request_id)


@shared_task
def forget_hashes(*, tenant_id: int, request_id: int, **_: Any) -> None:
    """Take somebody's hashes out of the record of erasures, and out of files with everything of their company."""
    working.forget_hashes(tenant_id, request_id)


@shared_task
def forget_answers(*, tenant_id: int, **_: Any) -> None:
    """Empty stored answers to programs that name contacts who were deleted; what a lost ring leaves goes in a day."""
    personal.forget_answers(Tenant.objects.get(pk=tenant_id))


@shared_task
def resume_requests(**_: Any) -> None:
    """Hand every request that should be worked on and has no living worker to a worker."""
    for tenant_id, request_id in working.due():
        carry_out.delay(tenant_id=tenant_id, request_id=request_id)
    for tenant_id, request_id in working.dropping_hashes():
        forget_hashes.delay(tenant_id=tenant_id, request_id=request_id)


@shared_task
def hand_over(*, tenant_id: int, handover_id: int, **_: Any) -> None:
    """Build one company's file of everything; a second worker with the same one returns at once."""
    handing_over.work(tenant_id, handover_id)


@shared_task
def resume_handovers(**_: Any) -> None:
    """Hand every handover that should be worked on and has no living worker to a worker."""
    for tenant_id, handover_id in handing_over.due():
        hand_over.delay(tenant_id=tenant_id, handover_id=handover_id)


@shared_task
def keep_to_periods(**_: Any) -> None:
    """Have every company's data looked through for what is past its time (consent-gdpr § 10)."""
    for tenant_id in Tenant.objects.order_by("pk").values_list("pk", flat=True):
        keep_to_periods_of.delay(tenant_id=tenant_id)


@shared_task
def keep_to_periods_of(*, tenant_id: int, **_: Any) -> None:
    """Let go of what one company has kept long enough; hand over after some batches."""
    if keeping.keep(Tenant.objects.get(pk=tenant_id)):
        keep_to_periods_of.delay(tenant_id=tenant_id)


@shared_task
def watch_programs(**_: Any) -> None:
    """Have every company's programs looked at for people who may not know whence their data come (Art. 14 GDPR)."""
    for tenant_id in Tenant.objects.order_by("pk").values_list("pk", flat=True):
        watch_programs_of.delay(tenant_id=tenant_id)


@shared_task
def watch_programs_of(*, tenant_id: int, **_: Any) -> None:
    """Count them for one company."""
    informing.look(Tenant.objects.get(pk=tenant_id))


@shared_task
def invalidate(*, tenant_id: int, invalidation_id: int, **_: Any) -> None:
    """End the next yeses to a text that was declared invalid, and ring again while more are left."""
    if invalidating.run(tenant_id, invalidation_id):
        invalidate.delay(tenant_id=tenant_id, invalidation_id=invalidation_id)


@shared_task
def resume_invalidations(**_: Any) -> None:
    """Hand every invalidation that is not over and has no living worker to a worker."""
    for tenant_id, invalidation_id in invalidating.due():
        invalidate.delay(tenant_id=tenant_id, invalidation_id=invalidation_id)


@shared_task
def tell_companies(**_: Any) -> None:
    """Tell companies by mail what the operator owes them; beat rings again for what is left."""
    try:
        announcing.remind()
    finally:
        # What waits already goes out, whatever has gone wrong with reminders.
        announcing.work()


@shared_task
def ask_addresses(**_: Any) -> None:
    """Ask people by mail whether they want e-mails, as they or somebody else said on a page; beat rings again."""
    mailing.work()
