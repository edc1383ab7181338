"""Changes that concern the person, not one yes: restriction (Art. 18 GDPR), a new number, two contacts that are one."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import uuid4

from django.db import transaction
from django.utils import timezone

from consent import ledger
from consent.actions.declarations.writing import EVERYTHING, audit_written, write
from consent.ledger import Appended, Entry, projecting, suppressing
from consent.ledger.folding import BY_NUMBER, NOES, Pair
from consent.ledger.subjects import same_person, stranger
from consent.ledger.suppressing import BLOCKED, META_STOP, WITHDRAWN, Digest, Suppressed
from consent.models import Authority, ConsentEvent, ConsentState, Purpose, Source, State, Suppression
from contacts import identities
from contacts.actions import Moved
from contacts.identities import digest, digests_of
from contacts.models import Contact, Identity
from tenants.actions import Actor
from tenants.models import ApiKey, Tenant

HOLDING = (State.RESTRICTED, State.UNRESTRICTED, State.ERASED)


class No(NamedTuple):
    """What a person does not want, in which state, and since when (UTC)."""

    pair: Pair
    state: str
    since: datetime


def restrict(*, tenant: Tenant, contact: Contact, dedupe: str, source: str = Source.AGENT, by: Actor) -> list[Appended]:
    """Restrict processing to storage (Art. 18 GDPR): the contact is left out of campaigns, flows and exports.

    So is every other contact that the ledger knows to be the same person; the same goes for the end of it.
    """
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
    people = same_person(contact)
    # Contacts are locked before the ledger everywhere (imports, inbox), so that nobody waits in a circle.
    _lock(tenant, people)
    done = [row for one in people for row in _held(tenant, one, state, since, f"{dedupe}:{one.pk}", source, by)]
    contact.restricted_at = since if done[0].seq else contact.restricted_at
    audit_written(tenant, by, f"consent.{state}", contact, [EVERYTHING], done)
    return done


def _held(
    tenant: Tenant, contact: Contact, state: State, since: datetime | None, dedupe: str, source: str, by: Actor
) -> list[Appended]:
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
        Contact.objects.filter(tenant=tenant, pk=contact.pk).update(restricted_at=since)
    return done


def _lock(tenant: Tenant, people: Sequence[Contact]) -> list[Contact]:
    known = Contact.objects.filter(tenant=tenant, pk__in=[one.pk for one in people])
    return list(known.order_by("pk").select_for_update(of=("self",)))


@transaction.atomic
def erased(
    *, tenant: Tenant, contact: Contact, dedupe: str, source: str = Source.AGENT, at: datetime | None = None, by: Actor
) -> list[Appended]:
    """Record that a person's data is erased (Art. 17 GDPR); from the commit on nothing is sent to them.

    Keyed hashes of what they are reached by stay on the suppression list, so that a later import does not write to
    them; numbers they had before may be somebody else's by now. `at` is when it was decided, now by default.
    """
    known = Contact.objects.select_for_update(of=("self",)).get(tenant=tenant, pk=contact.pk)
    done = write(
        tenant,
        contact.subject_id,
        [(EVERYTHING, State.ERASED)],
        dedupe=dedupe,
        authority=Authority.AGENT,
        source=source,
        occurred_at=at or timezone.now(),
        by=by,
    )
    since = min(at or timezone.now(), timezone.now())
    rows = [Suppressed(*key, *EVERYTHING, BLOCKED, since) for key in digests_of(known)]
    suppressing.suppress(tenant, rows, stopped={contact.subject_id})
    Contact.objects.filter(tenant=tenant, pk=contact.pk, restricted_at=None).update(restricted_at=since)
    audit_written(tenant, by, "consent.erased", contact, [EVERYTHING], done)
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
    left = [key for _kind, key in _digests(tenant, old_phone, old_bsuid)]
    suppressing.spread(tenant, dict.fromkeys(left, _by_number(contact)))
    audit_written(tenant, by, "consent.moved", contact, pairs, done)
    return done


@transaction.atomic
def stranger_moved(
    *,
    tenant: Tenant,
    old: tuple[str, str],
    new: tuple[str, str],
    occurred_at: datetime,
    dedupe: str,
    evidence: dict[str, str] | None = None,
) -> None:
    """WhatsApp says that somebody who is no contact has another (phone, BSUID), "" where it does not say.

    What the suppression list said of the old ones until then holds for the new ones, too; later entries are the next
    owner's. Where there is none, nothing is written.
    """
    left, has = _digests(tenant, *old), _digests(tenant, *new)
    keys = {key for _kind, key in left}
    targets = {key: [one for one in has if one[1] not in keys] for key in keys}
    # Nothing is locked for the many of whom there is nothing.
    if not has or not suppressing.entries(tenant, keys, occurred_at).exists():
        return
    done = write(
        tenant,
        stranger(tenant, left),
        [(EVERYTHING, State.MOVED)],
        dedupe=dedupe,
        authority=Authority.META,
        source=Source.META_WEBHOOK,
        occurred_at=occurred_at,
        evidence=evidence,
    )
    # What the person has opened again since then is not closed by a repeat.
    if done[0].seq:
        suppressing.spread(tenant, targets, until=occurred_at)


def lost(people: Sequence[Moved], *, tenant: Tenant) -> None:
    """Record that WhatsApp knows somebody else by these contacts' numbers, or that they were given away.

    As for numbers that somebody has edited: a yes ends with the number, and restrictions stay. Not those that WhatsApp
    has reported of the next owner before they wrote.
    """
    if people:
        ledger.append(tenant, [entry for one in people for entry in _edits(one, None, Source.SYSTEM, timezone.now())])
    for one in people:
        named = digests_of(one.contact)
        shared = _shared(tenant, [one.contact], named)
        own = [name for name in named if name[1] not in shared]
        theirs = _stops_of_next_owner(tenant, one)
        left = [key for _kind, key in _digests(tenant, one.phone, one.bsuid)]
        suppressing.spread(tenant, dict.fromkeys(left, own), besides=[row.pk for row in theirs])
        # All else is carried over by now. By the number alone, the contact could not be told from the next owner.
        if theirs and one.bsuid and one.phone:
            identities.ended_by(tenant, Identity.Kind.PHONE, one.phone, min(row.since for row in theirs))


def _stops_of_next_owner(tenant: Tenant, one: Moved) -> list[Suppression]:
    """Entries of a lost number that stand in the very same way at the BSUID of whoever has it now."""
    stops: dict[str, list[Suppression]] = {"phone": [], "bsuid": []}
    keys = [key for _kind, key in _digests(tenant, one.phone, one.next_bsuid)]
    for row in suppressing.entries(tenant, keys).filter(reason=META_STOP):
        stops[row.kind].append(row)
    theirs = {(row.phone_number_id, row.since, row.said_again_at) for row in stops["bsuid"]}
    return [row for row in stops["phone"] if (row.phone_number_id, row.since, row.said_again_at) in theirs]


def last_noes(*, tenant: Tenant, contact: Contact) -> list[Suppressed]:
    """Whatever no hits a contact, for all that names it now: to be kept in the transaction that deletes it.

    As long as it is there, its identities find what was said of one of them, and its state what it refused when it was
    asked. Locks nothing.
    """
    named = digests_of(contact)
    shared = _shared(tenant, [contact], named)
    own = [name for name in named if name[1] not in shared]
    refused = [no for no in _noes(tenant, contact) if no.state == State.REFUSED]
    entries = [Suppressed(*name, *no.pair, WITHDRAWN, no.since) for name in own for no in refused]
    return suppressing.carried(tenant, contact, own) + entries


def edited(people: Sequence[Moved], *, tenant: Tenant, by: Actor) -> None:
    """Record that somebody gave these contacts other numbers than they were reached by, in the caller's transaction.

    Restrictions go on for the new numbers; a yes ends, because nobody knows that the person said it there (§ 8).
    Thousands cost a few statements; the actor stands in the ledger's rows.
    """
    source = Source.API if isinstance(by, ApiKey) else Source.AGENT
    ledger.append(tenant, [entry for one in people for entry in _edits(one, by, source, timezone.now())])
    suppressing.spread(
        tenant,
        {key: _by_number(one.contact) for one in people for _kind, key in _digests(tenant, one.phone, one.bsuid)},
    )


def _by_number(contact: Contact) -> list[Digest]:
    """What a contact is reached by in WhatsApp; families share an address, and a no of a number is not for them all."""
    return [named for named in digests_of(contact) if named[0] != Identity.Kind.EMAIL]


def _edits(one: Moved, by: Actor, source: str, at: datetime) -> Iterator[Entry]:
    cause = f"edited:{one.contact.subject_id}:{uuid4()}"
    for channel in BY_NUMBER:
        yield Entry(
            subject_id=one.contact.subject_id,
            channel=channel,
            purpose=Purpose.ALL,
            state=State.MOVED,
            authority=Authority.AGENT,
            source=source,
            occurred_at=at,
            key=f"{cause}:{channel}",
            by=by,
            evidence={"old_phone": one.phone, "old_bsuid": one.bsuid, "phone": one.contact.phone},
        )


def _digests(tenant: Tenant, phone: str | None, bsuid: str | None) -> list[Digest]:
    return [(kind, digest(tenant, kind, value)) for kind, value in (("phone", phone), ("bsuid", bsuid)) if value]


@transaction.atomic
def merged(
    *,
    tenant: Tenant,
    kept: Contact,
    gone: Contact,
    at: datetime | None = None,
    source: str = Source.SYSTEM,
    by: Actor = None,
) -> list[Appended]:
    """Record that two contacts are one person: any no of either side holds, whatever its date, and no yes is copied.

    A restriction of either side (Art. 18 GDPR) holds for both. The history of the one that goes stays and is shown with
    the other's. Identities are united by contacts. What is recorded already adds nothing. `at` is when the message was
    written that showed it, UTC, now by default: a yes in that very message comes after the noes from before it.
    """
    if _is_merged(tenant, kept, gone):
        return []
    # As they are by now: the batch that brought them together may have gone on.
    people = {one.pk: one for one in _lock(tenant, [kept, gone])}
    kept, gone = people[kept.pk], people[gone.pk]
    ledger.lock(tenant)
    # Of both at once, as senders do, who may be claiming for both.
    projecting.lock(tenant, [kept.subject_id, gone.subject_id])
    dedupe = f"merged:{kept.subject_id}:{gone.subject_id}"
    # Not when they were said: a no has to outweigh every yes that the other side has given before.
    moment = at - timedelta(microseconds=1) if at else timezone.now()
    refused = [no for no in _noes(tenant, kept) if no.state == State.REFUSED]
    taken = [No(EVERYTHING, State.MERGED.value, moment), *_noes(tenant, gone)]
    done = _copied(tenant, kept, taken, moment, dedupe, source, str(gone.subject_id), by)
    # All else that was refused is on the suppression list and goes on below.
    done += _copied(tenant, gone, refused, moment, f"{dedupe}:refused", source, str(kept.subject_id), by)
    both = [kept, gone]
    shared = _shared(tenant, both, [named for one in both for named in digests_of(one)])
    for one, other in ((gone, kept), (kept, gone)):
        own = [named for named in digests_of(other) if named[1] not in shared]
        suppressing.suppress(tenant, suppressing.carried(tenant, one, own))
        if (since := _restricted_since(tenant, one)) and not _restricted_since(tenant, other):
            done += _held(tenant, other, State.RESTRICTED, since, f"{dedupe}:{other.pk}", source, by)
    audit_written(tenant, by, "consent.merged", kept, [EVERYTHING], done)
    return done


def _copied(
    tenant: Tenant, to: Contact, noes: Sequence[No], moment: datetime, dedupe: str, source: str, ref: str, by: Actor
) -> list[Appended]:
    """Write down for a contact what another has refused that turned out to be the same person."""
    # Messages may be late: what was said after the one that showed it outweighs the yes in it.
    moments: dict[datetime, list[tuple[Pair, str]]] = {}
    for no in noes:
        moments.setdefault(max(no.since, moment), []).append((no.pair, no.state))
    return [
        row
        for occurred_at, said in sorted(moments.items())
        for row in write(
            tenant,
            to.subject_id,
            said,
            dedupe=dedupe,
            authority=Authority.AGENT,
            source=source,
            source_ref=ref,
            occurred_at=occurred_at,
            by=by,
        )
    ]


def _shared(tenant: Tenant, people: Sequence[Contact], named: Sequence[Digest]) -> set[bytes]:
    """Addresses among what names these people that others have, too, as families do: a no must not reach those by it.

    Who has a number of theirs is no other, but the same person once more.
    """
    addresses = {key for kind, key in named if kind == Identity.Kind.EMAIL}
    live = Identity.objects.filter(tenant=tenant, valid_to=None)
    same = live.filter(digest__in={key for _kind, key in named} - addresses).values("contact")
    others = live.filter(digest__in=addresses).exclude(contact__in=people).exclude(contact__in=same)
    return {bytes(key) for key in others.values_list("digest", flat=True)}


def _is_merged(tenant: Tenant, kept: Contact, gone: Contact) -> bool:
    rows = ConsentEvent.objects.filter(tenant=tenant, subject_id=kept.subject_id, state=State.MERGED)
    return rows.filter(source_ref=str(gone.subject_id)).exists()


def _restricted_since(tenant: Tenant, contact: Contact) -> datetime | None:
    """Since when a contact is restricted; who is being erased is not, although nothing is sent to them either."""
    said = ConsentEvent.objects.filter(tenant=tenant, subject_id=contact.subject_id, state__in=HOLDING)
    last = said.order_by("-seq").values_list("state", flat=True).first()
    held = Contact.objects.filter(tenant=tenant, pk=contact.pk).values_list("restricted_at", flat=True).first()
    return held if last == State.RESTRICTED else None


def _noes(tenant: Tenant, contact: Contact) -> list[No]:
    states = ConsentState.objects.filter(tenant=tenant, subject_id=contact.subject_id, state__in=NOES)
    return [No((row.channel, row.purpose), row.state, row.since) for row in states.order_by("channel", "purpose")]
