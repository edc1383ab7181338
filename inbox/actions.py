"""What can be done with the inbox: apply webhooks again that were set aside."""

from collections.abc import Collection

from django.db import transaction

from inbox import tasks
from inbox.models import WebhookEvent
from tenants.scope import across_tenants


def try_again(*, event_ids: Collection[int]) -> int:
    """Put webhooks that were set aside back in line; what they did already stays as it is. Returns how many."""
    with across_tenants("a webhook that was set aside may belong to no tenant"):
        waiting = WebhookEvent.objects.filter(pk__in=event_ids, state=WebhookEvent.State.SET_ASIDE).update(
            state=WebhookEvent.State.WAITING, error="", done_at=None
        )
        transaction.on_commit(tasks.ring)
    return waiting
