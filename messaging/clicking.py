"""Records clicks on tracked links."""

from django.utils.timezone import now

from consent.models import Channel, Purpose
from consent.queries import may_send
from contacts.models import Contact
from messaging import delivery
from messaging.links import Target
from messaging.models import Click, Link, Message
from tenants.scope import tenant_scope


def record(target: Target, *, is_counted: bool) -> str | None:
    """Store one request of a link and return its destination; None if the link is gone, or its company is leaving.

    The first counted click marks the message. A target without message leaves no trace of a person, nor does the click
    of somebody who has withdrawn the yes to measuring since the message went out (CG-35).
    """
    with tenant_scope(target.tenant_id):
        link = Link.objects.filter(tenant=target.tenant_id, tenant__closed_at=None, pk=target.link_id).first()
        if link is None:
            return None
        message = (
            # Not that of an erased person, which knows nobody any more (messaging.personal).
            Message.objects.filter(tenant=target.tenant_id, pk=target.message_id, contact_id__gt=0).first()
            if target.message_id
            else None
        )
        if message and not _may_measure(message):
            message = None
        at = now()
        Click.objects.create(
            tenant_id=target.tenant_id,
            link=link,
            source_id=link.source_id,
            message=message,
            contact_id=message.contact_id if message else None,
            at=at,
            is_counted=is_counted,
        )
        if message and is_counted:
            delivery.mark_clicked(target.tenant_id, [(message.pk, at)])
        return link.url


def _may_measure(message: Message) -> bool:
    contact = Contact.objects.filter(tenant=message.tenant_id, pk=message.contact_id).first()
    return bool(contact and may_send(contact=contact, channel=Channel.WHATSAPP, purpose=Purpose.TRACKING).allowed)
