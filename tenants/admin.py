"""Django admin for staff: companies, their people, keys and trail; and a base that stays quick on millions of rows."""

from collections.abc import Iterable
from typing import Any, cast
from urllib.parse import urlencode

import orjson
from allauth.account.admin import EmailAddressAdmin
from allauth.account.models import EmailAddress
from allauth.mfa.admin import AuthenticatorAdmin
from allauth.mfa.models import Authenticator
from allauth.usersessions.admin import UserSessionAdmin
from allauth.usersessions.models import UserSession
from django.contrib import admin, messages
from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry
from django.contrib.admin.views.main import SEARCH_VAR, ChangeList, ChangeListSearchForm
from django.contrib.auth.admin import GroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm
from django.contrib.auth.models import Group
from django.contrib.contenttypes.models import ContentType
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from tenants import actions
from tenants.models import ApiKey, AuditEvent, IdempotencyKey, Membership, Tenant, User
from tenants.pages import opened_search, sealed_search

# Nobody pages further than this by hand; the search finds the rest.
MOST_LISTED = 10_000
# Whose the addresses of the admin's searches are.
STAFF = "staff"


class ShortPaginator(Paginator):
    """Counts up to MOST_LISTED rows instead of the whole table."""

    @cached_property
    def count(self) -> int:
        rows: QuerySet[Any] = self.object_list  # type: ignore[assignment]
        return rows.order_by().values("pk")[:MOST_LISTED].count()


class SearchForm(ChangeListSearchForm):
    """Opens what SealedSearch has put into the address; a uid in a link of ours is not sealed."""

    def clean_q(self) -> str:
        given: str = self.cleaned_data[SEARCH_VAR]
        opened = opened_search(given, of=STAFF)
        return given if opened is None else opened


class SealedList(ChangeList):
    """A list whose addresses, those of its pages and filters too, tell nobody who is looked for."""

    search_form_class = SearchForm
    is_sealed = True


class NamelessLog(admin.ModelAdmin):
    """The admin's own log outlives people who are erased or leave, so it knows each row by its uid only.

    What was changed it tells by the names of fields, never by values.
    """

    def log_addition(self, request: HttpRequest, obj: Model, message: Any) -> LogEntry:
        return _logged(request, [obj], ADDITION, message)[0]

    def log_change(self, request: HttpRequest, obj: Model, message: Any) -> LogEntry:
        return _logged(request, [obj], CHANGE, message)[0]

    def log_deletions(self, request: HttpRequest, queryset: Iterable[Model]) -> list[LogEntry]:
        return _logged(request, queryset, DELETION, "")


def _logged(request: HttpRequest, rows: Iterable[Model], action: int, message: Any) -> list[LogEntry]:
    said = message if isinstance(message, str) else orjson.dumps(message, default=str).decode()
    return LogEntry.objects.bulk_create(
        LogEntry(
            user_id=cast(User, request.user).pk,
            content_type=ContentType.objects.get_for_model(row, for_concrete_model=False),
            object_id=row.pk,
            object_repr=str(getattr(row, "uid", row.pk)),
            action_flag=action,
            change_message=said,
        )
        for row in rows
    )


class SealedSearch(NamelessLog):
    """Staff look for people by number and address too, which stand in no log and no history: see tenants.pages."""

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return SealedList

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if SEARCH_VAR not in request.POST:
            return super().changelist_view(request, extra_context)
        return to_staff_search(request)


def to_staff_search(request: HttpRequest) -> HttpResponse:
    """From what a form of the admin has sent to the page that shows it; its other fields are filters of the list."""
    filters = {name: value for name, value in request.POST.items() if name not in (SEARCH_VAR, "csrfmiddlewaretoken")}
    sealed = sealed_search(request.POST.get(SEARCH_VAR, ""), of=STAFF)
    return redirect(f"{request.path}?{urlencode({**filters, SEARCH_VAR: sealed})}")


class BigTableAdmin(SealedSearch):
    """Lists that stay quick whatever the size of the table: no full counts, newest first, related rows joined."""

    show_full_result_count = False
    paginator = ShortPaginator
    list_per_page = 50
    ordering = ("-pk",)


