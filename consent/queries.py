"""Reads about consent: may this person be messaged, and what did they say when."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Case, DateTimeField, Exists, F, Func, Max, OuterRef, Q, QuerySet, Sum, When
from django.utils import timezone

from consent import keywords, rules
from consent.linting import Draft
from consent.models import (
    Channel,
    ConsentEvent,
    ConsentState,
    Controller,
    DataRequest,
    Disposal,
    Invalidation,
    Logo,
    Purpose,
    SignupForm,
    State,
    Suppression,
    Wording,
    WordingVersion,
)
from contacts import identities
from contacts import queries as people
from contacts.importing.mapping import attribute_key
from contacts.models import Contact, ContactList, Identity, Tag
from tenants.models import Tenant

CATEGORY_MISMATCH = "category_mismatch"
# Which template category may serve which purpose (§ 6.7); other purposes send marketing templates.
CATEGORIES = {Purpose.TRANSACTIONAL.value: {"UTILITY", "AUTHENTICATION"}}
LEGAL_FORM = re.compile(
    r"[\s,]+(?:(?:gemeinnützige )?(?:GmbH|gGmbH|UG(?: \(haftungsbeschränkt\))?|AG|SE)(?: & Co\.? ?(?:KG|KGaA|OHG))?"
    r"|KG|OHG|GbR|eGbR|PartG(?: mbB)?|e\. ?K\.|e\. ?V\.|eG|Ltd\.?|Inc\.?|B\.V\.)$",
    re.I,
)
# From the version's rows to the states that they decide, so that neither table is read as a whole.
RESTING = """
    SELECT count(*) FROM (
        SELECT DISTINCT e.subject_id FROM consent_consentevent e
        JOIN consent_consentstate s ON s.tenant_id = e.tenant_id AND s.subject_id = e.subject_id
            AND s.channel = e.channel AND s.purpose = e.purpose AND s.seq = e.seq AND s.state = 'granted'
        WHERE e.tenant_id = %s AND e.wording_version_id = %s LIMIT %s
    ) AS people
"""
# Entries of the suppression list that name a contact by anything it is or was known by; those that are over, too.
NAMED = """
    SELECT DISTINCT s.* FROM contacts_identity i
    JOIN consent_suppression s ON s.tenant_id = i.tenant_id AND s.digest = i.digest
        AND (i.valid_to IS NULL OR s.since <= i.valid_to)
    WHERE i.tenant_id = %s AND i.contact_id = %s ORDER BY s.since, s.id
"""


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
    if reason is None and category and not serves(category, purpose):
        reason = CATEGORY_MISMATCH
    return Answer(reason is None, reason or "", seq, at or timezone.now())


def may_send_all(contact: Contact) -> dict[tuple[str, str], Answer]:
    """Whether this contact may be messaged now, for every channel and purpose: one statement, the sender's own SQL."""
    asked = [(str(c), str(p)) for c in Channel for p in Purpose if c != Channel.ALL and p != Purpose.ALL]
    parts, params = [], list[Any]()
    for is_contract in (False, True):
        refusal = rules.refusal_of_asked(tenant_id=contact.tenant_id, is_contract=is_contract)
        parts.append(
            f"SELECT asked.channel, asked.purpose, {refusal.reason}, {refusal.seq} FROM contacts_contact c"
            " CROSS JOIN unnest(%s::text[], %s::text[]) asked (channel, purpose)"
            f" {refusal.joins} WHERE c.tenant_id = %s AND c.id = %s"
        )
        pairs = [pair for pair in asked if (pair[1] == Purpose.TRANSACTIONAL) is is_contract]
        params += [*map(list, zip(*pairs, strict=True)), *refusal.params, contact.tenant_id, contact.pk]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts), params)
        found = {(channel, purpose): (reason, seq) for channel, purpose, reason, seq in cursor.fetchall()}
    now = timezone.now()
    return {pair: Answer(found[pair][0] is None, found[pair][0] or "", found[pair][1], now) for pair in asked}


