"""Staff's view of WhatsApp accounts, numbers and templates: their health, and starting what Meta's errors stopped."""

from typing import cast

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from tenants.admin import BigTableAdmin, ReadOnlyAdmin
from tenants.models import User
from whatsapp import actions
from whatsapp.models import Account, Media, Number, Rate, Template


@admin.register(Account)
class AccountAdmin(ReadOnlyAdmin):
    """Tokens and secrets are on no page: `manage.py connect_number` stores new ones."""

    list_display = ("__str__", "waba_id", "tenant", "paused_at", "pause_code", "webhook_seen_at", "templates_synced_at")
    list_select_related = ("tenant",)
    search_fields = ("waba_id__exact", "uid__exact")
    fields = (
        *("tenant", "uid", "name", "waba_id", "portfolio_id", "currency", "paused_at", "pause_code"),
        *("webhook_seen_at", "templates_synced_at", "created_at"),
    )
    actions = ("resume", "sync")

    @admin.action(description=_("Send again: the cause is mended"), permissions=["mend"])
    def resume(self, request: HttpRequest, accounts: QuerySet[Account]) -> None:
        for account in accounts.select_related("tenant"):
            actions.resume_account(account=account, by=cast(User, request.user))
        told = ngettext("%(count)d account sends again.", "%(count)d accounts send again.", len(accounts))
        self.message_user(request, told % {"count": len(accounts)})

    @admin.action(description=_("Fetch templates and numbers from Meta"), permissions=["mend"])
    def sync(self, request: HttpRequest, accounts: QuerySet[Account]) -> None:
        for account in accounts:
            actions.sync_templates(account=account)
        self.message_user(request, _("Asking Meta in the background."))

    def has_mend_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("whatsapp.change_account")


@admin.register(Number)
class NumberAdmin(ReadOnlyAdmin):
    list_display = (
        *("display_number", "verified_name", "phone_number_id", "tenant", "quality", "throughput"),
        *("daily_limit", "storage_region", "profile_error", "paused_until", "pause_code"),
    )
    list_select_related = ("tenant",)
    list_filter = ("quality",)
    search_fields = ("phone_number_id__exact", "display_number__exact")
    actions = ("resume",)

    @admin.action(description=_("Send again: the cause is mended"), permissions=["mend"])
    def resume(self, request: HttpRequest, numbers: QuerySet[Number]) -> None:
        for number in numbers.select_related("tenant"):
            actions.resume_number(number=number, by=cast(User, request.user))
        told = ngettext("%(count)d number sends again.", "%(count)d numbers send again.", len(numbers))
        self.message_user(request, told % {"count": len(numbers)})

    def has_mend_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("whatsapp.change_number")


@admin.register(Template)
class TemplateAdmin(ReadOnlyAdmin):
    list_display = ("name", "language", "category", "status", "quality", "account", "tenant", "updated_at")
    list_select_related = ("account", "tenant")
    list_filter = ("status", "category")
    search_fields = ("name__startswith", "meta_id__exact")


@admin.register(Media)
class MediaAdmin(ReadOnlyAdmin):
    list_display = (
        *("filename", "mime_type", "number", "tenant", "state", "error"),
        *("upload_due_at", "upload_tries", "expires_at", "created_at"),
    )
    list_select_related = ("number", "tenant")
    search_fields = ("sha256__exact", "meta_id__exact")


@admin.register(Rate)
class RateAdmin(BigTableAdmin):
    """Meta's prices; `manage.py import_rates` reads whole lists."""

    list_display = ("currency", "market", "category", "valid_from", "price", "source")
    list_filter = ("currency", "category")
    search_fields = ("market__exact",)
    ordering = ("-valid_from",)
