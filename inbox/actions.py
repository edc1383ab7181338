"""What can be done with the inbox: apply webhooks again that were set aside, and settle unclear wishes."""

from collections.abc import Collection

from django.db import transaction
from django.utils import timezone

from consent.actions import withdrawals
from consent.keywords import Recognised
from consent.models import Way
from inbox import queries, tasks
from inbox.models import InboundMessage, WebhookEvent
from inbox.receiving import opt_outs
from inbox.receiving.opt_outs import MARKETING, OptOut
from messaging import delivery
from tenants.actions import audit
from tenants.models import User
from tenants.scope import across_tenants


def try_again(*, event_ids: Collection[int]) -> int:
    """Put webhooks that were set aside back in line; what they did already stays as it is. Returns how many."""
    with across_tenants("a webhook that was set aside may belong to no tenant"):
        waiting = WebhookEvent.objects.filter(pk__in=event_ids, state=WebhookEvent.State.SET_ASIDE).update(
            state=WebhookEvent.State.WAITING, error="", done_at=None
        )
        transaction.on_commit(tasks.ring)
    return waiting


@transaction.atomic
def opt_out(*, message: InboundMessage, by: User) -> bool:
    """Take an unclear message for what it was: a no to advertising on WhatsApp, from the moment it was written.

    Does what a STOPP does (CG-22, CG-25), only that the ledger says who of the team has read it so. False where the
    person has said yes again since: then that yes stays. Done twice it counts once.
    """
    thread = message.conversation
    done = withdrawals.record(
        contact=thread.contact,
        scope="whatsapp",
        key=f"inbound:{message.wamid}",
        occurred_at=message.sent_at,
        evidence={"way": Way.CHAT, "wamid": message.wamid, "text": message.text},
        by=by,
    )
    is_out = any(row.states[MARKETING].is_refused for row in done if MARKETING in row.states)
    answered = _answered(message)
    if is_out:
        # Counts as a STOPP from now on, so that another one within a day is not confirmed once more (CG-25).
        InboundMessage.objects.filter(tenant=message.tenant_id, pk=message.pk).update(is_opt_out=True)
        meant = Recognised("opt_out", False)
        opt_outs.confirm(message.tenant, [OptOut(thread.contact, thread.number, message, meant, answered)])
    if answered:
        delivery.mark_opted_out(message.tenant_id, [(answered, message.sent_at)])
    _settle(message, by, "message.opted_out")
    return is_out


def _answered(message: InboundMessage) -> int | None:
    """The message of ours that it followed, which counts as opted out of; only a quoted one is stored with it."""
    if message.answers_id:
        return message.answers_id
    written = (message.conversation.contact_id, message.sent_at, "")
    [answer] = queries.answered_messages(message.tenant_id, [written])
    return answer.id if answer else None


@transaction.atomic
def looked_at(*, message: InboundMessage, by: User) -> None:
    """Be done with an unclear message that was no wish to opt out; a second time changes nothing."""
    _settle(message, by, "message.looked_at")


def _settle(message: InboundMessage, by: User, verb: str) -> None:
    waiting = InboundMessage.objects.filter(tenant=message.tenant_id, pk=message.pk, looked_at=None)
    if waiting.update(looked_at=timezone.now()):
        audit(tenant=message.tenant, by=by, verb=verb, subject=message.conversation.contact)
