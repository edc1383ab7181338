"""Staff's view of the outbox: what was sent for which source, to whom, and what became of it; nothing changes here."""

from datetime import datetime
from typing import Any

from django.contrib import admin
from django.db import models
from django.db.models import F, Func, QuerySet
from django.db.models.functions import Coalesce
from django.http import HttpRequest

from consent.models.wordings import MOST_MONTHS
from messaging.measuring import is_measured
from messaging.models import Click, Content, Link, Message, Source
from tenants.admin import ReadOnlyAdmin


@admin.register(Source)
class SourceAdmin(ReadOnlyAdmin):
    list_display = ("name", "kind", "state", "pause_code", "purpose", "number", "tenant", "created_at", "expires_at")
    list_select_related = ("tenant", "number")
    list_filter = ("kind", "state")
    search_fields = ("uid__exact",)
    search_help_text = "uid of a source"


@admin.register(Content)
class ContentAdmin(ReadOnlyAdmin):
    list_display = ("source", "variant", "template", "tenant")
    list_select_related = ("source", "template", "tenant")


@admin.register(Message)
class MessageAdmin(ReadOnlyAdmin):
    """One recipient each; only what an index finds can be searched, for this table has millions of rows.

    Reads and clicks are shown of people who agree to being measured only (CG-36).
    """

    list_display = ("id", "tenant", "source", "contact_id", "fate", "reason", "error_code", "attempt", "created_at")
    exclude = ("state", "read_at", "clicked_at")
    readonly_fields = ("fate", "read", "clicked")
    # Not the contact, with whom a message that names nobody any more would go, too.
    list_select_related = ("tenant", "source")
    search_fields = ("wamid__exact",)
    search_help_text = "Meta's message id (wamid), complete."

    def get_queryset(self, request: HttpRequest) -> QuerySet[Message]:
        return super().get_queryset(request).annotate(is_measured=is_measured())

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Nobody finds by the address of the list who has read or clicked."""
        return not lookup.startswith(self.exclude) and super().lookup_allowed(lookup, value, request)

    @admin.display(description="state")
    def fate(self, message: Any) -> str:
        is_hidden = message.state == Message.State.READ and not message.is_measured
        return str((Message.State.DELIVERED if is_hidden else Message.State(message.state)).label)

    @admin.display(description="read at")
    def read(self, message: Any) -> datetime | None:
        return message.read_at if message.is_measured else None

    @admin.display(description="clicked at")
    def clicked(self, message: Any) -> datetime | None:
        return message.clicked_at if message.is_measured else None


@admin.register(Link)
class LinkAdmin(ReadOnlyAdmin):
    list_display = ("url", "label", "source", "variant", "tenant")
    list_select_related = ("source", "tenant")
    search_fields = ("uid__exact",)
    formfield_overrides = {models.URLField: {"assume_scheme": "https"}}


@admin.register(Click)
class ClickAdmin(ReadOnlyAdmin):
    """Clicks without their people, who may have taken back since that they are measured (CG-36).

    Those that are past their company's time are not listed: of them only the reports' counts are left to look at.
    """

    list_display = ("at", "tenant", "link", "source", "is_counted")
    exclude = ("contact", "message")
    list_select_related = ("tenant", "link", "source")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Click]:
        kept_since = Func(
            Coalesce("tenant__controller__message_months", MOST_MONTHS),
            template="now() - make_interval(months => (%(expressions)s)::int)",
            output_field=models.DateTimeField(),
        )
        return super().get_queryset(request).annotate(kept_since=kept_since).filter(at__gte=F("kept_since"))

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Nor whose they are, by the address of the list."""
        return not lookup.startswith(self.exclude) and super().lookup_allowed(lookup, value, request)
