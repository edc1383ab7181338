"""Erases a person (Art. 17 GDPR): nothing is sent any more, files and logs are cleared, then every row goes at once.

Each step may be repeated, so whoever finds an erasure that lost its worker starts it again from the beginning.
"""

from collections.abc import Collection
from datetime import date, datetime
from uuid import UUID

from django.db.models import Max, Q
from django.utils import timezone

from consent import queries
from consent.ledger import suppressing
from consent.ledger.suppressing import BLOCKED, Suppressed
from consent.models import Channel, ConsentEvent, ConsentEvidence, DataRequest, Purpose, State, Suppression
from consent.rights import erasure_log, handing_over, periods, walking
from consent.rights.erasure_log import Erased
from contacts import personal
from contacts.identities import digests_of
from contacts.models import Contact, Identity
from tenants.actions import Actor, audit
from tenants.models import Tenant
from tenants.scope import tenant_scope


def erase(tenant: Tenant, contact: Contact, *, at: datetime, by: Actor = None) -> None:
    """Erase a contact whose erasure stands in the ledger already; opens scopes of its own.

    Raises contacts.personal.NotYet while somebody works with the person's data, and OperationalError or IntegrityError
    when something about the person arrived just then: nothing is half-done then, and it can be tried again.
    """
    walking.clear(contact)
    with tenant_scope(tenant):
        erasure_log.write(contact, at)
        audit(tenant=tenant, by=by, verb="contact.erased", subject=contact)
        # Other requests of theirs end, for there is nobody left to ask about.
        unanswered = DataRequest.objects.filter(tenant=tenant, contact=contact.pk, done_at=None)
        unanswered.update(state=DataRequest.State.DONE, done_at=timezone.now(), leased_until=None, error="")
        forget(contact)
    personal.forget_answers(tenant)
    # What was begun since the person's files were cleared may have read them before they went.
    handing_over.let_go(tenant, everything=True)


def forget(contact: Contact) -> None:
    """Delete a contact in the caller's transaction: rows that count stay and name nobody, proofs are locked away.

    Ledger and senders lock in another order, so the caller has locked nothing of theirs. Raises as `erase` does.
    """
    tenant = contact.tenant
    until = periods.proof_ends(_last_use(tenant, contact))
    restrict_proofs(tenant, _subjects(contact), until)
    DataRequest.objects.filter(tenant=tenant, contact=contact.pk).update(kept_until=until)
    walking.forget(contact)


def _subjects(contact: Contact) -> set[UUID]:
    """As whom the ledger knows the contact, but for other contacts that it was merged with and that stay."""
    told = set(queries.history(contact).values_list("subject_id", flat=True)) | {contact.subject_id}
    others = Contact.objects.filter(tenant=contact.tenant_id, subject_id__in=told).exclude(pk=contact.pk)
    return told - set(others.values_list("subject_id", flat=True))


def _last_use(tenant: Tenant, contact: Contact) -> datetime:
    """When a consent of this person was last used or declared; now if it never was."""
    said = ConsentEvent.objects.filter(tenant=tenant, subject_id=contact.subject_id).exclude(state=State.ERASED)
    declared = said.aggregate(last=Max("occurred_at"))["last"]
    used = walking.last_use(tenant, [contact.pk]).get(contact.pk)
    return max((at for at in (declared, used) if at), default=timezone.now())


def restrict_proofs(tenant: Tenant, subjects: Collection[UUID], until: date) -> None:
    """Lock away what proves these people's declarations, until its last day."""
    events = ConsentEvent.objects.filter(tenant=tenant, subject_id__in=subjects).values("event_id")
    ConsentEvidence.objects.filter(tenant=tenant, event_id__in=events).update(kept_until=until)


def known_again(tenant: Tenant, erased: Erased) -> list[Contact]:
    """The contacts of somebody erased that a restored backup brought back; never one who came later by themselves."""
    # By what belongs to one person alone: families share an e-mail address.
    keys = {(kind, key) for kind, key in erased.digests if kind != Identity.Kind.EMAIL}
    named = Identity.objects.filter(tenant=tenant, digest__in=[key for _kind, key in keys], valid_to=None)
    back = Contact.objects.filter(tenant=tenant, created_at__lte=erased.at).select_related("tenant")
    found = back.filter(Q(pk__in=named.values("contact")) | Q(subject_id=erased.subject))
    return [c for c in found if c.subject_id == erased.subject or keys.intersection(digests_of(c))]


def unsuppress(tenant: Tenant, contact: Contact) -> None:
    """Take a person off the suppression list who wished for no hash of them to stay."""
    keys = [key for _kind, key in digests_of(contact)]
    others = Identity.objects.filter(tenant=tenant, digest__in=keys, valid_to=None).exclude(contact=contact)
    shared = {bytes(key) for key in others.values_list("digest", flat=True)}
    Suppression.objects.filter(tenant=tenant, digest__in=[key for key in keys if key not in shared]).delete()


def suppress_again(tenant: Tenant, erased: Erased) -> None:
    """Put the hashes on the suppression list again, unless they have been there since: lifted is lifted."""
    keys = {key for _kind, key in erased.digests}
    since = Q(since__gte=erased.at) | Q(said_again_at__gte=erased.at)
    known = Suppression.objects.filter(since, tenant=tenant, digest__in=keys, reason=BLOCKED)
    missing = keys - {bytes(key) for key in known.values_list("digest", flat=True)}
    everything = (Channel.ALL.value, Purpose.ALL.value)
    rows = [(kind, key) for kind, key in erased.digests if key in missing]
    suppressing.suppress(tenant, [Suppressed(kind, key, *everything, BLOCKED, erased.at) for kind, key in rows])
