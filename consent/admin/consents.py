"""Staff's view of consent: ledger, states, suppressions, wordings; to look at, because only declarations write."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _

from consent import proving
from consent.actions import breaches
from consent.models import (
    Announcement,
    Breach,
    ConsentEvent,
    ConsentEvidence,
    ConsentHead,
    ConsentState,
    Controller,
    DataRequest,
    Disposal,
    Handover,
    Invalidation,
    LedgerAnchor,
    LedgerCheck,
    LedgerDeposit,
    Logo,
    Source,
    State,
    Suppression,
    Wording,
    WordingVersion,
)
from contacts import identities, phones
from contacts.models import Contact, Identity
from tenants.admin import STAFF, BigTableAdmin, ReadOnlyAdmin, to_staff_search
from tenants.models import Tenant
from tenants.pages import opened_search

# A phone is looked for in this many companies; each has its own key for the hashes.
MOST_TENANTS_SEARCHED = 500
# The checker answers for this many people at once.
MOST_CHECKED = 10


class PersonAdmin(ReadOnlyAdmin):
    """Rows about a person of the ledger, found by phone number, subject or, where there is one, row number."""

    search_fields = ("subject_id",)
    search_help_text = _("Phone number or subject, complete; in the ledger also a row's number or event.")
    list_select_related = ("tenant",)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Exact finds only, each led by the tenants, so that the indexes (tenant, …) serve them."""
        if not (term := search_term.strip()):
            return queryset, False
        tenants = list(Tenant.objects.values_list("pk", flat=True))
        return queryset.filter(self.meant(term), tenant__in=tenants), False

    def meant(self, term: str) -> Q:
        """The rows a search term stands for."""
        if (uid := _uuid(term)) is not None:
            return Q(subject_id=uid)
        known = Contact.objects.filter(phone=phones.normalise(term) or term).values_list("subject_id", flat=True)
        return Q(subject_id__in=list(known))


@admin.register(ConsentEvent)
class ConsentEventAdmin(PersonAdmin):
    list_display = ("seq", "tenant", "occurred_at", "state", "channel", "purpose", "source", "authority", "subject_id")
    list_filter = ("state", "channel", "purpose", "source")
    readonly_fields = ("previous", "own")

    @admin.display(description=_("Hash of the row before"))
    def previous(self, row: ConsentEvent) -> str:
        return bytes(row.prev_hash).hex()

    @admin.display(description=_("Hash of this row"))
    def own(self, row: ConsentEvent) -> str:
        return bytes(row.row_hash).hex()

    def meant(self, term: str) -> Q:
        if (uid := _uuid(term)) is not None:
            return Q(subject_id=uid) | Q(event_id=uid)
        # Phone numbers are longer, and start with 0 or +.
        if term.isdecimal() and not term.startswith("0") and len(term) < 10:
            return Q(seq=int(term))
        return super().meant(term)


@admin.register(ConsentEvidence)
class ConsentEvidenceAdmin(ReadOnlyAdmin):
    """That there is a proof, and of which row of the ledger; what it says stays encrypted."""

    list_display = ("event_id", "tenant", "state", "source", "occurred_at")
    list_select_related = ("tenant",)
    exclude = ("salt", "sealed")
    readonly_fields = ("state", "source", "occurred_at")
    search_fields = ("event_id",)
    search_help_text = _("Id of the event, complete.")

    def get_queryset(self, request: HttpRequest) -> QuerySet[ConsentEvidence]:
        """With what the proven row says, which the unique key (tenant, event) finds."""
        row = ConsentEvent.objects.filter(tenant=OuterRef("tenant"), event_id=OuterRef("event_id"))
        said = {f"row_{name}": Subquery(row.values(name)) for name in ("state", "source", "occurred_at")}
        return super().get_queryset(request).annotate(**said)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[ConsentEvidence], search_term: str
    ) -> tuple[QuerySet[ConsentEvidence], bool]:
        """Exact finds only."""
        if not (term := search_term.strip()):
            return queryset, False
        if not (event_id := _uuid(term)):
            return queryset.none(), False
        tenants = list(Tenant.objects.values_list("pk", flat=True))
        return queryset.filter(tenant__in=tenants, event_id=event_id), False

    @admin.display(description=_("state"))
    def state(self, evidence: Any) -> str:
        return str(State(evidence.row_state).label)

    @admin.display(description=_("source"))
    def source(self, evidence: Any) -> str:
        return str(Source(evidence.row_source).label)

    @admin.display(description=_("said at"))
    def occurred_at(self, evidence: Any) -> datetime:
        said_at: datetime = evidence.row_occurred_at
        return said_at


