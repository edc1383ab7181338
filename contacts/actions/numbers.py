"""What WhatsApp tells about people: who they are by phone and BSUID, that they moved, whether messages reach them."""

import uuid
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta

from django.db import IntegrityError, connection, transaction
from django.db.models import Q
from django.utils import timezone

from contacts import identities
from contacts.actions.batches import Moved
from contacts.models import Contact, Identity
from contacts.queries import is_next_owner
from tenants.actions import audit
from tenants.models import Tenant

# In the order of ids, so that two who count the same people never wait for each other crosswise.
COUNT_UNDELIVERED = """
UPDATE contacts_contact c SET undelivered = least(c.undelivered + v.more, 100), unreachable_since = CASE
    WHEN c.undelivered + v.more >= 3 THEN coalesce(c.unreachable_since, now()) ELSE c.unreachable_since END
FROM (SELECT l.id, g.more FROM contacts_contact l
      JOIN (SELECT id, count(*) AS more FROM unnest(%s::bigint[]) AS id GROUP BY id) g ON g.id = l.id
      WHERE l.tenant_id = %s ORDER BY l.id FOR NO KEY UPDATE OF l) v
WHERE c.tenant_id = %s AND c.id = v.id
"""
FORGET_UNDELIVERED = """
UPDATE contacts_contact SET undelivered = 0, unreachable_since = NULL
WHERE tenant_id = %s AND id IN (
    SELECT id FROM contacts_contact WHERE tenant_id = %s AND id = ANY(%s) AND undelivered > 0
    ORDER BY id FOR NO KEY UPDATE)
"""

# Takes two contacts that are one person, the one that goes on first. What that means for consent this app does not
# know; the caller records it in the same transaction, once it has locked all the contacts that it needs.
Merged = Callable[[Contact, Contact], None]
# Takes a contact that has lost its number, with what it had before; for the caller to record, as above.
Lost = Callable[[Moved], None]


@transaction.atomic
def find_or_create_for_whatsapp(
    *,
    tenant: Tenant,
    phone: str | None,
    bsuid: str | None,
    at: datetime | None = None,
    since: datetime | None = None,
    profile_name: str = "",
    merged: Merged,
    lost: Lost,
) -> Contact:
    """The contact behind a phone (E.164) and/or a BSUID, created if need be; at least one must be given.

    The BSUID decides, then the phone (complaints 25: people with a username have no phone). An identifier not known
    yet is learned; WhatsApp knows better than whoever has typed one. If both are known for different contacts, the
    BSUID's is returned, both share their identities, so that a suppression of either holds for both (consent-gdpr § 8),
    and `merged` is called, each time anew.
    Whoever writes from a known number under another BSUID is its next owner: a contact of their own, who gets nothing
    that was meant for the one before. That one goes on without the number, and `lost` is called.
    `at` is when they wrote, now by default; what is older than the loss of a number does not bring it back. `since` is
    when they first did, of several messages: whoever had the number before had lost it by then.
    """
    if at and phone and (before := _before(tenant, phone, bsuid, at)):
        return before
    found = _theirs(tenant, phone, bsuid, since or at, lost)
    if not found:
        try:
            with transaction.atomic():
                return _create(tenant, phone, bsuid, profile_name)
        except IntegrityError:
            # Another worker met the same person at the same moment.
            found = _theirs(tenant, phone, bsuid, since or at, lost) or [_create(tenant, phone, bsuid, profile_name)]
    if len(found) > 1:
        _take_away_typed(found[0], phone, at)
        return _one_person(tenant, found, merged)
    return _learn(found[0], phone, bsuid, at)


