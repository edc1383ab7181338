"""Staff's view of the outbox: what was sent for which source, to whom, and what became of it; nothing changes here."""

from django.contrib import admin
from django.db import models

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
    """One recipient each; only what an index finds can be searched, for this table has millions of rows."""

    list_display = ("id", "tenant", "source", "contact", "state", "reason", "error_code", "attempt", "created_at")
    list_select_related = ("tenant", "source", "contact")
    search_fields = ("wamid__exact",)
    search_help_text = "Meta's message id (wamid), complete."


@admin.register(Link)
class LinkAdmin(ReadOnlyAdmin):
    list_display = ("url", "label", "source", "variant", "tenant")
    list_select_related = ("source", "tenant")
    search_fields = ("uid__exact",)
    formfield_overrides = {models.URLField: {"assume_scheme": "https"}}


@admin.register(Click)
class ClickAdmin(ReadOnlyAdmin):
    list_display = ("at", "tenant", "link", "source", "contact", "is_counted")
    list_select_related = ("tenant", "link", "source", "contact")