@admin.register(ConsentState)
class ConsentStateAdmin(PersonAdmin):
    """States, and above their list the way to "May I send?", which also knows people without any state."""

    list_display = ("subject_id", "tenant", "channel", "purpose", "state", "since", "seq", "valid_until")
    list_filter = ("state", "channel", "purpose")
    change_list_template = "admin/consent/consentstate/change_list.html"

    def get_urls(self) -> list[URLPattern]:
        check = self.admin_site.admin_view(self.may_send)
        return [path("may-send/", check, name="consent_may_send"), *super().get_urls()]

    def may_send(self, request: HttpRequest) -> HttpResponse:
        """What may be sent to whoever has this phone number, e-mail, customer number or uid, in every company."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        if request.method == "POST":
            return to_staff_search(request)
        given = request.GET.get("q", "").replace("\0", "").strip()
        opened = opened_search(given, of=STAFF)
        term = given if opened is None else opened
        found = [(contact, proving.answers(contact)) for contact in _named(term)] if term else []
        context = {**self.admin_site.each_context(request), "title": _("May I send?"), "found": found, "term": term}
        return render(request, "admin/consent/may_send.html", context)


@admin.register(Suppression)
class SuppressionAdmin(ReadOnlyAdmin):
    list_display = ("masked", "kind", "tenant", "channel", "purpose", "reason", "since", "said_again_at", "lifted_at")
    list_filter = ("reason", "channel", "purpose", "kind")
    list_select_related = ("tenant",)
    readonly_fields = ("masked",)
    search_fields = ("reason",)
    search_help_text = _("Phone number, complete.")

    @admin.display(description=_("keyed hash"))
    def masked(self, row: Suppression) -> str:
        return f"{bytes(row.digest).hex()[:8]}…"

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Suppression], search_term: str
    ) -> tuple[QuerySet[Suppression], bool]:
        """Find the entries of one phone number: hashed with each company's own key."""
        if not (term := search_term.strip()):
            return queryset, False
        tenants = Tenant.objects.filter(is_active=True).order_by("-pk")[:MOST_TENANTS_SEARCHED]
        keys = [(tenant.pk, identities.digest(tenant, Identity.Kind.PHONE, term)) for tenant in tenants]
        pks, digests = [pk for pk, _ in keys], [key for _, key in keys]
        return queryset.filter(tenant__in=pks, digest__in=digests), False


@admin.register(ConsentHead)
class ConsentHeadAdmin(ReadOnlyAdmin):
    list_display = ("tenant", "last_seq", "hash")
    list_select_related = ("tenant",)
    readonly_fields = ("hash",)

    @admin.display(description=_("last hash"))
    def hash(self, head: ConsentHead) -> str:
        return bytes(head.last_hash).hex()


@admin.register(Controller)
class ControllerAdmin(ReadOnlyAdmin):
    list_display = ("tenant", "legal_name", "city", "country", "privacy_url", "anchor_email")
    list_select_related = ("tenant",)
    search_fields = ("legal_name", "tenant__slug")


@admin.register(Invalidation)
class InvalidationAdmin(ReadOnlyAdmin):
    list_display = ("version", "tenant", "declared_at", "percent", "ended", "worked_at", "finished_at")
    list_filter = ("finished_at",)
    list_select_related = ("version", "tenant")
    readonly_fields = ("percent",)


