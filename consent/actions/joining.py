"""Finds that an address and a number belong to one person, because one sign-up was confirmed on both channels."""

from datetime import datetime

from consent.actions import declarations
from consent.models import AddressRequest, SignupRequest
from contacts import identities
from contacts.models import Contact


def join(signup: SignupRequest, contact: Contact, at: datetime) -> None:
    """This contact confirms a sign-up in WhatsApp by a message of `at`: its address will be theirs once it is proven.

    Where the mail was confirmed first, for somebody who is known by no number, the two are one person from now on: a no
    of either holds for both, and no yes is copied. Families share an address, so nobody with another number is joined.
    """
    found = AddressRequest.objects.select_for_update(of=("self",)).filter(tenant=signup.tenant, signup=signup).first()
    if found is None:
        return
    if found.confirmed_at is None:
        AddressRequest.objects.filter(tenant=signup.tenant, pk=found.pk).update(contact=contact)
        return
    others = Contact.objects.filter(tenant=signup.tenant, phone=None, bsuid=None).exclude(pk=contact.pk)
    if other := others.filter(address_requests=found).first():
        identities.share(signup.tenant, [contact, other])
        declarations.merged(tenant=signup.tenant, kept=contact, gone=other, at=at)
