"""Whose a sign-up is: finds that an address and a number belong to one person, and holds still who may be concerned.

A page, its mail and its message on WhatsApp meet in the same rows. Whoever needs several of these locks takes them in
this order, so that nobody waits in a circle; a step may be left out:

1. contacts, in the order of their ids (`hold`; a batch of received messages takes those of all its people first)
2. the head of the company's ledger (`ledger.lock`)
3. the sign-up request
4. its address request
5. states of consent and the suppression list (the ledger's own order)
6. the form, its place, its voucher codes

Whoever leaves topics locks 1, then the topics' lists, then messages that no sender holds (`campaigns.leaving`).
A page takes 3, 4 and 6 and nothing else. An erasure takes 1, 4 and the codes of 6 (`consent.personal`), but before 1
the person's messages, because whoever notes their statuses does. Their thread goes before 1, too: where it meets a
message that is being received, PostgreSQL ends one of both, and both are tried again.
"""

from collections.abc import Collection
from datetime import datetime

from consent import signups
from consent.actions import declarations
from consent.models import AddressRequest, SignupRequest, Source
from contacts import identities
from contacts.models import Contact
from tenants.models import Tenant


def hold(tenant: Tenant, people: Collection[int], tokens: Collection[str] = ()) -> None:
    """Lock these contacts, and those who have confirmed the mails of the sign-ups with these tokens."""
    wanted = set(people)
    if tokens:
        asked = AddressRequest.objects.filter(tenant=tenant, confirmed_at__isnull=False)
        asked = asked.filter(signup__token_digest__in=[signups.digest(token) for token in tokens])
        wanted |= set(asked.exclude(contact=None).values_list("contact_id", flat=True))
    # Whoever only writes down a row of theirs, such as a message that arrives, need not wait.
    locked = Contact.objects.filter(tenant=tenant, pk__in=wanted).order_by("pk").select_for_update(no_key=True)
    list(locked.values_list("pk", flat=True))


def join(signup: SignupRequest, contact: Contact, at: datetime) -> None:
    """This contact confirms a sign-up in WhatsApp by a message of `at`: its address will be theirs once it is proven.

    Where the mail was confirmed first, for somebody who is known by no number, the two are one person from now on: a no
    of either holds for both, unless the person has said yes by mail after it, and no yes is copied. Nobody with another
    number is joined.
    """
    found = AddressRequest.objects.select_for_update(of=("self",)).filter(tenant=signup.tenant, signup=signup).first()
    if found is None:
        return
    if found.confirmed_at is None:
        AddressRequest.objects.filter(tenant=signup.tenant, pk=found.pk).update(contact=contact)
        return
    others = Contact.objects.filter(tenant=signup.tenant, phone=None, bsuid=None).exclude(pk=contact.pk)
    if other := others.filter(address_requests=found).first():
        # Families share an address: a no in this chat must not reach somebody else who only has the same one.
        sharing = Contact.objects.filter(tenant=signup.tenant, email=other.email).exclude(pk__in=[contact.pk, other.pk])
        identities.share(signup.tenant, [contact, other], to=[other] if sharing.exists() else None)
        declarations.merged(tenant=signup.tenant, kept=contact, gone=other, at=at)
        key = f"signup:{signup.token_digest}:joined"
        declarations.keep_open(tenant=signup.tenant, contact=other, dedupe=key, source=Source.SIGNUP_PAGE)