@admin.register(Wording)
class WordingAdmin(ReadOnlyAdmin):
    list_display = ("name", "tenant")
    list_select_related = ("tenant",)
    search_fields = ("name",)


@admin.register(WordingVersion)
class WordingVersionAdmin(ReadOnlyAdmin):
    list_display = ("wording", "number", "tenant", "published_at", "retired_at", "invalid_reason")
    list_select_related = ("wording", "tenant")
    search_fields = ("wording__name", "sha256__exact")


@admin.register(DataRequest)
class DataRequestAdmin(ReadOnlyAdmin):
    """Deadlines and how far requests are; what they say of the person is for the company alone."""

    list_display = ("uid", "tenant", "kind", "state", "received_at", "due_date", "done_at", "error")
    list_filter = ("state", "kind")
    list_select_related = ("tenant",)
    exclude = ("note", "answer", "file", "digests", "named_encrypted")
    search_fields = ("uid__exact", "subject_id__exact")


@admin.register(Disposal)
class DisposalAdmin(ReadOnlyAdmin):
    list_display = ("at", "tenant", "what", "count")
    list_filter = ("what",)
    list_select_related = ("tenant",)


def _named(term: str) -> QuerySet[Contact]:
    """The contacts of all companies that this names exactly."""
    uid, number = _uuid(term), phones.normalise(term) or term
    named = Q(uid=uid) | Q(subject_id=uid) if uid else Q(phone=number) | Q(email=term.lower()) | Q(external_id=term)
    tenants = list(Tenant.objects.values_list("pk", flat=True))
    return Contact.objects.filter(named, tenant__in=tenants).select_related("tenant")[:MOST_CHECKED]


def _uuid(term: str) -> UUID | None:
    try:
        return UUID(term)
    except ValueError:
        return None


@admin.register(LedgerAnchor)
class LedgerAnchorAdmin(ReadOnlyAdmin):
    list_display = ("day", "tenant", "number", "seq", "key_id")
    list_select_related = ("tenant",)


@admin.register(LedgerCheck)
class LedgerCheckAdmin(ReadOnlyAdmin):
    """Whose ledger was verified when, and what was found."""

    list_display = ("tenant", "checked_at", "is_intact", "rows", "anchors", "signed_on", "broken_seq", "because")
    list_filter = ("is_intact",)
    list_select_related = ("tenant",)


@admin.register(LedgerDeposit)
class LedgerDepositAdmin(ReadOnlyAdmin):
    """Up to which signed head each company's were kept in the folder and mailed."""

    list_display = ("tenant", "signed", "kept", "mailed", "refused_until", "attempts", "error")
    list_select_related = ("tenant",)


@admin.register(Breach)
class BreachAdmin(BigTableAdmin):
    """Breaches of all companies; the one that staff enters is told to its company by mail (Art. 33 (2) GDPR)."""

    list_display = ("tenant", "known_at", "is_risk", "authority_told_at", "people_told_at", "closed_at")
    list_select_related = ("tenant",)

    def save_model(self, request: HttpRequest, obj: Breach, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        breaches.tell(obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # The company keeps its register itself.

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Announcement)
class AnnouncementAdmin(ReadOnlyAdmin):
    """What companies have to be told by mail, and when they were; beat tries again what is not told."""

    list_display = ("__str__", "tenant", "created_at", "told_at", "attempts", "error", "next_attempt_at")
    list_filter = (("told_at", admin.EmptyFieldListFilter), "kind")
    list_select_related = ("tenant", "subprocessor", "breach")
    search_fields = ("tenant__slug__exact",)


@admin.register(Logo)
class LogoAdmin(ReadOnlyAdmin):
    list_display = ("tenant", "width", "height")
    list_select_related = ("tenant",)
    exclude = ("png",)


@admin.register(Handover)
class HandoverAdmin(ReadOnlyAdmin):
    """That a company asked for everything it has here; the file is for the company alone."""

    list_display = ("tenant", "asked_at", "state", "file_until")
    list_select_related = ("tenant",)
    exclude = ("file",)
