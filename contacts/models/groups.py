"""Tags and lists, and who is on them."""

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _

from contacts.models.people import Contact
from tenants.fields import TenantForeignKey, owner


class Tag(models.Model):
    tenant = owner("tags")
    uid = models.UUIDField(default=uuid.uuid4, editable=False)
    name = models.CharField(_("name"), max_length=60)
    # What it was called before: it still tells the same of people.
    former_names = ArrayField(models.CharField(max_length=100), default=list, db_default=[], blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "uid"], name="tag_uid"),
            models.UniqueConstraint("tenant", Lower("name"), name="one_tag_per_name"),
        ]

    def __str__(self) -> str:
        return self.name


class ContactTag(models.Model):
    tenant = owner("contact_tags")
    contact = TenantForeignKey(Contact, on_delete=models.CASCADE, related_name="contact_tags")
    tag = TenantForeignKey(Tag, on_delete=models.CASCADE, related_name="contact_tags")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "tag", "contact"], name="tag_once_per_contact")]

    def __str__(self) -> str:
        return f"{self.tag_id} on {self.contact_id}"


class ContactList(models.Model):
    """A list a marketer keeps by hand or by import, as opposed to a segment, which is computed."""

    tenant = owner("lists")
    uid = models.UUIDField(default=uuid.uuid4, editable=False)
    name = models.CharField(_("name"), max_length=100)
    description = models.TextField(_("description"), blank=True)
    # As of a tag.
    former_names = ArrayField(models.CharField(max_length=100), default=list, db_default=[], blank=True)
    # A topic that people join and leave themselves, under a title of its own; it is never a consent.
    is_topic = models.BooleanField(_("is a topic"), default=False, db_default=False)
    title_de = models.CharField(_("title in German"), max_length=60, blank=True, default="", db_default="")
    title_en = models.CharField(_("title in English"), max_length=60, blank=True, default="", db_default="")
    created_at = models.DateTimeField(default=now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "uid"], name="list_uid"),
            models.UniqueConstraint("tenant", Lower("name"), name="one_list_per_name"),
            models.CheckConstraint(name="topic_has_a_title", condition=Q(is_topic=False) | ~Q(title_de="")),
        ]

    def __str__(self) -> str:
        return self.name

    def title(self, language: str) -> str:
        """What people read of a topic; the German title where there is no other."""
        return (self.title_en if language == "en" else "") or self.title_de


class ListMember(models.Model):
    tenant = owner("list_members")
    list = TenantForeignKey(ContactList, on_delete=models.CASCADE, related_name="members")
    contact = TenantForeignKey(Contact, on_delete=models.CASCADE, related_name="list_members")
    added_at = models.DateTimeField(default=now, db_default=models.functions.Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "list", "contact"], name="contact_once_per_list")]

    def __str__(self) -> str:
        return f"{self.contact_id} in {self.list_id}"
