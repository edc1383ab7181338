"""Brings files to Meta, once per number, and again before Meta forgets them."""

import logging
from datetime import timedelta
from typing import Any, BinaryIO, cast

from django.utils.timezone import now
from django.utils.translation import gettext as _

from tenants.scope import across_tenants, tenant_scope
from whatsapp.errors import NotSent, Refused, UnknownOutcome
from whatsapp.models import Media
from whatsapp.syncing import client_for

log = logging.getLogger(__name__)

# How long Meta keeps a file (fact sheet § 5).
VALID_FOR = timedelta(days=30)
# A worker that got the job has begun by then, or is dead.
LEFT_BEHIND_AFTER = timedelta(minutes=1)


def left_behind() -> list[tuple[int, int]]:
    """(tenant id, media id) of files that never reached Meta: a worker was lost, or Meta was away."""
    with across_tenants("files of every tenant wait for Meta"):
        waiting = Media.objects.filter(meta_id="", error="", created_at__lt=now() - LEFT_BEHIND_AFTER)
        return list(waiting.filter(tenant__is_active=True).values_list("tenant_id", "id")[:100])


def upload(tenant_id: int, media_id: int) -> None:
    """Bring one file to Meta and store its id there, or why Meta refused it.

    Where Meta is away nothing changes, and a later round tries again. A refused renewal keeps the old id as long as
    that is valid. No transaction is open while the network is slow.
    """
    with tenant_scope(tenant_id):
        media = Media.objects.select_related("number__account").get(tenant=tenant_id, pk=media_id)
    try:
        found = _uploaded(media)
    except Refused as refused:
        if refused.is_transient:
            log.warning("media %s cannot be uploaded yet: %s", media_id, refused)
            return
        found = {"error": f"{refused.user_msg or refused.rule.meaning_de} ({refused.code})"[:500]}
    except FileNotFoundError:
        found = {"error": _("The file is no longer here. Upload it again.")}
    except (NotSent, UnknownOutcome) as error:
        log.warning("media %s cannot be uploaded yet: %s", media_id, error)
        return
    with tenant_scope(tenant_id):
        Media.objects.filter(tenant=tenant_id, pk=media_id).update(**found)


def _uploaded(media: Media) -> dict[str, Any]:
    number = media.number
    with media.file.open("rb") as content, client_for(number.account) as client:
        meta_id = client.upload_media(number.phone_number_id, cast(BinaryIO, content), media.mime_type, media.filename)
    if not meta_id:
        raise UnknownOutcome("no media id in the answer")
    return {"meta_id": meta_id, "expires_at": now() + VALID_FOR, "error": ""}
