"""What the outbox holds of a person: told on request, made anonymous by an erasure or after its time.

A message is a number in a report, so its row stays and forgets whom it went to: `contact_id` becomes the negative of
its own id, which names nobody, and its wamid, which contains the phone number, becomes ERASED. KPIs still equal a
recount, because none of them counts these columns (docs/decisions/0011).
"""

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Max
from django.utils.translation import gettext as _

from consent import rules
from consent.actions.preferences import page_of
from consent.queries import special_names
from contacts.models import Contact
from contacts.personal import Section
from messaging import reasons, rendering
from messaging.models import Click, Content, Link, Message, Source
from messaging.rendering import FIELDS, Person, TemplateText
from tenants.models import Tenant

ROWS_AT_A_TIME = 500
NOTHING_SAID = {"type": "text", "text": {"body": ""}}

# These refusals are not the person's; messages wait until they are over.
OF_THE_COMPANY = [rules.TENANT_BLOCKED, rules.NO_AGREEMENT]
# Where something may wait for anybody: nearly all sources are closed, and what is closed is emptied whole.
OPEN_SOURCES = """
SELECT purpose, array_agg(id) FROM messaging_source
WHERE tenant_id = %s AND state <> 'closed' AND purpose <> 'service' GROUP BY purpose ORDER BY purpose
"""
NO_SPECIAL = f"CASE WHEN s.bound_by && special.names AND NOT {rules.MAY_USE_SPECIAL} THEN 'no_special' END"
# Judged by the words that decide at the claim. What a sender is just claiming is left to it: it waits for the consent
# that the caller has locked, and then skips the message. The unique key (tenant, source, contact) leads to what waits,
# and past everything that these people were ever sent.
STOP = """
UPDATE messaging_message m SET queue = 2, state = 10, reason = ended.reason
FROM (
  SELECT w.id, CASE consent_state.state WHEN 'erased' THEN 'erased' ELSE {reason} END AS reason
  FROM messaging_message w
  JOIN messaging_source s ON s.tenant_id = w.tenant_id AND s.id = w.source_id
  CROSS JOIN (SELECT %s::text[] AS names) special
  JOIN contacts_contact c ON c.tenant_id = w.tenant_id AND c.id = w.contact_id {joins}
  WHERE w.tenant_id = %s AND w.source_id = ANY(%s) AND w.contact_id = ANY(%s) AND w.queue = 0 AND {reason} <> ALL(%s)
  FOR UPDATE OF w SKIP LOCKED
) ended
WHERE m.tenant_id = %s AND m.id = ended.id
"""
# Who is just being sent to is left to the sender, whose answer finds no wamid column to write to any more.
FORGET = """
UPDATE messaging_message SET contact_id = -id, wamid = CASE WHEN wamid IS NOT NULL THEN 'erased' END,
  queue = CASE queue WHEN 0 THEN 2 ELSE queue END, state = CASE queue WHEN 0 THEN 10 ELSE state END,
  reason = CASE queue WHEN 0 THEN 'erased' ELSE reason END
WHERE tenant_id = %s AND contact_id = %s
"""
# The unique key (tenant, source, contact) leads to those that still name somebody, and past those that do not.
OLD_SOURCES = """
SELECT s.id FROM messaging_source s
WHERE s.tenant_id = %(tenant)s AND s.created_at < %(before)s AND s.state = 'closed'
  AND EXISTS (SELECT FROM messaging_message m WHERE m.tenant_id = %(tenant)s AND m.source_id = s.id
              AND m.contact_id > 0 AND m.created_at < %(before)s)
ORDER BY s.id LIMIT %(most)s
"""
# MATERIALIZED: looked up again for each row, a limited and locking select would each time find the next ones.
LET_GO = """
WITH old AS MATERIALIZED (
  SELECT m.id FROM messaging_message m
  WHERE m.tenant_id = %(tenant)s AND m.source_id = ANY(%(sources)s) AND m.contact_id > 0
    AND m.created_at < %(before)s AND m.queue = 2
  ORDER BY m.source_id, m.contact_id LIMIT %(most)s FOR UPDATE SKIP LOCKED
)
UPDATE messaging_message m SET contact_id = -m.id, wamid = CASE WHEN m.wamid IS NOT NULL THEN 'erased' END
FROM old WHERE m.tenant_id = %(tenant)s AND m.id = old.id
"""
# From the oldest on: an order's credit goes to the latest click before it, so the older ones must be gone first. One
# that another worker lets go of just now is counted by that one: asked again here, it knows nobody any more.
LET_CLICKS_GO = """
WITH old AS MATERIALIZED (
  SELECT k.id FROM messaging_click k
  WHERE k.tenant_id = %(tenant)s AND k.at < %(before)s AND k.contact_id IS NOT NULL
  ORDER BY k.at, k.id LIMIT %(most)s
)
UPDATE messaging_click k SET contact_id = NULL, message_id = NULL
FROM old WHERE k.tenant_id = %(tenant)s AND k.id = old.id AND k.contact_id IS NOT NULL
"""
WOULD_GO = """
SELECT (SELECT count(*) FROM (
    SELECT FROM messaging_message m JOIN messaging_source s ON s.tenant_id = m.tenant_id AND s.id = m.source_id
    WHERE m.tenant_id = %(tenant)s AND s.created_at < %(before)s AND s.state = 'closed'
      AND m.contact_id > 0 AND m.created_at < %(before)s AND m.queue = 2 LIMIT %(most)s) m),
  (SELECT count(*) FROM (
    SELECT FROM messaging_click k
    WHERE k.tenant_id = %(tenant)s AND k.at < %(before)s AND k.contact_id IS NOT NULL LIMIT %(most)s) k)
"""


