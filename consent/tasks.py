"""Celery doorways of consent: run imports, and go on with those that lost their worker."""

from typing import Any

from celery import shared_task

from consent import importing


@shared_task
def run_import(*, tenant_id: int, import_id: int, **_: Any) -> None:
    """Check or run one import until it ends; a second worker with the same import returns at once."""
    importing.run(tenant_id, import_id)


@shared_task
def resume_imports(**_: Any) -> None:
    """Hand every import that should be worked on and has no living worker to a worker."""
    for tenant_id, import_id in importing.due():
        run_import.delay(tenant_id=tenant_id, import_id=import_id)