def refusals(tenant: Tenant, contacts: Sequence[Contact], channel: str, purpose: str) -> dict[int, str]:
    """Why each of these contacts may not be messaged, "" if it may; by the contact's primary key."""
    refusal = rules.refusal(tenant_id=tenant.pk, channel=channel, purpose=purpose)
    sql = f"SELECT c.id, {refusal.reason} FROM contacts_contact c {refusal.joins}"
    with connection.cursor() as cursor:
        ids = [contact.pk for contact in contacts]
        cursor.execute(f"{sql} WHERE c.tenant_id = %s AND c.id = ANY(%s)", [*refusal.params, tenant.pk, ids])
        return {pk: reason or "" for pk, reason in cursor.fetchall()}


def suppressions(contact: Contact) -> list[Suppression]:
    """The entries of the suppression list that hit a person, oldest first, with those that were lifted."""
    return list(Suppression.objects.raw(NAMED, [contact.tenant_id, contact.pk]))


def row(contact: Contact, seq: int | None) -> ConsentEvent | None:
    """The row of the ledger of this number, if it is about this person."""
    return history(contact).filter(seq=seq).first() if seq else None


def responsible_for(tenant: Tenant) -> Controller:
    """Who is responsible for a tenant's contacts; the tenant's name alone where nobody has filled it in."""
    known = Controller.objects.filter(tenant=tenant).first()
    return known or Controller(tenant=tenant, legal_name=tenant.name, country=tenant.country)


def serves(category: str, purpose: str) -> bool:
    """Whether a template of this category may go out for this purpose (§ 6.7)."""
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


def published(wording: Wording) -> WordingVersion | None:
    """The version of a wording that people agree to now; None when there is none."""
    return all_published(wording.tenant_id, [wording.pk]).get(wording.pk)


def all_published(tenant_id: int, wordings: Sequence[int]) -> dict[int, WordingVersion]:
    """The version of each of these wordings that people agree to now, by the wording's key; not of those without."""
    live = WordingVersion.objects.filter(
        tenant=tenant_id, wording__in=wordings, published_at__isnull=False, retired_at=None, invalid_reason=""
    )
    latest = live.order_by("wording", "-number").distinct("wording")
    return {version.wording_id: version for version in latest.select_related("wording", "tenant")}


def draft_of(version: WordingVersion, company: Controller) -> Draft:
    """A version as the linter reads it: with this company and its privacy notice."""
    return Draft(
        texts=version.texts,
        covers=[(channel, purpose) for channel, purpose in version.covers],
        company=company.legal_name,
        policy_url=company.privacy_url,
    )


def live_signup_form(tenant: Tenant, text: str, *, is_start: bool, number: str = "") -> SignupForm | None:
    """The form that a message asks for: by its own keyword, or by a general word the first of the number written to.

    `number` is ours, E.164; where no form names it, the one that was made first.
    """
    live = SignupForm.objects.select_related("tenant", "wording", "extra_wording").filter(
        tenant=tenant, state=SignupForm.State.LIVE
    )
    if is_start:
        return live.order_by(Case(When(number=number, then=0), default=1), "pk").first()
    return live.filter(keyword=keywords.normalise(text)).first()


def keywords_among(tenant: Tenant, texts: Iterable[str]) -> set[str]:
    """Which of these messages are keywords of live forms, normalised; one question for all, for most are plain talk."""
    words = {word for text in texts if 3 <= len(word := keywords.normalise(text)) <= 20}
    forms = SignupForm.objects.filter(tenant=tenant, state=SignupForm.State.LIVE, keyword__in=words)
    return set(forms.values_list("keyword", flat=True)) if words else set()


def controller_of(tenant: Tenant) -> Controller:
    """The company as the law names it; a blank one, not stored yet, where nobody has entered anything."""
    return Controller.objects.filter(tenant=tenant).first() or Controller(tenant=tenant)


def without_legal_form(name: str) -> str:
    """The name by which people know a company: "Bäckerei Sonne" of "Bäckerei Sonne GmbH & Co. KG"."""
    return LEGAL_FORM.sub("", name.strip())


def logo(tenant: Tenant) -> Logo | None:
    """The company's logo; its picture is read when it is asked for."""
    return Logo.objects.filter(tenant=tenant).defer("png").first()


def special_names(tenant_id: int) -> frozenset[str]:
    """Names of what only counts for people who agreed to the use of special categories of data (CG-08).

    Of attributes, events, tags and lists; as `attribute_name` writes them, with which every name has to be compared.
    """
    return _marked(tenant_id, "special_attributes")


