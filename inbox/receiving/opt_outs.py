"""Acts on a STOPP: consent withdrawn and with it what waits, the campaign's message marked, one confirmation."""

from datetime import timedelta
from typing import Any, NamedTuple

from django.utils import timezone

from consent import speaking
from consent.actions import declarations, requests
from consent.keywords import Recognised
from consent.models import Channel, DataRequest, Purpose, Source
from consent.queries import open_erasure
from contacts.models import Contact
from inbox import queries
from inbox.models import InboundMessage
from messaging import actions, delivery
from messaging.queries import purposes
from tenants.models import Tenant
from whatsapp.models import Number

MARKETING = (Channel.WHATSAPP.value, Purpose.MARKETING.value)
# Meta takes a free answer for 24 hours after the person wrote; a little less, because sending takes time too.
WINDOW = timedelta(hours=23, minutes=50)


class OptOut(NamedTuple):
    """A message by which somebody opted out; `message_id` is the message of ours that they answered, if any."""

    contact: Contact
    number: Number
    inbound: InboundMessage
    wish: Recognised
    message_id: int | None

    @property
    def is_all(self) -> bool:
        """Whether every channel and purpose is to stop."""
        return self.wish.is_all


def apply(tenant: Tenant, opt_outs: list[OptOut]) -> None:
    """Withdraw consent before anything else, so that no sender claims another message meanwhile (CG-22)."""
    asked = purposes(tenant.pk, [opt_out.message_id for opt_out in opt_outs if opt_out.message_id])
    effective = [o for o in opt_outs if _withdraw(tenant, o, asked.get(o.message_id or 0, ""))]
    marks = [(o.message_id, o.inbound.sent_at) for o in opt_outs if o.message_id]
    delivery.mark_opted_out(tenant.pk, marks)
    _note_requests(tenant, opt_outs)
    confirm(tenant, effective)


def _withdraw(tenant: Tenant, opt_out: OptOut, answered: str) -> bool:
    """Whether the person is out now: a STOPP that arrives after a newer yes is recorded but ends nothing.

    `answered` is what the message that they answered was sent for: STOPP under a survey ends surveys, too.
    """
    inbound = opt_out.inbound
    said: dict[str, Any] = {
        "tenant": tenant,
        "contact": opt_out.contact,
        "source": Source.WA_BUTTON if inbound.payload else Source.WA_KEYWORD,
        "source_ref": inbound.payload[:200],
        "occurred_at": inbound.sent_at,
        "dedupe": inbound.wamid,
        "evidence": {"wamid": inbound.wamid, "text": inbound.text},
    }
    if opt_out.wish.is_objection:
        done = declarations.object_(channel=Channel.ALL if opt_out.is_all else Channel.WHATSAPP, **said)
    else:
        done = declarations.withdraw(is_all=opt_out.is_all, **said)
        if answered == Purpose.SURVEY and not opt_out.is_all:
            declarations.withdraw(**said | {"purpose": Purpose.SURVEY, "dedupe": f"{inbound.wamid}:survey"})
    return any(row.states[MARKETING].is_refused for row in done if MARKETING in row.states)


def _note_requests(tenant: Tenant, opt_outs: list[OptOut]) -> None:
    """Who asks for their data to be deleted has asked under Art. 17 GDPR: it is noted, and its month begins (CG-40)."""
    for opt_out in opt_outs:
        if opt_out.wish.wants_erasure and not open_erasure(opt_out.contact):
            requests.take(
                tenant=tenant,
                contact=opt_out.contact,
                kind=DataRequest.Kind.ERASURE,
                # A message from the same account is good proof of identity (CG-40).
                checked_by=DataRequest.Check.WHATSAPP,
                received_at=min(opt_out.inbound.sent_at, timezone.now()),
                by=None,
            )


def confirm(tenant: Tenant, opt_outs: list[OptOut]) -> None:
    """One confirmation per person and day, however often they write STOPP, and to which of the numbers (CG-25)."""
    window = timezone.now() - WINDOW
    people = {opt_out.contact.pk for opt_out in opt_outs}
    inbound = [opt_out.inbound for opt_out in opt_outs]
    confirmed = queries.people_with_other_opt_outs(tenant.pk, people, inbound, since=window)
    for opt_out in opt_outs:
        if opt_out.inbound.sent_at > window and opt_out.contact.pk not in confirmed:
            confirmed.add(opt_out.contact.pk)
            actions.queue_reply(
                tenant=tenant,
                number=opt_out.number,
                contact=opt_out.contact,
                text=_confirmation(tenant, opt_out),
                dedupe=f"opt-out:{opt_out.inbound.pk}",
                expires_at=opt_out.inbound.sent_at + WINDOW,
            )


def _confirmation(tenant: Tenant, opt_out: OptOut) -> str:
    """Neutral and final (CG-25): no question, no offer."""
    said = speaking.texts(tenant, opt_out.contact.language[:2].lower())
    if opt_out.wish.is_objection and opt_out.is_all:
        return said["objected"]
    return said["out_of_all"] if opt_out.is_all else said["out"]
