"""What can be done with the outbox: open a source, pause it, cancel what waits, queue a test or a reply."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.utils.timezone import now

from contacts.models import Contact
from messaging import emptying, links, queries, tasks
from messaging.models import Content, Link, Message, Source
from tenants import waking
from tenants.models import Tenant
from whatsapp.models import Number, Template
from whatsapp.payloads import interactive
from whatsapp.payloads.messages import TEXT_LIMIT

# Whoever tests is looking at the phone; later the message would only surprise.
TEST_LASTS = timedelta(hours=1)


@transaction.atomic
def open_source(
    *,
    tenant: Tenant,
    kind: str,
    name: str,
    number: Number,
    purpose: str,
    priority: int = 5,
    expires_at: datetime | None = None,
    is_paused: bool = False,
) -> Source:
    """A new source, open unless `is_paused`; its contents and messages are added by the caller."""
    state = Source.State.PAUSED if is_paused else Source.State.OPEN
    return Source.objects.create(
        tenant=tenant,
        kind=kind,
        name=name[:200],
        number=number,
        purpose=purpose,
        priority=priority,
        expires_at=expires_at,
        state=state,
    )


def note_choice(*, source: Source, names: Collection[str], binding: Collection[str]) -> None:
    """Add to the names of what chooses its recipients, and of what chooses each of them.

    What they mean for sending is looked up in every claim.
    """
    chosen, bound = sorted({*source.chosen_by, *names}), sorted({*source.bound_by, *binding})
    Source.objects.filter(tenant=source.tenant_id, pk=source.pk).update(chosen_by=chosen, bound_by=bound)


@transaction.atomic
def add_content(*, source: Source, variant: int, template: Template, variables: Mapping[str, Any]) -> Content:
    """Freeze what a variant says; URL buttons of tracked templates get a Link.

    So do http(s) addresses in fixed texts of the body. Those in a contact's attributes and in fallbacks stay as they
    are, for they differ by person; those in a header too, whose 60 characters a tracked address alone exceeds.
    """
    frozen: dict[str, Any] = dict(variables)
    frozen["buttons"] = [_frozen_button(source, variant, template, dict(b)) for b in variables.get("buttons", [])]
    frozen["body"] = _frozen_values(source, variant, variables.get("body", []))
    return Content.objects.create(
        tenant_id=source.tenant_id, source=source, variant=variant, template=template, variables=frozen
    )


def is_tracked_button(template: Template, index: int) -> bool:
    """Whether this button of the template leads to our `/r/<token>`."""
    buttons = _buttons(template)
    return index < len(buttons) and str(buttons[index].get("url", "")).startswith(links.prefix())


def _buttons(template: Template) -> list[dict[str, Any]]:
    return [
        button
        for component in template.components
        if str(component.get("type", "")).upper() == "BUTTONS"
        for button in component.get("buttons", [])
    ]


def _frozen_button(source: Source, variant: int, template: Template, button: dict[str, Any]) -> dict[str, Any]:
    if button.get("kind") == "url" and is_tracked_button(template, int(button["index"])):
        link = Link.objects.create(
            tenant_id=source.tenant_id,
            source=source,
            variant=variant,
            url=button["url"],
            label=str(button.get("label") or _buttons(template)[int(button["index"])].get("text", ""))[:60],
        )
        button["link"] = link.pk
    return button


def _frozen_values(source: Source, variant: int, values: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    frozen = [dict(value) for value in values]
    fixed = [value for value in frozen if value.get("from", "text") == "text" and value.get("text")]
    for value, pieces in zip(fixed, _linked(source, variant, [str(v["text"]) for v in fixed]), strict=True):
        if len(pieces) > 1:
            value["pieces"] = pieces
    return frozen


def _linked(source: Source, variant: int, texts: Sequence[str]) -> list[list[str | int]]:
    """Each text in pieces, with the id of a Link in place of each tracked address; the same address is one Link."""
    cut = [links.split(text) for text in texts]
    made = Link.objects.bulk_create(
        Link(tenant_id=source.tenant_id, source=source, variant=variant, url=address, label=links.label(address))
        for address in dict.fromkeys(address for pieces in cut for address in pieces[1::2])
    )
    ids = {link.url: link.pk for link in made}
    return [[ids[piece] if place % 2 else piece for place, piece in enumerate(pieces)] for pieces in cut]


def pause_source(*, source: Source, code: int | None = None) -> bool:
    """Stop claiming from a source; returns whether it was open. `code` is Meta's error code, if that is why."""
    return bool(
        Source.objects.filter(pk=source.pk, state=Source.State.OPEN).update(state=Source.State.PAUSED, pause_code=code)
    )


