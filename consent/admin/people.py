"""Django admin of contacts, for staff who look after a company's data; changes go through the same actions as all.

Here and not with the contacts, because what proves their consent has to be locked away when one is deleted.
"""

from contextlib import suppress
from typing import Any, cast

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from consent.actions import people
from contacts import actions, phones
from contacts.actions import ContactData
from contacts.actions.batches import RESTRICTED
from contacts.actions.values import cleaned
from contacts.models import Contact
from tenants.admin import BigTableAdmin
from tenants.models import User

NAMING = ("tenant", "uid", "subject_id", "phone", "bsuid", "email", "external_id")
EDITABLE = ("first_name", "last_name", "language", "country", "postcode", "birthday")
TOLD = (
    "attributes",
    "restricted_at",
    "phone_invalid_at",
    "undelivered",
    "unreachable_since",
    "program",
    "created_at",
    "updated_at",
)


class ContactForm(forms.ModelForm):
    """The plain fields; what names a person changes over dashboard and API, where its consequences are shown."""

    class Meta:
        model = Contact
        fields = EDITABLE

    def clean(self) -> dict[str, Any]:
        if self.instance.restricted_at:
            raise forms.ValidationError(RESTRICTED)
        values = {name: value for name, value in self.cleaned_data.items() if name in EDITABLE}
        _data, errors = cleaned(self.instance.tenant, ContactData(values))
        for name, texts in errors.items():
            self.add_error(name, cast(Any, texts))
        return self.cleaned_data


@admin.register(Contact)
class ContactAdmin(BigTableAdmin):
    form = ContactForm
    list_display = ("__str__", "phone", "email", "external_id", "tenant", "created_at", "restricted_at")
    list_select_related = ("tenant",)
    search_fields = ("phone__exact", "email__exact", "external_id__exact", "bsuid__exact")
    search_help_text = "Phone, e-mail, customer number or BSUID, complete."
    fields = (*NAMING, *EDITABLE, *TOLD)
    readonly_fields = (*NAMING, *TOLD)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Contact | None = None) -> bool:
        return super().has_delete_permission(request, obj) and (obj is None or not people.why_kept(obj))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Contact], search_term: str
    ) -> tuple[QuerySet[Contact], bool]:
        """Phones are found however they are written, e-mails in any case."""
        term = phones.normalise(search_term) or search_term.strip()
        return super().get_search_results(request, queryset, term.lower() if "@" in term else term)

    def save_model(self, request: HttpRequest, obj: Contact, form: Any, change: bool) -> None:
        values = {name: form.cleaned_data[name] for name in form.changed_data}
        actions.patch(contact=obj, data=ContactData(values), by=cast(User, request.user))

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> tuple[Any, Any, set[str], Any]:
        """What goes with a contact cannot be deleted by itself, so it needs no permission of its own."""
        listed, counts, _needed, protected = super().get_deleted_objects(objs, request)
        return listed, counts, set(), protected

    def delete_model(self, request: HttpRequest, obj: Contact) -> None:
        people.delete(contact=obj, by=cast(User, request.user))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Contact]) -> None:
        for contact in queryset.select_related("tenant"):
            with suppress(people.Kept):
                people.delete(contact=contact, by=cast(User, request.user))
