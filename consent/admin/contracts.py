"""Staff's view of contracts: whom the operator processes data for, and who else does for it and for companies."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _

from consent import records
from consent.actions import agreements
from consent.models import Agreement, EndedContract, Processor, SubProcessor
from tenants.admin import ReadOnlyAdmin


@admin.register(Agreement)
class AgreementAdmin(ReadOnlyAdmin):
    """Whom the operator processes data for; above the list the way to its own record (Art. 30 (2) GDPR)."""

    list_display = ("tenant", "version", "signer", "position", "accepted_at")
    list_select_related = ("tenant",)
    search_fields = ("tenant__name", "tenant__slug__exact")
    change_list_template = "admin/consent/agreement/change_list.html"

    def get_urls(self) -> list[URLPattern]:
        record = self.admin_site.admin_view(self.record)
        return [path("record/", record, name="consent_record"), *super().get_urls()]

    def record(self, request: HttpRequest) -> HttpResponse:
        """The operator's record of processing activities, to be printed."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        told = {"title": _("Record of processing activities"), "lines": records.of_processor()}
        context = {**self.admin_site.each_context(request), **told, "contracts": records.processed_for()}
        return render(request, "admin/consent/agreement/record.html", context)


@admin.register(EndedContract)
class EndedContractAdmin(ReadOnlyAdmin):
    """Whom the operator processed data for until their contract ended, and the proof that it was deleted."""

    list_display = ("name", "slug", "began_at", "closed_at", "deleted_at", "files_deleted")
    search_fields = ("name", "slug__exact")


@admin.register(SubProcessor)
class SubProcessorAdmin(admin.ModelAdmin):
    """Who processes data for the operator; a new one is announced to all companies when it is saved."""

    list_display = ("name", "purpose", "country", "active_from", "ended_on", "announced_at")
    readonly_fields = ("announced_at",)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """What companies were told stays as they were told it; only its end can be entered."""
        told = ("name", "address", "country", "purpose", "safeguard", "active_from")
        return (*self.readonly_fields, *(told if obj and obj.announced_at else ()))

    def save_model(self, request: HttpRequest, obj: SubProcessor, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        agreements.announce(obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # Companies were told of it: it gets an end.


@admin.register(Processor)
class ProcessorAdmin(ReadOnlyAdmin):
    """Who processes data for companies under contracts of their own; the companies keep these registers themselves."""

    list_display = ("name", "tenant", "purpose", "country", "contract_on", "ended_on")
    list_filter = (("contract_on", admin.EmptyFieldListFilter),)
    list_select_related = ("tenant",)
    search_fields = ("name", "tenant__slug__exact")
