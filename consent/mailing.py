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
from smtplib import SMTPHeloError, SMTPRecipientsRefused, SMTPResponseException, SMTPSenderRefused
from typing import Any

import orjson
from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.db.models import Min, QuerySet
from django.urls import reverse
from django.utils import timezone, translation

from consent import owing, speaking
from consent.ledger import suppressing
from consent.ledger.folding import NOES
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


def owe(signup: SignupRequest, address: str, evidence: dict[str, Any]) -> None:
    """Write down that a sign-up's address has to be asked, in the caller's transaction.

    Not if a mail to the same mailbox waits, or went out today and was not confirmed: else anybody could flood it.
    """
    tenant, key = signup.tenant, mailbox(signup.tenant, address)
    sealed = encrypt(orjson.dumps({**evidence, "email": address}).decode(), binding=_binding(signup))
    too_old = AddressRequest.objects.filter(tenant=tenant, mailbox=key, sent_at=None, requested_at__lte=_oldest())
    too_old.delete()
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
    """The texts that the person ticked, as far as they cover e-mail and may still be agreed to."""
    ticked = filter(None, (request.signup.version, request.signup.extra_version))
    return [version for version in ticked if pairs_of(version, Channel.EMAIL) and not version.invalid_reason]


def wordings(request: AddressRequest, language: str) -> list[str]:
    """Those texts in words."""
    return _in_words(asked(request), language)


def _in_words(versions: Iterable[WordingVersion], language: str) -> list[str]:
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
        owed = _owed().select_related("tenant", "signup__form", "signup__version", "signup__extra_version")
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
    except Exception as error:
        log.warning("mail of address %s of tenant %s failed: %s", claimed.pk, claimed.tenant_id, type(error).__name__)
        with tenant_scope(claimed.tenant):
            if is_begun and not _is_taken_later(error):
                owing.note(claimed, error)
            else:
                owing.put_off(claimed, error, sent_at=None)
        # What is no trouble of the mail's is a fault of ours, and has to be seen as one.
        if not isinstance(error, OSError):
            raise


def _is_taken_later(error: Exception) -> bool:
    """Whether the server took nothing for now: it said so (4xx), or it does not take this sender of ours.

    What it refuses for good (5xx) it would refuse again, and what was cut off it may have taken.
    """
    if isinstance(error, SMTPHeloError | SMTPSenderRefused):
        return True
    if isinstance(error, SMTPRecipientsRefused):
        return all(code // 100 == 4 for code, _said in error.recipients.values())
    return isinstance(error, SMTPResponseException) and error.smtp_code // 100 == 4


def _written(claimed: AddressRequest) -> EmailMessage | None:
    """The mail; None when there is nothing to ask, now or later.

    That is so when its texts were declared invalid meanwhile, or the person has said no.
    """
    tenant, language = claimed.tenant, claimed.signup.language
    with tenant_scope(tenant), timezone.override(tenant.timezone), translation.override(language):
        address = evidence(claimed)["email"]
        if not (texts := _in_words(_unanswered(claimed, address), language)):
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
            [address],
            reply_to=[controller.email] if controller.email else [],
            headers={"Message-ID": claimed.message_id, "Auto-Submitted": "auto-generated"},
        )


def _unanswered(claimed: AddressRequest, address: str) -> list[WordingVersion]:
    """The texts of a mail to no part of which anybody who is reached there has said no since they were ticked."""
    key = identities.digest(claimed.tenant, Identity.Kind.EMAIL, address)
    listed = Suppression.objects.filter(tenant=claimed.tenant, digest=key, lifted_at=None)
    scopes = listed.filter(since__gte=claimed.requested_at).values_list("channel", "purpose")
    noes = {pair for scope in scopes for pair in suppressing.reached(scope)}
    if claimed.contact:
        states = ConsentState.objects.filter(tenant=claimed.tenant, subject_id=claimed.contact.subject_id)
        late = states.filter(state__in=NOES, since__gte=claimed.requested_at)
        noes |= set(late.values_list("channel", "purpose"))
    return [version for version in asked(claimed) if noes.isdisjoint(pairs_of(version, Channel.EMAIL))]


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
