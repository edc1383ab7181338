"""Celery doorways of campaigns: freezing, scheduled launches and the look ahead at them, finishing, renewing files."""

from typing import Any

from celery import shared_task

from campaigns import finishing, freezing, launching, renewing, warning
from whatsapp import uploading


@shared_task(ignore_result=True)
def freeze(*, tenant_id: int, campaign_id: int, **_: Any) -> None:
    """Freeze a launched campaign's audience and start sending."""
    freezing.freeze(tenant_id, campaign_id)


@shared_task(ignore_result=True, expires=10)
def launch_due(**_: Any) -> None:
    """Launch campaigns whose time has come, and go on with freezes that lost their worker."""
    launching.launch_due()
    for tenant_id, campaign_id in finishing.unfrozen():
        freeze.delay(tenant_id=tenant_id, campaign_id=campaign_id)


@shared_task(ignore_result=True, expires=60)
def look_ahead(**_: Any) -> None:
    """Look again at campaigns that start soon, for who scheduled them long ago."""
    warning.look_ahead()


@shared_task(ignore_result=True, expires=5)
def finish_done(**_: Any) -> None:
    """Finish campaigns that have nothing left to send, and show those paused that Meta's errors stopped."""
    finishing.finish_done()


@shared_task(ignore_result=True, expires=3600)
def renew_files(**_: Any) -> None:
    """Have files of scheduled and running campaigns brought to Meta again before it forgets them."""
    uploading.renew(renewing.due())