def contract_names(tenant_id: int) -> frozenset[str]:
    """Names of what was gathered for contracts, so that no advertising may use it (CG-55); as `special_names`."""
    return _marked(tenant_id, "contract_attributes")


def is_invalidating(tenant_id: int) -> bool:
    """Whether a text is being declared invalid just now: yeses to it still stand as given then."""
    return Invalidation.objects.filter(tenant=tenant_id, finished_at=None).exists()


def _marked(tenant_id: int, field: str) -> frozenset[str]:
    names = Controller.objects.filter(tenant=tenant_id).values_list(field, flat=True).first()
    return frozenset(map(attribute_name, names or ()))


def group_names(group: Tag | ContactList) -> set[str]:
    """What a tag or list is called and was called before, also as a topic: another name hides nothing.

    As `attribute_name` writes it.
    """
    titles = [group.title_de, group.title_en] if isinstance(group, ContactList) else []
    return {attribute_name(name) for name in (group.name, *titles, *group.former_names) if name}


def attribute_name(name: str) -> str:
    """A name as far as it tells attributes apart: companies mark "Allergien (Nuss)" and import "allergien_nuss"."""
    plain = unicodedata.normalize("NFKC", name).casefold()
    return attribute_key(plain) or plain.strip()


def without_special(attributes: Mapping[str, Any], special: frozenset[str]) -> dict[str, Any]:
    """Those of a person's attributes that may be used without a yes to special categories of data."""
    return {key: value for key, value in attributes.items() if not special or attribute_name(key) not in special}


def usable_attributes(contact: Contact) -> dict[str, Any]:
    """Those that may be used for this person, in a message or a preview of one (CG-08)."""
    special = special_names(contact.tenant_id)
    if not special or may_use_special(contact):
        return dict(contact.attributes)
    return without_special(contact.attributes, special)


def may_use_special(contact: Contact) -> bool:
    """Whether a person's yes to the use of special categories of data holds now."""
    return _holding(contact.tenant_id, Purpose.SPECIAL_CATEGORY).filter(subject_id=contact.subject_id).exists()


def may_ask(form: SignupForm, *, is_extra_wanted: bool = True) -> bool:
    """Whether a form may ask its question: one about a special category needs a text that covers it (CG-08).

    The attribute may be marked as special long after the form was opened. Without `is_extra_wanted` the person left the
    box of the second text unticked, and only the first counts.
    """
    is_choice = form.question == SignupForm.Question.CHOICE
    if not is_choice or attribute_name(form.question_attribute) not in special_names(form.tenant_id):
        return True
    wordings = [form.wording, form.extra_wording] if is_extra_wanted else [form.wording]
    versions = [published(wording) for wording in wordings if wording]
    return any([Channel.WHATSAPP, Purpose.SPECIAL_CATEGORY] in version.covers for version in versions if version)


def boxes_for_mail(form: SignupForm) -> frozenset[str]:
    """Which boxes of a form's page are a yes to e-mail: "agree", the one everybody ticks, or the free "extra"."""
    wordings = {"agree": form.wording, "extra": form.extra_wording}
    return frozenset(box for box, wording in wordings.items() if wording and _covers_mail(wording))


def _covers_mail(wording: Wording) -> bool:
    version = published(wording) or wording.versions.order_by("-number").first()
    return version is not None and any(channel == Channel.EMAIL for channel, _purpose in version.covers)


def disposals(tenant: Tenant, days: int = 30) -> list[dict[str, Any]]:
    """What was deleted or made anonymous in the last days because its time was over: {"what", "count", "last"}."""
    since = timezone.now() - timedelta(days=days)
    found = Disposal.objects.filter(tenant=tenant, at__gte=since).values("what")
    counted = found.annotate(count=Sum("count"), last=Max("at")).order_by("-last", "what")
    labels = dict(Disposal.What.choices)
    return [{**row, "label": labels.get(row["what"], row["what"])} for row in counted]


def resting_on(version: WordingVersion, *, most: int = 10_000) -> int:
    """How many people's present consent rests on this version, counted up to one more than `most`."""
    with connection.cursor() as cursor:
        cursor.execute(RESTING, [version.tenant_id, version.pk, most + 1])
        (count,) = cursor.fetchone()
    return int(count)


