"""Signing up for e-mail: the address that somebody names on a page, and their yes by the link in its mail (CG-11).

The mail confirms nothing about a phone number, and a message on WhatsApp nothing about the address.
"""

from collections.abc import Mapping
from typing import Any, Literal

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from consent import ledger, mailing, showing, tasks
from consent.actions import confirming, declarations, joining, people, signups
from consent.models import AddressRequest, Channel, SignupForm, Source
from consent.rights import periods
from consent.signups import pairs_of
from contacts import actions as contacts
from contacts import identities
from contacts.actions import ContactData
from contacts.models import Contact, Identity
from tenants import waking
from tenants.encryption import BadToken, unseal
from tenants.models import Tenant
from tenants.scope import tenant_scope

# What of the page on which somebody confirms is part of the proof; its address would be a key to it.
VISITOR = ("ip", "user_agent")
# What the page on which they signed up showed, proven with the yes as well.
SHOWN = ("form", *showing.TEXTS)


@transaction.atomic
def start(*, form: SignupForm, address: str, **asked: Any) -> str:
    """Somebody ticked the box on the page: `asked` and the answer are those of signups.start.

    Has the address asked by mail, if what was ticked covers e-mail. Two clicks are one sign-up.
    """
    token, signup = signups.write_down(form=form, address=address, **asked)
    if signup is None:
        return token
    ticked = filter(None, (signup.version, signup.extra_version))
    if address and any(pairs_of(version, Channel.EMAIL) for version in ticked):
        mailing.owe(signup, address, signups.proof_of(signup))
        waking.wake(tasks.ask_addresses)
    # Last: who confirms counts after everything else, too.
    signups.count("requests", form, signup.place)
    return token


def find(token: str) -> AddressRequest | None:
    """What the link of a mail belongs to; None when it was not made here or its request is deleted."""
    try:
        tenant_id, pk = unseal(mailing.USE, token)
    except (BadToken, ValueError):
        return None
    tenant = Tenant.objects.filter(pk=tenant_id, closed_at=None).first()
    if tenant is None:
        return None
    with tenant_scope(tenant):
        return _requests().filter(tenant=tenant, pk=pk).first()


def standing(request: AddressRequest) -> Literal["open", "used", "late"]:
    """Whether the person can still say yes: once, for seven days, to a text that holds (CG-14)."""
    if request.confirmed_at:
        return "used"
    is_late = timezone.now() - request.requested_at > periods.TO_CONFIRM
    return "late" if is_late or not mailing.asked(request) else "open"


@transaction.atomic
def confirm(request: AddressRequest, *, visitor: Mapping[str, str]) -> Contact | None:
    """The person said yes on the page that their mail leads to: whose address it is; None when it is too late for it.

    Grants what the texts say of e-mail, and nothing else.
    """
    locked = _locked(request)
    if locked is None or standing(locked) != "open":
        return None
    at, asked = timezone.now(), mailing.evidence(locked)
    contact = _whose(locked, asked["email"])
    identities.prove(contact, Identity.Kind.EMAIL, asked["email"], at)
    said = _proof(locked, asked, visitor)
    for version in mailing.asked(locked):
        pairs = pairs_of(version, Channel.EMAIL)
        confirming.grant(locked.signup, version, contact, pairs, at=at, asked=asked, said=said)
    # An old no of the address has become theirs only now.
    key = f"signup:{locked.signup.token_digest}:proven"
    declarations.keep_open(tenant=locked.tenant, contact=contact, dedupe=key, source=Source.SIGNUP_PAGE)
    # A mail may arrive although its server reported an error.
    sent_at = locked.sent_at or at
    own = AddressRequest.objects.filter(tenant=locked.tenant, pk=locked.pk)
    own.update(confirmed_at=at, contact=contact, sealed="", sent_at=sent_at)
    return contact


def _locked(request: AddressRequest) -> AddressRequest | None:
    """The request under lock, after whoever it may be about (the order: joining); None where it was deleted.

    Read after the wait, with what the message on WhatsApp has joined to it meanwhile. Whoever is found only then comes
    too late to be locked in order, so it begins anew.
    """
    own = _requests().filter(tenant=request.tenant, pk=request.pk)
    found = own.first()
    while found and standing(found) == "open":
        people, point = _concerned(found), transaction.savepoint()
        joining.hold(found.tenant, people)
        ledger.lock(found.tenant)
        # Read in a statement of its own: the lock reads again the row alone, and not what is joined to it.
        own.select_for_update(of=("self",)).first()
        found = own.first()
        if found is None or _concerned(found) <= people:
            return found
        transaction.savepoint_rollback(point)
    return found


def _concerned(request: AddressRequest) -> set[int]:
    """Whose address it may be."""
    if request.contact or not request.sealed:
        return {request.contact.pk} if request.contact else set()
    known = _known_by(request.tenant, mailing.evidence(request)["email"].lower())
    return {known.pk} if known else set()


def _requests() -> QuerySet[AddressRequest]:
    return AddressRequest.objects.select_related(
        "tenant", "contact", "signup__form", "signup__place", "signup__version", "signup__extra_version"
    )


def _whose(request: AddressRequest, address: str) -> Contact:
    """Who confirmed the same sign-up in WhatsApp; else whom the address names, or somebody new."""
    if request.contact:
        return people.patch(contact=request.contact, data=ContactData({"email": address}), by=None, is_wish=True)
    if known := _known_by(request.tenant, address.lower()):
        return known
    return contacts.create_for_address(tenant=request.tenant, email=address, language=request.signup.language)


def _known_by(tenant: Tenant, address: str) -> Contact | None:
    """Who proved the address before, else the one contact that is known by it and by no number; else nobody.

    An address beside a number was typed by somebody, on a page, in a file: nobody knows whose it is. Its owner would
    get what was written to the other person, and see what that one agreed to.
    """
    if proven := identities.last_to_prove(tenant, Identity.Kind.EMAIL, address):
        return proven
    named = list(Contact.objects.filter(tenant=tenant, email=address, phone=None, bsuid=None)[:2])
    return named[0] if len(named) == 1 else None


def _proof(request: AddressRequest, asked: Mapping[str, Any], visitor: Mapping[str, str]) -> dict[str, Any]:
    """What proves the yes: the address, the mail that went there, who clicked, and what the page had shown."""
    mail = {"email": asked["email"], "mail_id": request.message_id}
    if request.sent_at:
        mail["mail_sent_at"] = request.sent_at.isoformat(timespec="seconds")
    shown = {name: asked[name] for name in SHOWN if name in asked}
    return {**mail, **{name: visitor[name] for name in VISITOR}, **shown}
