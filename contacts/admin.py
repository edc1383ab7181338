"""Django admin of what hangs on contacts, to look at; contacts themselves are looked after in consent.admin.people."""

from django.contrib import admin

from contacts.models import (
    ContactList,
    ContactTag,
    Event,
    Identity,
    Import,
    ListMember,
    NotedRow,
    Program,
    RejectedRow,
    StagedRow,
    Tag,
)
from tenants.admin import ReadOnlyAdmin


@admin.register(Program)
class ProgramAdmin(ReadOnlyAdmin):
    """Companies say themselves who knows whence their data come."""

    list_display = ("__str__", "tenant", "notice_at", "informed_at", "untold", "untold_since", "created_at")
    list_select_related = ("api_key", "tenant")


@admin.register(Identity)
class IdentityAdmin(ReadOnlyAdmin):
    list_display = ("contact", "kind", "tenant", "valid_to")
    list_select_related = ("contact", "tenant")
    exclude = ("digest",)


@admin.register(Tag)
class TagAdmin(ReadOnlyAdmin):
    list_display = ("name", "tenant")
    list_select_related = ("tenant",)
    search_fields = ("name",)


@admin.register(ContactTag)
class ContactTagAdmin(ReadOnlyAdmin):
    list_display = ("contact", "tag", "tenant")
    list_select_related = ("contact", "tag", "tenant")


@admin.register(ContactList)
class ContactListAdmin(ReadOnlyAdmin):
    list_display = ("name", "is_topic", "title_de", "tenant", "created_at")
    list_select_related = ("tenant",)
    search_fields = ("name",)


@admin.register(ListMember)
class ListMemberAdmin(ReadOnlyAdmin):
    list_display = ("contact", "list", "tenant", "added_at")
    list_select_related = ("contact", "list", "tenant")


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin):
    list_display = ("name", "event_id", "contact", "value", "currency", "occurred_at", "tenant")
    list_select_related = ("contact", "tenant")
    search_fields = ("event_id__exact", "order_id__exact")


@admin.register(Import)
class ImportAdmin(ReadOnlyAdmin):
    list_display = ("filename", "tenant", "state", "rows_total", "created", "updated", "unchanged", "rejected")
    list_filter = ("state",)
    list_select_related = ("tenant",)
    search_fields = ("filename", "sha256__exact")


@admin.register(StagedRow)
class StagedRowAdmin(ReadOnlyAdmin):
    list_display = ("imported", "line", "outcome", "tenant")
    list_select_related = ("imported", "tenant")


@admin.register(RejectedRow)
class RejectedRowAdmin(ReadOnlyAdmin):
    list_display = ("imported", "line", "reason", "column", "tenant")
    list_select_related = ("imported", "tenant")


@admin.register(NotedRow)
class NotedRowAdmin(ReadOnlyAdmin):
    list_display = ("imported", "line", "reason", "tenant")
    list_select_related = ("imported", "tenant")