def _rows(contact: Contact) -> QuerySet[ConsentEvent]:
    return ConsentEvent.objects.filter(tenant=contact.tenant_id)


def states(contact: Contact) -> QuerySet[ConsentState]:
    """What holds for a person now, by channel and purpose."""
    found = ConsentState.objects.filter(tenant=contact.tenant_id, subject_id=contact.subject_id)
    return found.order_by("channel", "purpose")


def state(contact: Contact, channel: str = Channel.WHATSAPP, purpose: str = Purpose.MARKETING) -> ConsentState | None:
    """What holds for a person, one channel and one purpose; None when they never said anything about it."""
    return states(contact).filter(channel=channel, purpose=purpose).first()


def measured(tenant_id: Any) -> QuerySet[ConsentState]:
    """The states of people who agree to being measured on WhatsApp: only their reads and clicks may be shown (CG-36).

    `tenant_id` may be a reference to an outer query.
    """
    return _holding(tenant_id, Purpose.TRACKING)


def _holding(tenant_id: Any, purpose: Purpose) -> QuerySet[ConsentState]:
    """The states of people whose yes on WhatsApp holds now; the same in SQL is `rules.HOLDS`."""
    agreed = ConsentState.objects.filter(tenant=tenant_id, channel=Channel.WHATSAPP, purpose=purpose)
    lasting = Q(valid_until=None) | Q(valid_until__gt=timezone.now())
    unfinished = Invalidation.objects.filter(tenant=OuterRef("tenant"), finished_at=None)
    of_same_text = unfinished.filter(wording_sha256=OuterRef("wording_sha256"))
    ending = ConsentEvent.objects.filter(Exists(of_same_text), tenant=OuterRef("tenant"), seq=OuterRef("seq"))
    holding = agreed.filter(lasting, _is_of_age(), state__in=[State.GRANTED, State.RENEWED])
    # PostgreSQL asks the first before the second, which reads the ledger row by row.
    return holding.filter(~Exists(unfinished) | ~Exists(ending))


def _is_of_age() -> Q:
    """The condition `rules.IS_OF_AGE` on states."""
    sixteen_years_before = Func(
        F("tenant__timezone"),
        OuterRef("since"),
        template="timezone(%(expressions)s) - interval '16 years'",
        output_field=DateTimeField(),
    )
    named = Contact.objects.filter(tenant=OuterRef("tenant"), subject_id=OuterRef("subject_id"))
    is_too_young = Exists(named.filter(birthday__gt=sixteen_years_before))
    demanding = Exists(Controller.objects.filter(tenant=OuterRef("tenant"), demands_age=True))
    return (Q(age_confirmed=True) | Q(age_confirmed=None) & ~demanding) & ~is_too_young


def requests(tenant: Tenant, *, only_open: bool = False, search: str = "") -> QuerySet[DataRequest]:
    """A company's requests: what waits first, the most urgent on top, then what is over, newest first.

    `search` finds people as everywhere, erased ones by the number or address that they give, and those who are known by
    a name only by all words of it that it holds.
    """
    found = DataRequest.objects.filter(tenant=tenant).select_related("contact", "tenant")
    if only_open:
        found = found.filter(done_at=None)
    if text := search.strip():
        known = people.search(Contact.objects.filter(tenant=tenant), text)
        kind = Identity.Kind.EMAIL if "@" in text else Identity.Kind.PHONE
        key = [str(kind), identities.digest(tenant, kind, text).hex()]
        words = [[kind, key.hex()] for kind, key in identities.digests_of_name(tenant, text)]
        found = found.filter(Q(contact__in=known) | Q(digests__contains=[key]) | Q(digests__contains=words))
    return found.order_by(F("done_at").desc(nulls_first=True), "due_date", "pk")


def open_erasure(contact: Contact) -> bool:
    """Whether a person's erasure is asked for and not over yet."""
    asked = DataRequest.objects.filter(tenant=contact.tenant_id, contact=contact, kind=DataRequest.Kind.ERASURE)
    return asked.filter(done_at=None).exists()


def overdue(tenant: Tenant) -> int:
    """How many requests are past their last day without an answer."""
    late = DataRequest.objects.filter(tenant=tenant, done_at=None, due_date__lt=timezone.localdate())
    return late.exclude(state__in=[DataRequest.State.DONE, DataRequest.State.REFUSED]).count()