def tell(contact: Contact) -> Iterator[Section]:
    """Every message with its campaign, text and fate, and every click that is known to be theirs."""
    labels = {
        "at": _("When"),
        "kind": _("Kind"),
        "campaign": _("Campaign"),
        "text": _("Text"),
        "state": _("State"),
        "reason": _("Reason"),
        "consent_seq": _("Allowed by row of the ledger"),
        "sent_at": _("Sent"),
        "delivered_at": _("Delivered"),
        "read_at": _("Read"),
        "failed_at": _("Failed"),
        "error_code": _("Error"),
        "clicked_at": _("Clicked"),
        "replied_at": _("Replied"),
        "opted_out_at": _("Opted out"),
        "wamid": _("WhatsApp's number of the message"),
    }
    yield Section("messages", _("Messages to you"), labels, _messages(contact))
    labels = {"at": _("When"), "campaign": _("Campaign"), "label": _("Link"), "url": _("Address")}
    yield Section("clicks", _("Links you opened"), labels, _clicks(contact))


def _messages(contact: Contact) -> Iterator[dict[str, Any]]:
    sent = Message.objects.filter(tenant=contact.tenant_id, contact=contact.pk).select_related("source")
    person = _person(contact)
    for message in sent.order_by("pk").iterator(ROWS_AT_A_TIME):
        times = ("sent_at", "delivered_at", "read_at", "failed_at", "clicked_at", "replied_at", "opted_out_at")
        yield {
            "at": message.accepted_at or message.claimed_at or message.created_at,
            "kind": message.source.get_kind_display(),
            "campaign": message.source.name if message.source.kind != Source.Kind.REPLY else "",
            "text": _text(message, person),
            "state": message.get_state_display(),
            "reason": reasons.label(message.reason) if message.reason else "",
            "consent_seq": message.consent_seq or None,
            "error_code": message.error_code,
            "wamid": message.wamid or "",
            **{name: getattr(message, name) for name in times},
        }


def _text(message: Message, person: Person) -> str:
    """What it said, put together anew: texts are not stored per person, so later changes of values show."""
    content = (
        Content.objects.select_related("template")
        .filter(tenant=message.tenant_id, source=message.source_id, variant=message.variant)
        .first()
    )
    if content is None:
        return ""
    if content.template is None:
        said = content.free_form or {}
        return str(said.get(str(said.get("type")), {}).get("body", ""))
    template = TemplateText(content.template.name, content.template.language, content.template.components)
    shown = rendering.preview(template, content.variables, person)
    parts = (shown.header, shown.body, shown.footer, *(f"[{button}]" for button in shown.buttons))
    return "\n".join(part for part in parts if part)


def _person(contact: Contact) -> Person:
    values = {name: str(value) if (value := getattr(contact, name)) else None for name in FIELDS}
    values["birthday"] = f"{contact.birthday:%d.%m.%Y}" if contact.birthday else None
    values[rendering.OWN_PAGE] = page_of(contact.tenant_id, contact.pk)
    return Person(contact.phone, contact.bsuid, values, contact.attributes)


