"""Brings files to Meta, once per number, and again before Meta forgets them."""

import logging
from collections.abc import Collection
from datetime import timedelta
from typing import Any, BinaryIO, cast

from django.conf import settings
from django.db.models import F
from django.utils.timezone import now

from tenants.scope import across_tenants, tenant_scope
from whatsapp import samples
from whatsapp.errors import ErrorClass, NotSent, Refused, Scope, UnknownOutcome
from whatsapp.models import Media
from whatsapp.syncing import asking

log = logging.getLogger(__name__)

# How long Meta keeps a file (fact sheet § 5).
VALID_FOR = timedelta(days=30)
# The largest file over a slow line has arrived by then, or its worker is dead.
ARRIVED_WITHIN = timedelta(minutes=10)
# Twice as long with each attempt.
FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=1), timedelta(minutes=30)
# Refusals that say nothing about the file.
WAITING = (ErrorClass.RETRY_SOON, ErrorClass.RETRY_LATER, ErrorClass.ACCOUNT)
SETTLED: dict[str, Any] = {"upload_due_at": None, "upload_tries": 0}


def due() -> list[tuple[int, int]]:
    """(tenant id, media id) of files that wait to be brought to Meta, the longest waiting first.

    Those of a stopped account wait until somebody has mended it, for Meta would refuse them too.
    """
    with across_tenants("files of every tenant wait for Meta"):
        waiting = Media.objects.filter(upload_due_at__lte=now(), tenant__is_active=True)
        waiting = waiting.filter(number__account__paused_at=None).order_by("upload_due_at")
        return list(waiting.values_list("tenant_id", "id")[:100])


def renew(media_ids: Collection[int]) -> None:
    """Have these files of any tenant brought to Meta once more; one that waits already keeps its turn."""
    with across_tenants("files of every tenant grow old"):
        settled = Media.objects.filter(pk__in=media_ids, upload_due_at=None)
        settled.update(upload_due_at=now(), upload_tries=0)


def upload(tenant_id: int, media_id: int) -> None:
    """Bring one file to Meta, if it waits for that, and store its id there, or why Meta refused it.

    Where Meta is away, busy or does not serve the account, the file waits for a later round, each time longer. A
    refused renewal keeps the old id as long as that is valid. No transaction is open while the network is slow.
    """
    media = _taken(tenant_id, media_id)
    if media is None:
        return
    try:
        changes = _uploaded(media)
    except Refused as refused:
        log.warning("media %s cannot be uploaded: %s", media_id, refused)
        changes = _refused(media, refused)
    except FileNotFoundError:
        changes = {"error": samples.reason_gone(), **SETTLED}
    except (NotSent, UnknownOutcome) as error:
        log.warning("media %s cannot be uploaded yet: %s", media_id, error)
        changes = _later(media)
    with tenant_scope(tenant_id):
        # Whoever took longer than anybody waits has lost the file to another worker, whose answer counts.
        Media.objects.filter(tenant=tenant_id, pk=media_id, upload_due_at=media.upload_due_at).update(**changes)


def _taken(tenant_id: int, media_id: int) -> Media | None:
    """The file, if it still waited; the second of two workers gets None, so that it goes to Meta once."""
    with tenant_scope(tenant_id):
        rows = Media.objects.filter(tenant=tenant_id, pk=media_id)
        taken = {"upload_due_at": now() + ARRIVED_WITHIN, "upload_tries": F("upload_tries") + 1}
        if not rows.filter(upload_due_at__lte=now()).update(**taken):
            return None
        return rows.select_related("number__account").get()


def _uploaded(media: Media) -> dict[str, Any]:
    number = media.number
    with media.file.open("rb") as content, asking(number.account) as client:
        meta_id = client.upload_media(number.phone_number_id, cast(BinaryIO, content), media.mime_type, media.filename)
    if not meta_id:
        raise UnknownOutcome("no media id in the answer")
    return {"meta_id": meta_id, "expires_at": now() + VALID_FOR, "error": "", **SETTLED}


def _refused(media: Media, refused: Refused) -> dict[str, Any]:
    """What follows from a refusal, with its reason in the product's own language if it speaks about the file."""
    rule = refused.rule
    reason = f"{refused.user_msg or rule.sentences(settings.LANGUAGE_CODE)[0]} ({refused.code})"[:500]
    if rule.is_retryable and rule.scope is Scope.TEMPLATE:
        # Meta could not read the file, which deserves one more attempt; a stored reason tells that it was the second.
        return {"error": reason, **(SETTLED if media.error else _later(media, refused))}
    if refused.is_transient or rule.error_class in WAITING:
        return _later(media, refused)
    return {"error": reason, **SETTLED}


def _later(media: Media, refused: Refused | None = None) -> dict[str, Any]:
    pause = min(FIRST_PAUSE * 2 ** min(media.upload_tries - 1, 10), LONGEST_PAUSE)
    least = timedelta(seconds=(refused.retry_after_s if refused else None) or 0)
    return {"upload_due_at": now() + max(pause, least)}