@transaction.atomic
def move_number(
    *,
    contact: Contact,
    new_phone: str | None,
    new_bsuid: str | None,
    old_bsuid: str | None = None,
    at: datetime | None = None,
    merged: Merged,
    lost: Lost,
) -> Contact:
    """Follow a person to a new number, as WhatsApp's system message tells; repeating it changes nothing.

    Consent moves along: it is the same person on the same account. The old number stays known as an ended identity.
    If another contact has the new number already, that one is returned, both share their identities, the old number is
    marked invalid, because numbers are given to new people, and `merged` and `lost` are called; unless it turns out
    that the new number was that contact's before, which only loses it.
    `old_bsuid` is learned first, so that what they wrote under it before is theirs. `at` is when they moved, now by
    default; who has moved on since then stays where they are.
    """
    if at and _has_moved_on(contact, new_phone, new_bsuid, at):
        return contact
    known = _theirs(contact.tenant, new_phone, new_bsuid, at, lost, besides=contact.pk)
    contact = contact.tenant.contacts.select_for_update().get(pk=contact.pk)
    _learn(contact, None, old_bsuid, at)
    if known:
        if new_bsuid and new_bsuid != contact.bsuid:
            _learn(known[0], None, new_bsuid, at)
        return _left_behind(contact, known, at, merged, lost)
    if (new_phone or contact.phone, new_bsuid or contact.bsuid) != (contact.phone, contact.bsuid):
        _rename(contact, new_phone, new_bsuid, at)
        audit(tenant=contact.tenant, by=None, verb="contact.number_moved", subject=contact)
    return contact


def count_undelivered(*, tenant_id: int, contact_ids: Sequence[int]) -> None:
    """Count a message that could not be delivered (131026) for each time a contact is named.

    From the third in a row on the person is unreachable (whatsapp-cloud-api § 7.4).
    """
    if contact_ids:
        with connection.cursor() as cursor:
            cursor.execute(COUNT_UNDELIVERED, [list(contact_ids), tenant_id, tenant_id])


def note_reached(*, tenant_id: int, contact_ids: Collection[int]) -> None:
    """Forget what could not be delivered to these people: something arrived, or they wrote."""
    if contact_ids:
        with connection.cursor() as cursor:
            cursor.execute(FORGET_UNDELIVERED, [tenant_id, tenant_id, list(contact_ids)])


def _theirs(
    tenant: Tenant, phone: str | None, bsuid: str | None, at: datetime | None, lost: Lost, besides: int = 0
) -> list[Contact]:
    """The contacts of whoever has this phone and BSUID now, locked; from one before them the number is taken."""
    found = _known(tenant, phone, bsuid, besides)
    former = [contact for contact in found if contact.phone == phone and is_next_owner(contact, bsuid)]
    for contact in former:
        old = Moved(contact, contact.phone, contact.bsuid, bsuid)
        contact.phone = None
        # Theirs no more at that moment: what is said in it is the next owner's.
        _give_away(contact, old, at and at - timedelta(microseconds=1), lost)
    return [contact for contact in found if contact not in former]


def _before(tenant: Tenant, phone: str, bsuid: str | None, at: datetime) -> Contact | None:
    """Whoever was known by both, or by the number if that is all, at that time and has lost it since then, locked."""
    named = Identity.objects.filter(tenant=tenant)
    own = named.filter(digest=identities.digest(tenant, Identity.Kind.PHONE, phone), valid_to__gte=at)
    if bsuid:
        own = named.filter(
            digest=identities.digest(tenant, Identity.Kind.BSUID, bsuid), contact__in=own.values("contact")
        )
    # Of several who had the number alone, whoever lost it first had it then.
    ids = list(own.order_by("valid_to", "contact").values_list("contact", flat=True))
    people = tenant.contacts.filter(pk__in=ids).order_by("pk").select_for_update()
    return min(
        people, key=lambda contact: (bool(bsuid) and contact.bsuid != bsuid, ids.index(contact.pk)), default=None
    )


def _has_moved_on(contact: Contact, phone: str | None, bsuid: str | None, at: datetime) -> bool:
    named = [(Identity.Kind.PHONE, phone), (Identity.Kind.BSUID, bsuid)]
    keys = [identities.digest(contact.tenant, kind, value) for kind, value in named if value]
    return contact.identities.filter(digest__in=keys, valid_to__gte=at).exists()


def _known(tenant: Tenant, phone: str | None, bsuid: str | None, besides: int = 0) -> list[Contact]:
    """The contacts that have this phone or this BSUID, locked; the BSUID's first."""
    wanted = Q(pk__in=[])
    if phone:
        wanted |= Q(phone=phone)
    if bsuid:
        wanted |= Q(bsuid=bsuid)
    people = tenant.contacts.filter(wanted).exclude(pk=besides)
    found = list(people.order_by("pk").select_for_update())
    return sorted(found, key=lambda contact: contact.bsuid != bsuid or not bsuid)


