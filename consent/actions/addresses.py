"""Signing up for e-mail: the address that somebody names on a page, and their yes by the link in its mail (CG-11).

The mail confirms nothing about a phone number, and a message on WhatsApp nothing about the address.
"""

from collections.abc import Mapping
from typing import Any, Literal

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from consent import mailing, showing, tasks
from consent import signups as tokens
from consent.actions import confirming, people, signups
from consent.ledger.folding import GRANTS
from consent.models import AddressRequest, Authority, Channel, ConsentEvent, SignupForm, SignupRequest
from consent.rights import periods
from consent.signups import pairs_of
from contacts import actions as contacts
from contacts.actions import ContactData
from contacts.models import Contact
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

    Has the address asked by mail, if what was ticked covers e-mail.
    """
    token = signups.start(form=form, **asked)
    if address:
        found = SignupRequest.objects.select_related("tenant", "version", "extra_version")
        signup = found.get(tenant=form.tenant, token_digest=tokens.digest(token))
        ticked = filter(None, (signup.version, signup.extra_version))
        if any(pairs_of(version, Channel.EMAIL) for version in ticked):
            mailing.owe(signup, address, signups.proof_of(signup))
            waking.wake(tasks.ask_addresses)
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
    own = AddressRequest.objects.filter(tenant=request.tenant, pk=request.pk)
    # Read after the wait, with what the message on WhatsApp has joined to it meanwhile.
    own.select_for_update().first()
    locked = _requests().filter(tenant=request.tenant, pk=request.pk).first()
    if locked is None or standing(locked) != "open":
        return None
    at, asked = timezone.now(), mailing.evidence(locked)
    contact = _whose(locked, asked["email"])
    said = _proof(locked, asked, visitor)
    for version in mailing.asked(locked):
        pairs = pairs_of(version, Channel.EMAIL)
        confirming.grant(locked.signup, version, contact, pairs, at=at, asked=asked, said=said)
    # A mail may arrive although its server reported an error.
    sent_at = locked.sent_at or at
    own.update(confirmed_at=at, contact=contact, sealed="", sent_at=sent_at)
    return contact


def _requests() -> QuerySet[AddressRequest]:
    return AddressRequest.objects.select_related(
        "tenant", "contact", "signup__form", "signup__place", "signup__version", "signup__extra_version"
    )


def _whose(request: AddressRequest, address: str) -> Contact:
    """Who confirmed the same sign-up in WhatsApp; else the contact that is known by the address, or a new one."""
    if request.contact is None:
        return _known_by(request, address.lower())
    return people.patch(contact=request.contact, data=ContactData({"email": address}), by=None, is_wish=True)


def _known_by(request: AddressRequest, address: str) -> Contact:
    """Families share an address: then it is who proved it before, for it names none of the others alone."""
    sharing = Contact.objects.filter(tenant=request.tenant, email=address)
    if sharing.count() == 1:
        return sharing.get()
    yeses = ConsentEvent.objects.filter(tenant=request.tenant, channel=Channel.EMAIL, state__in=GRANTS)
    proven = yeses.filter(authority=Authority.PERSON, subject_id__in=list(sharing.values_list("subject_id", flat=True)))
    if last := proven.order_by("-seq").first():
        return sharing.get(subject_id=last.subject_id)
    return contacts.create_for_address(tenant=request.tenant, email=address, language=request.signup.language)


def _proof(request: AddressRequest, asked: Mapping[str, Any], visitor: Mapping[str, str]) -> dict[str, Any]:
    """What proves the yes: the address, the mail that went there, who clicked, and what the page had shown."""
    mail = {"email": asked["email"], "mail_id": request.message_id}
    if request.sent_at:
        mail["mail_sent_at"] = request.sent_at.isoformat(timespec="seconds")
    shown = {name: asked[name] for name in SHOWN if name in asked}
    return {**mail, **{name: visitor[name] for name in VISITOR}, **shown}
