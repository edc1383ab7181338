"""Changes that concern the person, not one yes: restriction (Art. 18 GDPR), a new number, two contacts that are one."""

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from consent import ledger
from consent.actions.declarations.writing import EVERYTHING, audit_written, write
from consent.ledger import Appended, suppressing
from consent.ledger.folding import BY_NUMBER, NOES, Pair
from consent.ledger.suppressing import Digest
from consent.models import Authority, ConsentState, Purpose, Source, State
from contacts.identities import digest
from contacts.models import Contact
from tenants.actions import Actor
from tenants.models import Tenant


def restrict(*, tenant: Tenant, contact: Contact, dedupe: str, source: str = Source.AGENT, by: Actor) -> list[Appended]:
    """Restrict processing to storage (Art. 18 GDPR): the contact is left out of campaigns, flows and exports."""
    return _hold(tenant, contact, State.RESTRICTED, timezone.now(), dedupe, source, by)


def unrestrict(
    *, tenant: Tenant, contact: Contact, dedupe: str, source: str = Source.AGENT, by: Actor
) -> list[Appended]:
    """End the restriction; what was agreed or refused before holds again. The person has to be told (Art. 18(3))."""
    return _hold(tenant, contact, State.UNRESTRICTED, None, dedupe, source, by)


@transaction.atomic
def _hold(
    tenant: Tenant, contact: Contact, state: State, since: datetime | None, dedupe: str, source: str, by: Actor
) -> list[Appended]:
    # Contacts are locked before the ledger everywhere (imports, inbox), so that nobody waits in a circle.
    Contact.objects.select_for_update(of=("self",)).get(tenant=tenant, pk=contact.pk)
    done = write(
        tenant,
        contact.subject_id,
        [(EVERYTHING, state)],
        dedupe=dedupe,
        authority=Authority.AGENT,
        source=source,
        occurred_at=timezone.now(),
        by=by,
    )
    if done[0].seq:
        contact.restricted_at = since
        contact.save(update_fields=["restricted_at"])
    audit_written(tenant, by, f"consent.{state}", contact, [EVERYTHING], done)
    return done


@transaction.atomic
def moved(
    *,
    tenant: Tenant,
    contact: Contact,
    dedupe: str,
    old_phone: str | None = None,
    old_bsuid: str | None = None,
    authority: int = Authority.META,
    source: str = Source.META_WEBHOOK,
    source_ref: str = "",
    occurred_at: datetime | None = None,
    evidence: dict[str, str] | None = None,
    by: Actor = None,
) -> list[Appended]:
    """Record that a contact, which has its new number or BSUID already, had others before.

    Restrictions of the old ones go on for the new ones. A yes goes on when WhatsApp itself says it is the same person
    (authority 2); a number edited by an agent (1) needs a new yes on the channels that use it (§ 8).
    """
    channels = [EVERYTHING[0]] if authority >= Authority.META else list(BY_NUMBER)
    pairs: list[Pair] = [(channel, Purpose.ALL.value) for channel in channels]
    done = write(
        tenant,
        contact.subject_id,
        [(pair, State.MOVED) for pair in pairs],
        dedupe=dedupe,
        authority=authority,
        source=source,
        source_ref=source_ref,
        occurred_at=occurred_at or timezone.now(),
        evidence=evidence,
        by=by,
    )
    suppressing.spread(tenant, _digests(tenant, old_phone, old_bsuid), suppressing.identities(contact))
    audit_written(tenant, by, "consent.moved", contact, pairs, done)
    return done


def _digests(tenant: Tenant, phone: str | None, bsuid: str | None) -> list[Digest]:
    return [(kind, digest(tenant, kind, value)) for kind, value in (("phone", phone), ("bsuid", bsuid)) if value]


@transaction.atomic
def merged(
    *, tenant: Tenant, kept: Contact, gone: Contact, dedupe: str, source: str = Source.SYSTEM, by: Actor = None
) -> list[Appended]:
    """Record that two contacts are one person: any no of either side holds, whatever its date, and no yes is copied.

    The history of the one that goes stays and is shown with the other's. Identities are united by contacts.
    """
    ledger.lock(tenant)
    noes = _noes(tenant, gone)
    done = write(
        tenant,
        kept.subject_id,
        [(EVERYTHING, State.MERGED), *noes],
        dedupe=dedupe,
        authority=Authority.AGENT,
        source=source,
        source_ref=str(gone.subject_id),
        # Now, not when it was said: the no has to outweigh every yes of the other side.
        occurred_at=timezone.now(),
        by=by,
    )
    suppressing.spread(tenant, suppressing.identities(gone), suppressing.identities(kept))
    suppressing.spread(tenant, suppressing.identities(kept), suppressing.identities(gone))
    audit_written(tenant, by, "consent.merged", kept, [EVERYTHING], done)
    return done


def _noes(tenant: Tenant, contact: Contact) -> list[tuple[Pair, str]]:
    states = ConsentState.objects.filter(tenant=tenant, subject_id=contact.subject_id, state__in=NOES)
    return [((row.channel, row.purpose), row.state) for row in states.order_by("channel", "purpose")]