def pause_sources_of(*, template: Template, code: int) -> int:
    """Pause every open source that sends this template: Meta paused or disabled it. Returns how many."""
    return Source.objects.filter(
        tenant=template.tenant_id, state=Source.State.OPEN, contents__template=template
    ).update(state=Source.State.PAUSED, pause_code=code)


def pause_every_source(*, code: int) -> int:
    """Pause every source of the open scope, and give campaigns' that were paused this reason, too.

    Returns how many tests and replies that stops: nobody resumes them, and they expire.
    """
    campaigns = Source.objects.filter(kind=Source.Kind.CAMPAIGN).exclude(state=Source.State.CLOSED)
    campaigns.update(state=Source.State.PAUSED, pause_code=code)
    answers = Source.objects.filter(state=Source.State.OPEN)
    return answers.update(state=Source.State.PAUSED, pause_code=code)


def forget_pause(*, source: Source) -> None:
    """Drop the reason for which a source was paused: somebody has resumed it before there is anything to send."""
    Source.objects.filter(pk=source.pk, state=Source.State.PAUSED).update(pause_code=None)


def resume_source(*, source: Source, expires_at: datetime) -> bool:
    """Claim from a paused source again, until `expires_at`; returns whether it was paused."""
    resumed = Source.objects.filter(pk=source.pk, state=Source.State.PAUSED).update(
        state=Source.State.OPEN, pause_code=None, resumed_at=now(), expires_at=expires_at
    )
    ring()
    return bool(resumed)


@transaction.atomic
def close_source(*, source: Source) -> None:
    """End a source for good: nothing more is claimed, and what waits is cancelled, thousands at once, the rest soon."""
    Source.objects.filter(pk=source.pk).update(state=Source.State.CLOSED, is_emptying=True)
    if not emptying.empty(source.tenant_id, source.pk):
        waking.wake(tasks.empty)


@transaction.atomic
def queue_test(*, number: Number, contact: Contact, template: Template, variables: Mapping[str, Any]) -> Message:
    """Queue one test message ahead of campaigns, for an hour; consent is checked like for any other."""
    source = open_source(
        tenant=number.tenant,
        kind=Source.Kind.TEST,
        name=template.name,
        number=number,
        purpose="marketing" if template.category == Template.Category.MARKETING else "transactional",
        priority=1,
        expires_at=now() + TEST_LASTS,
    )
    add_content(source=source, variant=0, template=template, variables=variables)
    message = Message.objects.create(tenant=number.tenant, source=source, contact=contact)
    ring()
    return message


@transaction.atomic
def queue_reply(
    *,
    tenant: Tenant,
    number: Number,
    contact: Contact,
    text: str,
    dedupe: str,
    expires_at: datetime,
    buttons: Sequence[tuple[str, str]] = (),
    again_after: timedelta | None = None,
) -> Message | None:
    """Queue one free-form answer into an open conversation; None if `dedupe` was answered before.

    With `again_after` an answer counts for so long only.

    `buttons` are up to three (payload, title) pairs under the text, by which the person can answer.

    Service messages need no opt-in, only that the person wrote within 24 hours: the caller knows when that ends.
    Addresses in the text are tracked, unless it would grow over Meta's limit: the answer matters more than its clicks.
    """
    name = queries.reply_name(dedupe)
    # Two receivers of the same inbound message wait for each other here, and the second finds the first's reply.
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, %s))", [name, tenant.pk])
    if queries.replied(tenant.pk, [dedupe], within=again_after):
        return None
    source = open_source(
        tenant=tenant,
        kind=Source.Kind.REPLY,
        name=name,
        number=number,
        purpose="service",
        priority=1,
        expires_at=expires_at,
    )
    free_form: dict[str, Any] = {"type": "text", "text": {"body": text, "preview_url": False}}
    if buttons:
        free_form = {"type": "interactive", "interactive": interactive.buttons(text, dict(buttons))}
    elif text != links.as_sent(text) and len(links.as_sent(text)) <= TEXT_LIMIT:
        free_form["pieces"] = _linked(source, 0, [text])[0]
    Content.objects.create(tenant=tenant, source=source, free_form=free_form)
    message = Message.objects.create(tenant=tenant, source=source, contact=contact)
    ring()
    return message


def ring() -> None:
    """Wake a sender once the caller's transaction has committed; beat rings every second anyway."""
    waking.wake(tasks.wake)
