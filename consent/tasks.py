"""Celery doorways of consent: run imports, end the yeses to invalid texts, go on for lost workers, forget files."""

from datetime import timedelta
from typing import Any

from celery import shared_task

from consent import importing, invalidating
from contacts.importing import forgetting

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
    if forgetting.forget(older_than=KEPT):
        forget_imports.delay()


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
