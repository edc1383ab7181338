"""Mails that ask for a yes to e-mail, each to the address that somebody named on a sign-up page (CG-11, CG-12).

A row for each address is the work (consent.models.AddressRequest); beat comes back to whatever is not sent. A mail says
who asks, what for and that doing nothing means no, and nothing else. A second one for the same request is never sent:
where it is not certain that the mail server took nothing, the first counts as sent.
"""

import logging
import time
from collections.abc import Iterable
from datetime import datetime
from email.utils import formataddr, make_msgid, parseaddr
from typing import Any

import orjson
from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.db.models import Min, Q, QuerySet
from django.urls import reverse
from django.utils import timezone, translation

from consent import owing, speaking
from consent.ledger import suppressing
from consent.ledger.folding import NOES, Pair
from consent.models import AddressRequest, Channel, ConsentState, SignupRequest, Suppression, WordingVersion
from consent.queries import controller_of
from consent.rights import periods
from consent.signups import pairs_of
from contacts import identities
from contacts.models import Identity
from tenants.encryption import decrypt, encrypt, seal
from tenants.models import Tenant
from tenants.scope import across_tenants, tenant_scope
from tenants.templatetags.formats import day, moment

log = logging.getLogger(__name__)

USE = "address"
# What is needed to say what is asked.
TEXTS = ("tenant", "contact", "signup__version", "signup__extra_version")


def owe(signup: SignupRequest, address: str, evidence: dict[str, Any]) -> None:
    """Write down that a sign-up's address has to be asked, in the caller's transaction.

    Not if a mail to the same mailbox waits, or went out today and was not confirmed: else anybody could flood it.
    """
    tenant, key = signup.tenant, mailbox(signup.tenant, address)
    sealed = encrypt(orjson.dumps({**evidence, "email": address}).decode(), binding=_binding(signup))
    # At most one waits. Too old or answered by a no it is never sent, and must keep no later one away.
    waiting = AddressRequest.objects.filter(tenant=tenant, mailbox=key, sent_at=None)
    over = [one.pk for one in waiting.select_related(*TEXTS) if one.requested_at <= _oldest() or not asked(one)]
    waiting.filter(pk__in=over).delete()
    row = AddressRequest(tenant=tenant, signup=signup, mailbox=key, sealed=sealed, message_id=_message_id())
    AddressRequest.objects.bulk_create([row], ignore_conflicts=True)


def mailbox(tenant: Tenant, address: str) -> bytes:
    """The keyed hash of the mailbox behind an address: what follows a plus sign belongs to the same one."""
    local, _at, domain = address.rpartition("@")
    return identities.digest(tenant, Identity.Kind.EMAIL, f"{local.partition('+')[0]}@{domain}")


def evidence(request: AddressRequest) -> dict[str, Any]:
    """What proves a request that is not confirmed yet: `email` as typed, the visitor, and what the page showed."""
    kept: dict[str, Any] = orjson.loads(decrypt(request.sealed, binding=_binding(request.signup)))
    return kept


def asked(request: AddressRequest) -> list[WordingVersion]:
    """The texts that the person ticked, as far as they cover e-mail and may still be agreed to.

    The mail, its page and the yes all go by these; of one that is confirmed nobody can ask any more. Not among them is
    a text to any part of which somebody who is reached there said no before the mail went out: the yes on its page is
    newer than a no of after that.
    """
    ticked = filter(None, (request.signup.version, request.signup.extra_version))
    asking = [version for version in ticked if pairs_of(version, Channel.EMAIL) and not version.invalid_reason]
    noes = _noes(request) if asking else set()
    return [version for version in asking if noes.isdisjoint(pairs_of(version, Channel.EMAIL))]


def _noes(request: AddressRequest) -> set[Pair]:
    """What was said no to between sign-up and mail, by whoever has the address or confirmed it in WhatsApp."""
    waited = (request.requested_at, request.sent_at or timezone.now())
    key = identities.digest(request.tenant, Identity.Kind.EMAIL, evidence(request)["email"])
    listed = Suppression.objects.filter(tenant=request.tenant, digest=key, lifted_at=None)
    late = listed.filter(Q(since__range=waited) | Q(said_again_at__range=waited))
    noes = {pair for scope in late.values_list("channel", "purpose") for pair in suppressing.reached(scope)}
    if request.contact:
        states = ConsentState.objects.filter(tenant=request.tenant, subject_id=request.contact.subject_id)
        said = states.filter(state__in=NOES, since__range=waited)
        noes |= set(said.values_list("channel", "purpose"))
    return noes


def in_words(versions: Iterable[WordingVersion], language: str) -> list[str]:
    return [version.texts.get(language) or next(iter(version.texts.values()), "") for version in versions]


