"""Applies what people wrote: finds the person, opens the 24-hour window, notes replies, hears a STOPP."""

from collections.abc import Collection
from typing import Any, NamedTuple

from consent import keywords
from consent.actions import declarations, hearing
from consent.keywords import Recognised
from contacts import actions as contacts
from contacts.models import Contact
from inbox import queries
from inbox.models import InboundMessage
from inbox.receiving import conversations, opt_outs, people, questions, sign_ups
from inbox.receiving.routing import Item
from messaging import delivery
from tenants.models import Tenant
from whatsapp.events import Inbound
from whatsapp.models import Number

# Extras of Meta's item that the thread shows beside its own content.
EXTRAS = ("context", "referral", "errors", "group_id")
NO_WISH = Recognised("none", False)


class Written(NamedTuple):
    """A message on its way in, with the person and number it belongs to and the wish recognised in it."""

    event: Inbound
    number: Number
    contact: Contact
    wish: Recognised

    @property
    def conversation_key(self) -> tuple[int, int]:
        return self.number.pk, self.contact.pk


def apply(tenant: Tenant, items: list[Item[Inbound]]) -> None:
    """Store messages that are new and do what they ask; a message that came before changes nothing."""
    merges: list[tuple[Contact, Contact]] = []
    losses: list[contacts.Moved] = []
    # Before people are looked for: a message once more must not bring back a number that its sender has lost since.
    written = _with_people(tenant, _unknown(tenant, [item for item in items if item.number]), merges, losses)
    hearing.hold(tenant, [(w.contact, w.event.text or w.event.button_title, w.event.payload) for w in written])
    opened = conversations.touch(tenant, [(*w.conversation_key, w.event.at) for w in written])
    new = _without_known(tenant, written)
    answered = queries.answered_messages(tenant.pk, [(w.contact.pk, w.event.at, w.event.context_wamid) for w in new])
    stored = InboundMessage.objects.bulk_create(
        [
            _row(tenant, w, opened[w.conversation_key], answer.id if answer and answer.is_quoted else None)
            for w, answer in zip(new, answered, strict=True)
        ]
    )
    contacts.note_reached(tenant_id=tenant.pk, contact_ids={w.contact.pk for w in new if w.contact.undelivered})
    delivery.mark_replied(tenant.pk, [(a.id, w.event.at) for w, a in zip(new, answered, strict=True) if a])
    # Ledger after contacts: the merge of the first must not keep an import from the contacts of the last.
    for kept, gone in merges:
        at = min((w.event.at for w in written if w.contact.pk == kept.pk), default=None)
        declarations.merged(tenant=tenant, kept=kept, gone=gone, at=at)
    # Before a no in this batch, which is the next owner's own.
    declarations.lost(losses, tenant=tenant)
    opt_outs.apply(
        tenant,
        [
            opt_outs.OptOut(w.contact, w.number, row, w.wish, a.id if a else None)
            for w, row, a in zip(new, stored, answered, strict=True)
            if row.is_opt_out
        ],
    )
    sign_ups.apply(
        tenant,
        [
            sign_ups.Message(w.contact, w.number, row, w.wish.wish == "opt_in")
            for w, row in zip(new, stored, strict=True)
            if not row.is_opt_out and w.event.type in queries.SPEAKING
        ],
    )
    questions.apply(
        tenant,
        [
            questions.Question(w.contact, w.number, row, language)
            for w, row in zip(new, stored, strict=True)
            # Beside a no, and beside what may be one, there is nothing else to say.
            if w.wish.wish == "none" and w.event.type in queries.SPEAKING and (language := keywords.asks_why(row.text))
        ],
    )


def _with_people(
    tenant: Tenant,
    items: list[Item[Inbound]],
    merges: list[tuple[Contact, Contact]],
    losses: list[contacts.Moved],
) -> list[Written]:
    sent = [(item, people.person(item.event.from_phone, item.event.from_bsuid)) for item in items]
    named = [(who, item.event.profile_name, item.event.at) for item, who in sent]
    found = people.find_or_create(tenant, named, lambda kept, gone: merges.append((kept, gone)), losses.append)
    return [
        Written(item.event, item.number, found[who], _wish(item.event)) for item, who in sent if item.number is not None
    ]


def _wish(event: Inbound) -> Recognised:
    if event.type not in queries.SPEAKING:
        return NO_WISH
    return keywords.recognise(event.text or event.button_title, payload=event.payload)


def _unknown(tenant: Tenant, items: list[Item[Inbound]]) -> list[Item[Inbound]]:
    known = _known(tenant, [item.event.wamid for item in items])
    return [item for item in items if item.event.wamid not in known]


def _without_known(tenant: Tenant, written: list[Written]) -> list[Written]:
    """Once more, and each once: another receiver may have stored some before we had locked their threads."""
    by_wamid = {w.event.wamid: w for w in reversed(written)}
    for wamid in _known(tenant, by_wamid):
        del by_wamid[wamid]
    return sorted(by_wamid.values(), key=lambda w: (w.event.at, w.event.wamid))


def _known(tenant: Tenant, wamids: Collection[str]) -> set[str]:
    return set(tenant.inbound_messages.filter(wamid__in=wamids).values_list("wamid", flat=True))


def _row(tenant: Tenant, written: Written, conversation_id: int, answers_id: int | None) -> InboundMessage:
    event, wish = written.event, written.wish
    return InboundMessage(
        tenant=tenant,
        conversation_id=conversation_id,
        wamid=event.wamid,
        type=event.type[:20],
        text=event.text or event.button_title,
        payload=event.payload[:300],
        content=_content(event),
        answers_id=answers_id,
        is_opt_out=wish.wish == "opt_out",
        needs_a_look=wish.wish == "ask",
        sent_at=event.at,
    )


def _content(event: Inbound) -> dict[str, Any]:
    shown = EXTRAS if event.type == "text" else (event.type, *EXTRAS)
    return {key: event.raw[key] for key in shown if key in event.raw}