def _create(tenant: Tenant, phone: str | None, bsuid: str | None, profile_name: str) -> Contact:
    # A name people gave themselves in WhatsApp is shown, but no campaign greets by it.
    attributes = {"whatsapp_name": profile_name[:100]} if profile_name else {}
    contact = Contact(tenant=tenant, uid=uuid.uuid4(), phone=phone, bsuid=bsuid, attributes=attributes)
    contact.save()
    identities.record(tenant, [contact])
    return contact


def _learn(contact: Contact, phone: str | None, bsuid: str | None, at: datetime | None) -> Contact:
    """Note an identifier that was not known, or the number that is theirs where somebody has typed another one."""
    if phone and phone != contact.phone:
        contact.phone, contact.undelivered = phone, 0
        contact.phone_invalid_at = contact.unreachable_since = None
    elif contact.bsuid or not bsuid:
        return contact
    contact.bsuid = contact.bsuid or bsuid
    _save(contact, at)
    return contact


def _rename(contact: Contact, phone: str | None, bsuid: str | None, at: datetime | None) -> None:
    if phone and phone != contact.phone:
        contact.phone_invalid_at = contact.unreachable_since = None
        contact.undelivered = 0
        # WhatsApp makes a new BSUID with a new number; the old one would name nobody.
        contact.bsuid = bsuid
        if contact.phone:
            identities.end(contact.tenant, Identity.Kind.PHONE, contact.phone, at=at)
    contact.phone, contact.bsuid = phone or contact.phone, bsuid or contact.bsuid
    _save(contact, at)


def _take_away_typed(contact: Contact, phone: str | None, at: datetime | None) -> None:
    """Whose number another contact of theirs has does not have the one that somebody typed for them."""
    if phone and contact.phone and phone != contact.phone:
        contact.phone, contact.undelivered = None, 0
        contact.phone_invalid_at = contact.unreachable_since = None
        _save(contact, at)
        audit(tenant=contact.tenant, by=None, verb="contact.number_moved", subject=contact)


def _left_behind(contact: Contact, known: list[Contact], at: datetime | None, merged: Merged, lost: Lost) -> Contact:
    tenant, old = contact.tenant, Moved(contact, contact.phone, contact.bsuid)
    if contact.phone and contact.phone_invalid_at is None:
        _give_away(contact, old, at, lost)
    # Who had no number loses none, but the BSUID, once: a repeat finds it ended.
    elif not contact.phone and contact.bsuid and identities.end(tenant, Identity.Kind.BSUID, contact.bsuid, at=at):
        audit(tenant=tenant, by=None, verb="contact.number_moved", subject=contact)
        lost(old)
    kept = _one_person(tenant, [*known, contact], merged)
    # Nor is the BSUID of before anybody's now who has become the same person.
    if contact.bsuid and contact.bsuid != kept.bsuid:
        identities.end(tenant, Identity.Kind.BSUID, contact.bsuid, at=at)
    return kept


def _give_away(contact: Contact, old: Moved, at: datetime | None, lost: Lost) -> None:
    """A contact's number is not theirs any more, nor anybody's who shared it as the same person."""
    contact.phone_invalid_at = contact.phone_invalid_at or timezone.now()
    _save(contact, at)
    if old.phone:
        identities.end(contact.tenant, Identity.Kind.PHONE, old.phone, at=at)
    audit(tenant=contact.tenant, by=None, verb="contact.number_moved", subject=contact)
    lost(old)


def _one_person(tenant: Tenant, contacts: list[Contact], merged: Merged) -> Contact:
    """Tie contacts together that turned out to be one person; returns the first, which goes on."""
    identities.share(tenant, contacts)
    for other in contacts[1:]:
        merged(contacts[0], other)
    return contacts[0]


def _save(contact: Contact, at: datetime | None) -> None:
    contact.updated_at = timezone.now()
    contact.save(update_fields=["phone", "bsuid", "phone_invalid_at", "undelivered", "unreachable_since", "updated_at"])
    identities.record(contact.tenant, [contact], at=at)