def _clicks(contact: Contact) -> Iterator[dict[str, Any]]:
    clicks = Click.objects.filter(tenant=contact.tenant_id, contact=contact.pk).select_related("link", "source")
    for click in clicks.order_by("pk").iterator(ROWS_AT_A_TIME):
        yield {"at": click.at, "campaign": click.source.name, "label": click.link.label, "url": click.link.url}


def stop(tenant: Tenant, contact_ids: Collection[int]) -> None:
    """Cancel what waits for these people and may not be sent to them any more; answers to what they wrote stay.

    One statement for each purpose that anything is open for, because each purpose is judged by its own yes.
    """
    with connection.cursor() as cursor:
        cursor.execute(OPEN_SOURCES, [tenant.pk])
        if not (found := cursor.fetchall()):
            return
        people, special = list(contact_ids), list(special_names(tenant.pk))
        for purpose, sources in found:
            refusal = rules.refusal(tenant_id=tenant.pk, channel="whatsapp", purpose=purpose)
            statement = STOP.format(joins=refusal.joins, reason=f"coalesce({refusal.reason}, {NO_SPECIAL})")
            params = [special, *refusal.params, tenant.pk, sources, people, OF_THE_COMPANY, tenant.pk]
            cursor.execute(statement, params)


def forget(contact: Contact) -> None:
    """Cancel what waits, forget whom messages and clicks belong to, and empty the answers written to the person."""
    tenant_id = contact.tenant_id
    replies = Source.objects.filter(tenant=tenant_id, kind=Source.Kind.REPLY, messages__contact=contact.pk)
    _empty_replies(tenant_id, list(replies.values_list("pk", flat=True)))
    Click.objects.filter(tenant=tenant_id, contact=contact.pk).update(contact=None)
    with connection.cursor() as cursor:
        cursor.execute(FORGET, [tenant_id, contact.pk])


def _empty_replies(tenant_id: int, sources: Collection[int]) -> None:
    """A reply was written to one person, unlike a campaign."""
    replies = Source.objects.filter(tenant=tenant_id, pk__in=sources, kind=Source.Kind.REPLY)
    ids = list(replies.values_list("pk", flat=True))
    Content.objects.filter(tenant=tenant_id, source__in=ids).update(free_form=NOTHING_SAID)
    Link.objects.filter(tenant=tenant_id, source__in=ids).update(url="", label="")


def last_use(tenant: Tenant, contact_ids: Collection[int]) -> dict[int, datetime]:
    """When each of these contacts was last sent something, or last opened a link."""
    sent = Message.objects.filter(tenant=tenant, contact__in=contact_ids, accepted_at__isnull=False).order_by()
    clicked = Click.objects.filter(tenant=tenant, contact__in=contact_ids, is_counted=True).order_by()
    last: dict[int, datetime] = dict(sent.values_list("contact").annotate(last=Max("accepted_at")))
    for contact_id, at in clicked.values_list("contact").annotate(last=Max("at")):
        last[contact_id] = max(at, last.get(contact_id, at))
    return last


def reached(tenant: Tenant, contact_ids: Collection[int]) -> set[int]:
    """Those of these contacts who were sent something that did not fail, whatever it was about."""
    sent = Message.objects.filter(tenant=tenant, contact__in=contact_ids, accepted_at__isnull=False)
    return set(sent.exclude(state=Message.State.FAILED).order_by().values_list("contact", flat=True).distinct())


def let_go(tenant: Tenant, *, before: datetime, most: int) -> dict[str, int]:
    """Make up to `most` messages and clicks from before a time anonymous; returns how many, by kind."""
    params: dict[str, Any] = {"tenant": tenant.pk, "before": before, "most": most}
    with connection.cursor() as cursor:
        cursor.execute(OLD_SOURCES, params)
        sources = [row[0] for row in cursor.fetchall()]
        messages = 0
        if sources:
            _empty_replies(tenant.pk, sources)
            cursor.execute(LET_GO, {**params, "sources": sources})
            messages = cursor.rowcount
        cursor.execute(LET_CLICKS_GO, params)
        return {"messages": messages, "clicks": cursor.rowcount}


def would_go(tenant: Tenant, *, before: datetime, most: int) -> dict[str, int]:
    """How many messages and clicks `let_go` would make anonymous, counted up to one more than `most`."""
    with connection.cursor() as cursor:
        cursor.execute(WOULD_GO, {"tenant": tenant.pk, "before": before, "most": most + 1})
        messages, clicks = cursor.fetchone()
    return {"messages": messages, "clicks": clicks}