def work() -> None:
    """Send what is due, one mail after the other, for most of a minute; without a mail server it waits."""
    if not owing.has_server():
        return
    until = time.monotonic() + owing.SECONDS_PER_RUN
    while time.monotonic() < until and (claimed := _claimed()):
        _send(claimed)


def waiting() -> float:
    """For how many seconds the oldest mail has not been sent."""
    with across_tenants("the operator looks at all companies together"):
        oldest = _owed().aggregate(oldest=Min("requested_at"))["oldest"]
    return (timezone.now() - oldest).total_seconds() if oldest else 0


def _owed() -> QuerySet[AddressRequest]:
    """What is not sent yet and still could be confirmed."""
    return AddressRequest.objects.filter(sent_at=None, requested_at__gt=_oldest(), tenant__is_active=True)


def _oldest() -> datetime:
    return timezone.now() - periods.TO_CONFIRM


def _claimed() -> AddressRequest | None:
    with across_tenants("whose mail is next can be any company's"):
        owed = _owed().select_related("signup__form", *TEXTS)
        sent = {"sent_at": timezone.now(), "day": timezone.localdate()}
        claimed: AddressRequest | None = owing.claim(owed.order_by("next_attempt_at", "pk"), **sent)
        return claimed


def _send(claimed: AddressRequest) -> None:
    """Send one mail outside of any transaction. It counts as sent unless it is certain that the server took nothing."""
    is_begun = False
    try:
        if mail := _written(claimed):
            with get_connection() as mail.connection:
                is_begun = True
                mail.send()
        else:
            _drop(claimed)
    except Exception as error:
        log.warning("mail of address %s of tenant %s failed: %s", claimed.pk, claimed.tenant_id, type(error).__name__)
        with tenant_scope(claimed.tenant):
            if is_begun and not owing.is_taken_later(error):
                owing.note(claimed, error)
            else:
                owing.put_off(claimed, error, sent_at=None)
        # What is no trouble of the mail's is a fault of ours, and has to be seen as one.
        if not isinstance(error, OSError):
            raise


def _drop(claimed: AddressRequest) -> None:
    """Delete one by which nobody was or will be asked: who signs up anew after a no is asked by that."""
    with tenant_scope(claimed.tenant):
        own = AddressRequest.objects.filter(tenant=claimed.tenant, pk=claimed.pk, attempts=claimed.attempts)
        own.filter(confirmed_at=None).delete()


def _written(claimed: AddressRequest) -> EmailMessage | None:
    """The mail; None when there is nothing to ask, now or later.

    That is so when its texts were declared invalid meanwhile, or the person has said no.
    """
    tenant, language = claimed.tenant, claimed.signup.language
    with tenant_scope(tenant), timezone.override(tenant.timezone), translation.override(language):
        if not (texts := in_words(asked(claimed), language)):
            return None
        controller, said = controller_of(tenant), speaking.texts(tenant, language)
        values = {
            "{day}": day(claimed.requested_at),
            "{until}": moment(claimed.requested_at + periods.TO_CONFIRM),
            "{url}": url(claimed),
            "{sender}": _sender(claimed, said),
            "{wording}": "\n\n".join(texts),
        }
        return EmailMessage(
            said["mail_subject"],
            speaking.filled(said["mail"], values),
            formataddr((controller.legal_name or tenant.name, parseaddr(settings.DEFAULT_FROM_EMAIL)[1])),
            [evidence(claimed)["email"]],
            reply_to=[controller.email] if controller.email else [],
            headers={"Message-ID": claimed.message_id, "Auto-Submitted": "auto-generated"},
        )


def _sender(claimed: AddressRequest, said: dict[str, str]) -> str:
    """Who writes, where they are found, and what they do with data (CG-61)."""
    controller = controller_of(claimed.tenant)
    policy = controller.privacy_url or claimed.signup.version.policy_url
    lines = [
        controller.legal_name or claimed.tenant.name,
        ", ".join(filter(None, (controller.street, f"{controller.postcode} {controller.city}".strip()))),
        controller.imprint_url and f"{said['imprint']}: {controller.imprint_url}",
        policy and f"{said['privacy']}: {policy}",
    ]
    return "\n".join(filter(None, lines))


def url(request: AddressRequest) -> str:
    """The address of the page on which an address is confirmed; only its mail names it."""
    token = seal(USE, request.tenant_id, request.pk)
    return f"{settings.PUBLIC_URL}{reverse('confirm_address', kwargs={'token': token})}"


def _message_id() -> str:
    """With the sender's domain, because this machine's name is nobody's business."""
    return make_msgid(domain=parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2] or "localhost")


def _binding(signup: SignupRequest) -> str:
    return f"AddressRequest:{signup.tenant_id}:{signup.token_digest}"