class ReadOnlyAdmin(BigTableAdmin):
    """Rows that staff may look at, but nobody changes by hand."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Tenant)
class TenantAdmin(SealedSearch):
    list_display = ("name", "slug", "country", "is_active", "closed_at", "created_at")
    list_filter = ("is_active",)
    search_fields = ("slug", "name")
    readonly_fields = ("uid", "slug", "closed_at", "created_at")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """A closed company is opened again by `manage.py end_contract reopen` only."""
        return (*self.readonly_fields, "is_active") if obj and obj.closed_at else self.readonly_fields

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # `manage.py create_tenant` also makes the owner, the key and the pepper.

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # Ends a contract: the ledger is handed over first, then everything goes.


class NewUserForm(AdminUserCreationForm):
    class Meta:
        model = User
        fields = ("email", "name")


@admin.register(User)
class UserAdmin(SealedSearch, DjangoUserAdmin):
    add_form = NewUserForm
    list_display = ("email", "name", "is_staff", "is_active", "last_login")
    list_filter = ("is_staff", "is_active")
    search_fields = ("email", "name")
    ordering = ("email",)
    readonly_fields = ("last_login", "date_joined")
    fieldsets = (
        (None, {"fields": ("email", "name", "password")}),
        (_("Permissions"), {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")}),
        (_("Dates"), {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = ((None, {"fields": ("email", "name", "usable_password", "password1", "password2")}),)


@admin.register(Membership)
class MembershipAdmin(BigTableAdmin):
    list_display = ("user", "tenant", "role", "created_at")
    list_filter = ("role",)
    list_select_related = ("user", "tenant")
    # Chosen in their lists: what completes a field asks for whom staff type by an address.
    raw_id_fields = ("user", "tenant")
    search_fields = ("user__email", "tenant__slug")


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnlyAdmin):
    """Keys can be looked at and revoked; `manage.py create_api_key` issues one, because its secret is shown once."""

    list_display = ("name", "prefix", "tenant", "scopes", "last_used_at", "expires_at", "revoked_at")
    list_select_related = ("tenant", "created_by")
    search_fields = ("prefix__exact", "name", "tenant__slug")
    exclude = ("digest",)
    actions = ("revoke",)

    @admin.action(description=_("Revoke selected keys"), permissions=["revoke"])
    def revoke(self, request: HttpRequest, keys: QuerySet[ApiKey]) -> None:
        for key in keys:
            actions.revoke_key(key=key, by=request.user)  # type: ignore[arg-type]
        self.message_user(request, _("The keys were revoked."), messages.SUCCESS)

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("tenants.change_apikey")


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin):
    list_display = ("at", "tenant", "verb", "object_type", "object_name", "user", "api_key")
    list_select_related = ("tenant", "user", "api_key")
    search_fields = ("object_uid__exact", "verb__exact")


@admin.register(IdempotencyKey)
class IdempotencyKeyAdmin(ReadOnlyAdmin):
    list_display = ("key", "tenant", "status", "created_at")
    list_select_related = ("tenant",)
    search_fields = ("key__exact",)
    exclude = ("body",)


# These come with a search of their own, whose addresses would say who is looked for, and are logged by name.
admin.site.unregister([Group, EmailAddress, UserSession, Authenticator])


@admin.register(Group)
class SealedGroupAdmin(SealedSearch, GroupAdmin):
    """Staff's permissions, by group."""


@admin.register(EmailAddress)
class SealedEmailAddressAdmin(SealedSearch, EmailAddressAdmin):
    """The addresses with which people log in."""


@admin.register(UserSession)
class SealedUserSessionAdmin(SealedSearch, UserSessionAdmin):
    """Who is logged in, and from where."""

    # allauth's name a field that our users do not have.
    search_fields = ("user__email", "ip")


@admin.register(Authenticator)
class NamelessAuthenticatorAdmin(NamelessLog, AuthenticatorAdmin):
    """Second factors of the people who log in."""
