"""Reads about consent: may this person be messaged, and what did they say when."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from consent import rules
from consent.models import Channel, ConsentEvent, ConsentState, DataRequest, Purpose, State, WordingVersion
from contacts import identities
from contacts import queries as people
from contacts.models import Contact, Identity
from tenants.models import Tenant

CATEGORY_MISMATCH = "category_mismatch"
# Which template category may serve which purpose (§ 6.7); other purposes send marketing templates.
CATEGORIES = {Purpose.TRANSACTIONAL.value: {"UTILITY", "AUTHENTICATION"}}


@dataclass(frozen=True)
class Answer:
    """Whether a person may be messaged; `reason` is "" when allowed, `seq` the ledger row that decided it."""

    allowed: bool
    reason: str
    seq: int | None
    evaluated_at: datetime


def may_send(
    *, contact: Contact, channel: str, purpose: str, category: str | None = None, at: datetime | None = None
) -> Answer:
    """Whether this contact may be messaged now, by the same SQL that the sender uses.

    `category` is the template's ("MARKETING", "UTILITY"): marketing templates go under advertising purposes only,
    utility templates under transactional only. `at` judges expiry at another moment (UTC).
    """
    refusal = rules.refusal(tenant_id=contact.tenant_id, channel=channel, purpose=purpose, at=at)
    sql = f"SELECT {refusal.reason}, {refusal.seq} FROM contacts_contact c {refusal.joins}"
    with connection.cursor() as cursor:
        cursor.execute(f"{sql} WHERE c.tenant_id = %s AND c.id = %s", [*refusal.params, contact.tenant_id, contact.pk])
        reason, seq = cursor.fetchone()
    if reason is None and category and not _serves(category, purpose):
        reason = CATEGORY_MISMATCH
    return Answer(reason is None, reason or "", seq, at or timezone.now())


def _serves(category: str, purpose: str) -> bool:
    return category.upper() in CATEGORIES.get(str(purpose), {"MARKETING"})


def history(contact: Contact) -> QuerySet[ConsentEvent]:
    """Everything the ledger says about a person, newest row first, also from contacts merged into this one."""
    subjects = [contact.subject_id]
    for subject in subjects:
        merged = _rows(contact).filter(subject_id=subject, state=State.MERGED).values_list("source_ref", flat=True)
        subjects += [UUID(ref) for ref in merged if UUID(ref) not in subjects]
    return _rows(contact).filter(subject_id__in=subjects).select_related("wording_version__wording").order_by("-seq")


def published_wording(tenant: Tenant, uid: UUID, number: int | None = None) -> WordingVersion | None:
    """The version of a wording that people can agree to: the numbered one, else the latest that is not retired."""
    versions = WordingVersion.objects.filter(
        tenant=tenant, wording__uid=uid, published_at__isnull=False, invalid_reason=""
    ).order_by("-number")
    return versions.filter(number=number).first() if number else versions.filter(retired_at=None).first()


def _rows(contact: Contact) -> QuerySet[ConsentEvent]:
    return ConsentEvent.objects.filter(tenant=contact.tenant_id)


def states(contact: Contact) -> QuerySet[ConsentState]:
    """What holds for a person now, by channel and purpose."""
    found = ConsentState.objects.filter(tenant=contact.tenant_id, subject_id=contact.subject_id)
    return found.order_by("channel", "purpose")


def state(contact: Contact, channel: str = Channel.WHATSAPP, purpose: str = Purpose.MARKETING) -> ConsentState | None:
    """What holds for a person, one channel and one purpose; None when they never said anything about it."""
    return states(contact).filter(channel=channel, purpose=purpose).first()


def requests(tenant: Tenant, *, only_open: bool = False, search: str = "") -> QuerySet[DataRequest]:
    """A company's requests: what waits first, the most urgent on top, then what is over, newest first.

    `search` finds people as everywhere, and erased ones by the number or address that they give.
    """
    found = DataRequest.objects.filter(tenant=tenant).select_related("contact", "tenant")
    if only_open:
        found = found.filter(done_at=None)
    if text := search.strip():
        known = people.search(Contact.objects.filter(tenant=tenant), text)
        kind = Identity.Kind.EMAIL if "@" in text else Identity.Kind.PHONE
        key = [str(kind), identities.digest(tenant, kind, text).hex()]
        found = found.filter(Q(contact__in=known) | Q(digests__contains=[key]))
    return found.order_by(F("done_at").desc(nulls_first=True), "due_date", "pk")


def overdue(tenant: Tenant) -> int:
    """How many requests are past their last day without an answer."""
    late = DataRequest.objects.filter(tenant=tenant, done_at=None, due_date__lt=timezone.localdate())
    return late.exclude(state__in=[DataRequest.State.DONE, DataRequest.State.REFUSED]).count()
