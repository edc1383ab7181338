"""Staff's view of campaigns: their state and problems; pausing, resuming and cancelling as the company itself would."""

from collections.abc import Callable
from typing import Any, cast

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from campaigns import actions
from campaigns.models import Audience, Campaign, Variant
from tenants.admin import ReadOnlyAdmin
from tenants.models import User


@admin.register(Campaign)
class CampaignAdmin(ReadOnlyAdmin):
    list_display = ("name", "tenant", "state", "number", "due_at", "launched_at", "frozen_at", "finished_at", "problem")
    list_select_related = ("tenant", "number")
    list_filter = ("state",)
    search_fields = ("uid__exact", "name__startswith")
    search_help_text = "uid, or how the name begins"
    fields = (
        *("tenant", "uid", "name", "state", "problem", "purpose", "number", "source", "created_by", "created_at"),
        *("scheduled_local", "timezone", "due_at", "looked_at", "warned"),
        *("launched_at", "frozen_to", "frozen_at", "finished_at"),
    )
    actions = ("pause", "resume", "cancel")

    @admin.action(description=_("Pause selected campaigns"), permissions=["steer"])
    def pause(self, request: HttpRequest, campaigns: QuerySet[Campaign]) -> None:
        self._each(request, campaigns, actions.pause)

    @admin.action(description=_("Resume selected campaigns"), permissions=["steer"])
    def resume(self, request: HttpRequest, campaigns: QuerySet[Campaign]) -> None:
        self._each(request, campaigns, actions.resume)

    @admin.action(description=_("Cancel selected campaigns for good"), permissions=["steer"])
    def cancel(self, request: HttpRequest, campaigns: QuerySet[Campaign]) -> None:
        self._each(request, campaigns, actions.cancel)

    def has_steer_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("campaigns.change_campaign")

    def _each(self, request: HttpRequest, campaigns: QuerySet[Campaign], action: Callable[..., Any]) -> None:
        done = 0
        for campaign in campaigns.select_related("tenant", "source"):
            try:
                action(campaign=campaign, by=cast(User, request.user))
                done += 1
            except actions.WrongState as wrong:
                self.message_user(request, f"{campaign}: {wrong}", messages.WARNING)
        told = ngettext("%(count)d campaign was changed.", "%(count)d campaigns were changed.", done)
        self.message_user(request, told % {"count": done})


@admin.register(Audience)
class AudienceAdmin(ReadOnlyAdmin):
    list_display = ("campaign", "is_excluded", "list", "segment", "tenant")
    list_select_related = ("campaign", "list", "segment", "tenant")


@admin.register(Variant)
class VariantAdmin(ReadOnlyAdmin):
    list_display = ("campaign", "number", "weight", "template", "tenant")
    list_select_related = ("campaign", "template", "tenant")
