"""Contacts over the REST API: list, upsert, read, change, delete, and thousands at once.

Here and not with the contacts, because a changed number ends what was agreed for the old one.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import django_filters
from django.db.models import QuerySet
from django.urls import path
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from consent.actions import people
from contacts import queries
from contacts.actions import Upserted
from contacts.api.shapes import BulkIn, BulkOut, ContactIn, ContactOut, data_of
from contacts.models import Contact
from tenants.problems import Conflict
from tenants.rest import TenantViewSet


class ContactFilter(django_filters.FilterSet):
    search = django_filters.CharFilter(
        method="by_search", help_text="The start of a name or e-mail, digits of a phone, or a customer number."
    )
    tag = django_filters.CharFilter("contact_tags__tag__name", "iexact", help_text="A tag's name.")
    list = django_filters.UUIDFilter("list_members__list__uid", help_text="A list's uid.")
    updated_since = django_filters.IsoDateTimeFilter("updated_at", "gte")

    def by_search(self, contacts: QuerySet[Contact], name: str, value: str) -> QuerySet[Contact]:
        return queries.search(contacts, value, self.request.tenant.country)


class ContactViewSet(TenantViewSet):
    """The people of a tenant."""

    scope_noun = "contacts"
    serializer_class = ContactOut
    filterset_class = ContactFilter

    def get_queryset(self) -> QuerySet[Contact]:
        return queries.with_tags(self.tenant.contacts.all())

    def list(self, request: Request) -> Response:
        """All contacts, newest first."""
        return self.page(self.get_queryset())

    @extend_schema(request=ContactIn, responses={200: ContactOut, 201: ContactOut})
    def create(self, request: Request) -> Response:
        """Create a contact, or change the one that has this phone, external_id or bsuid: 201 or 200. Tags are added.

        Who is created has to know within a month where you have their data from (Art. 14 GDPR); `programs/` watches it.

        Another phone number ends the consent to WhatsApp and SMS, which the person gave for the old one; a no stays.
        """
        [answer] = people.upsert(tenant=self.tenant, rows=[data_of(self.given(ContactIn))], by=self.key)
        if answer.contact is None:
            raise serializers.ValidationError(answer.errors)
        return self._answer(answer.contact, 201 if answer.outcome == "created" else 200)

    def retrieve(self, request: Request, uid: UUID) -> Response:
        """One contact."""
        return Response(ContactOut(self.get_object()).data)

    @extend_schema(request=ContactIn, responses=ContactOut)
    def partial_update(self, request: Request, uid: UUID) -> Response:
        """Change some fields of a contact; null empties one, and `tags` replaces all tags the contact has.

        Another phone number ends the consent to WhatsApp and SMS, which the person gave for the old one; a no stays.
        """
        contact = self.get_object()
        values = self.given(ContactIn)
        return self._answer(
            people.patch(contact=contact, data=data_of(values), by=self.key, replaces_tags="tags" in values)
        )

    @extend_schema(responses={204: OpenApiResponse(description="Deleted.")})
    def destroy(self, request: Request, uid: UUID) -> Response:
        """Delete a contact with its tags, list entries and events; messages stay in reports, without the person.

        A no stays on the suppression list, and proofs of consent are locked away for their years. Import files and raw
        webhooks that name the person go after 30 days; `erase/` deletes them at the person's wish at once.

        409 for somebody whose processing is restricted to storage (Art. 18 GDPR) or who has asked about their data and
        is not answered yet.
        """
        try:
            people.delete(contact=self.get_object(), by=self.key)
        except people.Kept as refusal:
            raise Conflict(str(refusal)) from None
        return Response(status=204)

    @extend_schema(request=BulkIn, responses=BulkOut)
    def bulk(self, request: Request) -> Response:
        """Create or change up to 10,000 contacts; every row gets its own answer, good rows are stored, tags added.

        Another phone number ends the consent to WhatsApp and SMS, as with a single contact.
        """
        answers = self._put_rows(self.given(BulkIn)["contacts"])
        counts = Counter(answer.outcome for answer in answers)
        results = [_result(index, answer) for index, answer in enumerate(answers)]
        outcomes = ("created", "updated", "unchanged", "rejected")
        return Response({**{outcome: counts[outcome] for outcome in outcomes}, "results": results})

    def _put_rows(self, rows: Sequence[Any]) -> Sequence[Upserted]:
        checked = [_checked(row, reader) for reader in [ContactIn()] for row in rows]
        good = [data_of(row) for row in checked if isinstance(row, dict)]
        stored = iter(people.upsert(tenant=self.tenant, rows=good, by=self.key))
        return [next(stored) if isinstance(row, dict) else row for row in checked]

    def _answer(self, contact: Contact, status: int = 200) -> Response:
        return Response(ContactOut(self.get_queryset().get(pk=contact.pk)).data, status=status)


def _checked(row: Any, reader: ContactIn) -> dict[str, Any] | Upserted:
    """The row's validated values, or its rejection. One reader serves all rows: making one costs more than a row."""
    try:
        return dict(reader.run_validation(row))
    except serializers.ValidationError as error:
        detail: Any = error.detail
        return Upserted(None, "rejected", detail if isinstance(detail, dict) else {"non_field_errors": detail})


def _result(index: int, answer: Upserted) -> dict[str, Any]:
    uid = answer.contact.uid if answer.contact else None
    return {"index": index, "outcome": answer.outcome, "uid": uid, "errors": answer.errors}


api_urls = [
    path("contacts/", ContactViewSet.as_view({"get": "list", "post": "create"}), name="contacts"),
    path("contacts/bulk/", ContactViewSet.as_view({"post": "bulk"}), name="contacts-bulk"),
    path(
        "contacts/<uuid:uid>/",
        ContactViewSet.as_view({"get": "retrieve", "patch": "partial_update", "delete": "destroy"}),
        name="contact",
    ),
]
