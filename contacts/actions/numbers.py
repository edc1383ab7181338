"""What WhatsApp tells about people: who they are by phone and BSUID, and that they changed their number."""

import uuid

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from contacts import identities
from contacts.models import Contact
from tenants.actions import audit
from tenants.models import Tenant


@transaction.atomic
def find_or_create_for_whatsapp(
    *, tenant: Tenant, phone: str | None, bsuid: str | None, profile_name: str = ""
) -> Contact:
    """The contact behind a phone (E.164) and/or a BSUID, created if need be; at least one must be given.

    The BSUID decides, then the phone (complaints 25: people with a username have no phone). An identifier not known
    yet is learned. If both are known for different contacts, the BSUID's is returned and both share their
    identities, so that a suppression of either holds for both (consent-gdpr § 8).
    """
    found = _known(tenant, phone, bsuid)
    if not found:
        try:
            with transaction.atomic():
                return _create(tenant, phone, bsuid, profile_name)
        except IntegrityError:
            # Another worker met the same person at the same moment.
            found = _known(tenant, phone, bsuid)
    if len(found) > 1:
        identities.share(tenant, found)
        return found[0]
    return _learn(tenant, found[0], phone, bsuid)


@transaction.atomic
def move_number(*, contact: Contact, new_phone: str | None, new_bsuid: str | None) -> Contact:
    """Follow a person to a new number, as WhatsApp's system message tells; repeating it changes nothing.

    Consent moves along: it is the same person on the same account. The old number stays known as an ended identity.
    If another contact has the new number already, that one is returned, both share their identities, and the old
    number is marked invalid, because numbers are given to new people.
    """
    known = _known(contact.tenant, new_phone, new_bsuid, besides=contact.pk)
    contact = contact.tenant.contacts.select_for_update().get(pk=contact.pk)
    if known:
        return _left_behind(contact, known)
    if (new_phone or contact.phone, new_bsuid or contact.bsuid) == (contact.phone, contact.bsuid):
        return contact
    if new_phone and new_phone != contact.phone:
        contact.phone_invalid_at = None
        # WhatsApp makes a new BSUID with a new number; the old one would name nobody.
        contact.bsuid = new_bsuid
    contact.phone, contact.bsuid = new_phone or contact.phone, new_bsuid or contact.bsuid
    _save(contact)
    audit(tenant=contact.tenant, by=None, verb="contact.number_moved", subject=contact)
    return contact


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


def _learn(tenant: Tenant, contact: Contact, phone: str | None, bsuid: str | None) -> Contact:
    """Note an identifier that was not known, or a BSUID that WhatsApp has renewed."""
    is_new = (phone and not contact.phone) or (bsuid and bsuid != contact.bsuid)
    if is_new:
        contact.phone, contact.bsuid = contact.phone or phone, bsuid or contact.bsuid
        _save(contact)
    return contact


def _left_behind(contact: Contact, known: list[Contact]) -> Contact:
    identities.share(contact.tenant, [contact, *known])
    if contact.phone_invalid_at is None:
        contact.phone_invalid_at = timezone.now()
        contact.save(update_fields=["phone_invalid_at"])
        audit(tenant=contact.tenant, by=None, verb="contact.number_moved", subject=contact)
    return known[0]


def _save(contact: Contact) -> None:
    contact.updated_at = timezone.now()
    contact.save(update_fields=["phone", "bsuid", "phone_invalid_at", "updated_at"])
    identities.record(contact.tenant, [contact])
