"""Lists and tags over the REST API, and who is on them."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.urls import path
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from contacts import actions, queries
from contacts.api.shapes import Members, MembersChanged
from contacts.models import Contact, ContactList, Tag
from tenants.problems import Conflict
from tenants.rest import StrictSerializer, TenantViewSet

DELETED = {204: OpenApiResponse(description="Deleted.")}


class ListIn(StrictSerializer):
    name = serializers.CharField(max_length=100)
    description = serializers.CharField(required=False, allow_blank=True, max_length=2000)
    is_topic = serializers.BooleanField(
        required=False, help_text="People join and leave it themselves; that is a preference and never a consent."
    )
    title_de = serializers.CharField(
        required=False, allow_blank=True, max_length=60, help_text="What people read of a topic, which needs it."
    )
    title_en = serializers.CharField(required=False, allow_blank=True, max_length=60)


class ListOut(serializers.Serializer[ContactList]):
    uid = serializers.UUIDField()
    name = serializers.CharField()
    description = serializers.CharField()
    is_topic = serializers.BooleanField()
    title_de = serializers.CharField()
    title_en = serializers.CharField()
    members = serializers.IntegerField(source="member_count", help_text="How many contacts are on the list.")
    created_at = serializers.DateTimeField()


class TagIn(StrictSerializer):
    name = serializers.CharField(max_length=60)


class TagOut(serializers.Serializer[Tag]):
    uid = serializers.UUIDField()
    name = serializers.CharField()


class GroupViewSet(TenantViewSet):
    """What lists and tags have in common: a name, and contacts that come and go."""

    scope_noun = "contacts"

    def retrieve(self, request: Request, uid: UUID) -> Response:
        return self._answer(self.get_object())

    def _answer(self, group: Any, status: int = 200) -> Response:
        stored = self.get_queryset().get(pk=group.pk)
        return Response(self.get_serializer(stored).data, status=status)

    def _people(self) -> tuple[QuerySet[Contact], dict[str, list[UUID]]]:
        """The contacts that the request names by uid, and those uids with which nothing happens, by the reason."""
        uids = self.given(Members)["contacts"]
        people = self.tenant.contacts.filter(uid__in=uids)
        known = dict(people.values_list("uid", "restricted_at"))
        left = {
            "unknown": [uid for uid in uids if uid not in known],
            "restricted": [uid for uid in uids if known.get(uid)],
        }
        return people, left


class ListViewSet(GroupViewSet):
    """Lists: groups of contacts kept by hand, import or program."""

    serializer_class = ListOut

    def get_queryset(self) -> QuerySet[ContactList]:
        lists: QuerySet[ContactList] = queries.with_member_count(self.tenant.lists.all())
        return lists

    def list(self, request: Request) -> Response:
        """All lists, newest first."""
        return self.page(self.get_queryset())

    @extend_schema(request=ListIn, responses={201: ListOut})
    def create(self, request: Request) -> Response:
        """Create an empty list, or a topic."""
        return self._answer(actions.create_list(tenant=self.tenant, by=self.key, **self.given(ListIn)), 201)

    @extend_schema(request=ListIn, responses=ListOut)
    def partial_update(self, request: Request, uid: UUID) -> Response:
        """Rename or describe a list, or make it a topic or none; who is on it stays."""
        contact_list, given = self.get_object(), self.given(ListIn, partial=True)
        return self._answer(actions.update_list(contact_list=contact_list, by=self.key, **given))

    @extend_schema(responses=DELETED)
    def destroy(self, request: Request, uid: UUID) -> Response:
        """Delete a list, not its contacts; 409 while a campaign uses it."""
        try:
            actions.delete_list(contact_list=self.get_object(), by=self.key)
        except actions.ListInUse as refusal:
            raise Conflict(str(refusal)) from None
        return Response(status=204)

    @extend_schema(request=Members, responses=MembersChanged)
    def add(self, request: Request, uid: UUID) -> Response:
        """Put contacts on a list; those on it already stay."""
        contact_list, (people, left) = self.get_object(), self._people()
        changed = actions.add_members(contact_list=contact_list, contacts=people, by=self.key)
        return Response({"changed": changed, **left})

    @extend_schema(request=Members, responses=MembersChanged)
    def remove(self, request: Request, uid: UUID) -> Response:
        """Take contacts off a list."""
        contact_list, (people, left) = self.get_object(), self._people()
        changed = actions.remove_members(contact_list=contact_list, contacts=people, by=self.key)
        return Response({"changed": changed, **left})


class TagViewSet(GroupViewSet):
    """Tags: short words on contacts."""

    serializer_class = TagOut

    def get_queryset(self) -> QuerySet[Tag]:
        tags: QuerySet[Tag] = self.tenant.tags.all()
        return tags

    def list(self, request: Request) -> Response:
        """All tags, newest first."""
        return self.page(self.get_queryset())

    @extend_schema(request=TagIn, responses={201: TagOut})
    def create(self, request: Request) -> Response:
        """Create a tag."""
        return self._answer(actions.create_tag(tenant=self.tenant, by=self.key, **self.given(TagIn)), 201)

    @extend_schema(request=TagIn, responses=TagOut)
    def partial_update(self, request: Request, uid: UUID) -> Response:
        """Rename a tag; contacts and segments keep it."""
        return self._answer(actions.rename_tag(tag=self.get_object(), by=self.key, **self.given(TagIn)))

    @extend_schema(responses=DELETED)
    def destroy(self, request: Request, uid: UUID) -> Response:
        """Delete a tag and take it off every contact."""
        actions.delete_tag(tag=self.get_object(), by=self.key)
        return Response(status=204)

    @extend_schema(request=Members, responses=MembersChanged)
    def add(self, request: Request, uid: UUID) -> Response:
        """Put a tag on contacts."""
        tag, (people, left) = self.get_object(), self._people()
        changed = actions.add_tags(tenant=self.tenant, contacts=people, names=[tag.name], by=self.key)
        return Response({"changed": changed, **left})

    @extend_schema(request=Members, responses=MembersChanged)
    def remove(self, request: Request, uid: UUID) -> Response:
        """Take a tag off contacts."""
        tag, (people, left) = self.get_object(), self._people()
        changed = actions.remove_tags(tag=tag, contacts=people, by=self.key)
        return Response({"changed": changed, **left})


CRUD: dict[str, Any] = {"get": "retrieve", "patch": "partial_update", "delete": "destroy"}
api_urls = [
    path("lists/", ListViewSet.as_view({"get": "list", "post": "create"}), name="lists"),
    path("lists/<uuid:uid>/", ListViewSet.as_view(CRUD), name="list"),
    path("lists/<uuid:uid>/add/", ListViewSet.as_view({"post": "add"}), name="list-add"),
    path("lists/<uuid:uid>/remove/", ListViewSet.as_view({"post": "remove"}), name="list-remove"),
    path("tags/", TagViewSet.as_view({"get": "list", "post": "create"}), name="tags"),
    path("tags/<uuid:uid>/", TagViewSet.as_view(CRUD), name="tag"),
    path("tags/<uuid:uid>/add/", TagViewSet.as_view({"post": "add"}), name="tag-add"),
    path("tags/<uuid:uid>/remove/", TagViewSet.as_view({"post": "remove"}), name="tag-remove"),
]
