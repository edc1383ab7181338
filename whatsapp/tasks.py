"""Celery doorways to Meta's management calls."""

import logging
from typing import Any

from celery import shared_task

from whatsapp import syncing, uploading
from whatsapp.errors import WhatsAppError

log = logging.getLogger(__name__)


@shared_task(ignore_result=True, expires=3600)
def sync_all_templates(**_: Any) -> None:
    """Compare every account's templates with Meta; webhooks can be missed."""
    for tenant_id, account_id in syncing.accounts():
        sync_account.delay(tenant_id=tenant_id, account_id=account_id)


@shared_task(ignore_result=True)
def sync_account(*, tenant_id: int, account_id: int, **_: Any) -> None:
    """Fetch one account's templates and numbers, and write what its profiles still wait for."""
    try:
        syncing.sync(tenant_id, account_id)
    except WhatsAppError as error:
        log.warning("account %s cannot be synced: %s", account_id, error)
        return
    for number_id in syncing.profiles_to_write(tenant_id, account_id):
        syncing.write_profile(tenant_id, number_id)


@shared_task(ignore_result=True)
def write_profile(*, tenant_id: int, number_id: int, **_: Any) -> None:
    """Add to one number's business profile what somebody asked for; does nothing if that was done."""
    syncing.write_profile(tenant_id, number_id)


@shared_task(ignore_result=True, expires=10)
def submit_due(**_: Any) -> None:
    """Hand every template whose time has come to a worker, which takes it to Meta."""
    for tenant_id, template_id in syncing.to_submit():
        submit_template.delay(tenant_id=tenant_id, template_id=template_id)


@shared_task(ignore_result=True)
def submit_template(*, tenant_id: int, template_id: int, **_: Any) -> None:
    """Send one draft to Meta for review; does nothing if that was done."""
    syncing.submit(tenant_id, template_id)


@shared_task(ignore_result=True)
def delete_template(*, tenant_id: int, account_id: int, name: str, meta_id: str, **_: Any) -> None:
    """Delete one template at Meta; if that fails, the next sync shows it again."""
    try:
        syncing.delete(tenant_id, account_id, name, meta_id)
    except WhatsAppError as error:
        log.warning("a template of account %s cannot be deleted: %s", account_id, error)


@shared_task(ignore_result=True)
def upload_media(*, tenant_id: int, media_id: int, **_: Any) -> None:
    """Bring one file to Meta; does nothing if it does not wait for that."""
    uploading.upload(tenant_id, media_id)


@shared_task(ignore_result=True, expires=60)
def upload_left_behind(**_: Any) -> None:
    """Hand every file whose time has come to a worker, which brings it to Meta."""
    for tenant_id, media_id in uploading.due():
        upload_media.delay(tenant_id=tenant_id, media_id=media_id)
