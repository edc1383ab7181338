"""Saying no by a link: what a person has said yes to, its end, and an objection, without login (CG-20, CG-44)."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from django.conf import settings
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone

from consent.actions import declarations
from consent.ledger.folding import ADVERTISING, CHANNELS, GRANTS, NOES, Pair
from consent.models import Channel, ConsentState, Purpose, SignupCode, Source, State
from consent.queries import history
from contacts.models import Contact
from tenants.encryption import BadToken, seal, unseal
from tenants.models import Tenant
from tenants.scope import tenant_scope

USE = "preferences"
ALL = "all"


class Person(NamedTuple):
    """Whom a link speaks for."""

    tenant: Tenant
    contact: Contact


class Choice(NamedTuple):
    """One thing a person can say no to; `value` is what the button sends."""

    value: str
    channel: str
    purpose: str
    is_on: bool


def url(contact: Contact) -> str:
    """The address of a person's own page; who has it sees what they agreed to and can say no for them."""
    return page_of(contact.tenant_id, contact.pk)


def page_of(tenant_id: int, contact_id: int) -> str:
    """The same of somebody whose row is not at hand."""
    token = seal(USE, tenant_id, contact_id)
    return f"{settings.PUBLIC_URL}{reverse('preferences', kwargs={'token': token})}"


def example() -> str:
    """An address that looks like one of these pages, is as long, and leads to nobody's."""
    return page_of(0, 0)


def person(token: str) -> Person | None:
    """Who the link belongs to; None when it was not made here or the person is gone."""
    try:
        tenant_id, contact_id = unseal(USE, token)
    except (BadToken, ValueError):
        return None
    tenant = Tenant.objects.filter(pk=tenant_id, closed_at=None).first()
    if tenant is None:
        return None
    with tenant_scope(tenant):
        contact = Contact.objects.filter(tenant=tenant, pk=contact_id).first()
    return Person(tenant, contact) if contact else None


def choices(found: Person) -> list[Choice]:
    """What the person has agreed to, or had once, in a fixed order; what they objected to is missing."""
    states = _states(found).exclude(state=State.OBJECTED)
    known: Mapping[Pair, str] = {(row.channel, row.purpose): row.state for row in states}
    # A no ends measuring along with marketing, and "stop" everything: also what nobody has ever agreed to.
    agreed = set(history(found.contact).filter(state__in=GRANTS).order_by().values_list("channel", "purpose"))
    return [
        Choice(
            f"{channel}:{purpose}",
            str(Channel(channel).label),
            str(Purpose(purpose).label),
            known[channel, purpose] in GRANTS,
        )
        for channel in CHANNELS
        for purpose in ADVERTISING
        if (channel, purpose) in known and (known[channel, purpose] in GRANTS or (channel, purpose) in agreed)
    ]


def may_end_all(found: Person) -> bool:
    """Whether a no to everything would still say something: not once they themselves have said it."""
    refused = set(_states(found).filter(state__in=NOES - {State.SUPPRESSED}).values_list("channel", "purpose"))
    return any((channel, purpose) not in refused for channel in CHANNELS for purpose in ADVERTISING)


def has_objected(found: Person) -> bool:
    """Whether an objection of the person holds."""
    return _states(found).filter(state=State.OBJECTED).exists()


def vouchers(found: Person) -> list[SignupCode]:
    """What the person got for signing up; it stays theirs whatever they say no to (CG-05)."""
    own = SignupCode.objects.filter(tenant=found.tenant, contact=found.contact).select_related("form")
    return list(own.order_by("issued_at", "pk"))


def withdraw(found: Person, value: str, *, visitor: Mapping[str, Any]) -> None:
    """End one choice, or with "all" every one; anything else is taken for "all", for who came here wants to stop."""
    own = {choice.value for choice in choices(found)}
    channel, _, purpose = value.partition(":")
    what: dict[str, Any] = {"channel": channel, "purpose": purpose} if value in own else {"is_all": True}
    at = timezone.now()
    declarations.withdraw(
        tenant=found.tenant,
        contact=found.contact,
        source=Source.PREFERENCE_LINK,
        dedupe=f"link:{found.contact.subject_id}:{value}:{at.isoformat()}",
        occurred_at=at,
        evidence=dict(visitor),
        **what,
    )


def object_(found: Person, *, visitor: Mapping[str, Any]) -> None:
    """Object to all advertising on all channels, with the profiling for it (Art. 21 (2), (3) GDPR)."""
    at = timezone.now()
    declarations.object_(
        tenant=found.tenant,
        contact=found.contact,
        source=Source.PREFERENCE_LINK,
        dedupe=f"link:{found.contact.subject_id}:objection:{at.isoformat()}",
        occurred_at=at,
        evidence=dict(visitor),
    )


def _states(found: Person) -> QuerySet[ConsentState]:
    return ConsentState.objects.filter(tenant=found.tenant, subject_id=found.contact.subject_id)
