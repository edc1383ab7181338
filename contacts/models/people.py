"""Who a tenant knows, what names them, which program brought them, and what they did."""

import uuid
from datetime import datetime

from django.db import models
from django.db.models import Q
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Coalesce, Concat, Left, NullIf, Trim, Upper
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _

from tenants.fields import TenantForeignKey, owner

E164 = r"^\+[1-9][0-9]{6,14}$"
LONGEST_NAME = 200


class Program(models.Model):
    """A program (an API key) that has brought people, and what was said about whether they know whence their data come.

    Art. 14 GDPR; consent.rights.informing watches the month.
    """

    tenant = owner("programs")
    uid = models.UUIDField(default=uuid.uuid4, editable=False)
    api_key = TenantForeignKey("tenants.ApiKey", on_delete=models.CASCADE, db_index=False, related_name="programs")
    # Said once and for all: its people gave their data themselves and could read the privacy notice there (Art. 13).
    notice_at = models.DateTimeField(null=True, blank=True)
    # When somebody last said that all whom it has brought were told.
    informed_at = models.DateTimeField(null=True, blank=True)
    # Contacts up to this id know, or their time is long over: the nightly look goes on after them. Below 0 it begins
    # anew, because somebody of a lower id has come to the program (contacts.0019).
    known_upto = models.BigIntegerField(default=0, db_default=0)
    # When it looked last and what it found: how many at least do not know yet, since when the first of them is here.
    looked_at = models.DateTimeField(null=True, blank=True)
    untold = models.IntegerField(default=0, db_default=0)
    untold_since = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=now, db_default=models.functions.Now(), editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "uid"], name="program_uid"),
            models.UniqueConstraint(fields=["tenant", "api_key"], name="one_program_per_key"),
        ]

    def __str__(self) -> str:
        return self.api_key.name


class Contact(models.Model):
    """A person a tenant knows by phone, WhatsApp's business-scoped user id (BSUID), e-mail or the shop's own id."""

    tenant = owner("contacts")
    uid = models.UUIDField(default=uuid.uuid4, editable=False)
    # Names the person in the consent ledger and nowhere else, so that erasure leaves the ledger anonymous.
    subject_id = models.UUIDField(default=uuid.uuid4, editable=False)
    phone = models.CharField(_("phone"), max_length=16, null=True, blank=True)
    bsuid = models.CharField("BSUID", max_length=160, null=True, blank=True)
    email = models.EmailField(_("e-mail"), null=True, blank=True)
    external_id = models.CharField(_("customer number"), max_length=100, null=True, blank=True)
    first_name = models.CharField(_("first name"), max_length=100, blank=True, db_default="")
    last_name = models.CharField(_("last name"), max_length=100, blank=True, db_default="")
    language = models.CharField(_("language"), max_length=5, blank=True, db_default="")
    country = models.CharField(_("country"), max_length=2, blank=True, db_default="")
    postcode = models.CharField(_("postcode"), max_length=10, blank=True, db_default="")
    birthday = models.DateField(_("birthday"), null=True, blank=True)
    attributes = models.JSONField(_("attributes"), default=dict, blank=True, db_default={})
    # Art. 18 GDPR: storage only; excluded from campaigns and exports.
    restricted_at = models.DateTimeField(null=True, blank=True)
    # Set when the number was given away; once its next owner is known, the contact goes on without it.
    phone_invalid_at = models.DateTimeField(null=True, blank=True)
    # Messages in a row that could not be delivered (131026); from the third on the person gets no more, until something
    # arrives all the same or they write.
    undelivered = models.SmallIntegerField(default=0, db_default=0, editable=False)
    unreachable_since = models.DateTimeField(null=True, blank=True, editable=False)
    # Which program brought the person; empty for all who came another way.
    program = TenantForeignKey(
        Program, null=True, blank=True, on_delete=models.SET_NULL, db_index=False, editable=False, related_name="people"
    )
    created_at = models.DateTimeField(default=now, db_default=models.functions.Now(), editable=False)
    updated_at = models.DateTimeField(default=now, db_default=models.functions.Now(), editable=False)
    # `name` and the last name as the search compares them. Columns, because row-level security keeps an index over
    # upper(…) out of index conditions; in the collation "C", in which what begins with a text lies between two texts.
    # Cut, because an index holds no more than 2,704 bytes, and an attribute may have a thousand characters.
    search_name = models.GeneratedField(
        expression=Left(
            Upper(
                Coalesce(
                    NullIf(Trim(Concat("first_name", models.Value(" "), "last_name")), models.Value("")),
                    KeyTextTransform("whatsapp_name", "attributes"),
                    models.Value(""),
                )
            ),
            LONGEST_NAME,
        ),
        output_field=models.TextField(db_collation="C"),
        db_persist=True,
    )
    search_last_name = models.GeneratedField(
        expression=Upper("last_name"), output_field=models.TextField(db_collation="C"), db_persist=True
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "uid"], name="contact_uid"),
            models.UniqueConstraint(fields=["tenant", "subject_id"], name="contact_subject"),
            models.UniqueConstraint(fields=["tenant", "phone"], name="one_contact_per_phone"),
            models.UniqueConstraint(fields=["tenant", "bsuid"], name="one_contact_per_bsuid"),
            models.UniqueConstraint(fields=["tenant", "external_id"], name="one_contact_per_external_id"),
            models.CheckConstraint(
                name="contact_has_or_had_an_identity",
                condition=Q(phone__isnull=False)
                | Q(bsuid__isnull=False)
                | Q(email__isnull=False)
                | Q(external_id__isnull=False)
                | Q(phone_invalid_at__isnull=False),
            ),
            models.CheckConstraint(name="contact_phone_is_e164", condition=Q(phone__regex=E164)),
        ]
        # E-mails are stored in lower case. An index over lower(email) would never be used: lower() is not leakproof, so
        # row-level security keeps it out of index conditions.
        indexes = [
            models.Index(fields=["tenant", "email"], name="contact_by_email_address"),
            models.Index(fields=["tenant", "id"], name="contact_not_delivered_to", condition=Q(undelivered__gt=0)),
            models.Index(fields=["tenant", "search_name"], name="contact_by_name"),
            models.Index(fields=["tenant", "search_last_name"], name="contact_by_last_name"),
            models.Index(
                fields=["tenant", "program", "id"], name="contact_by_program", condition=Q(program__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.phone or self.email or self.external_id or str(self.uid)

    @property
    def name(self) -> str:
        """First and last name, else the name the person goes by in WhatsApp, else ""."""
        return f"{self.first_name} {self.last_name}".strip() or str(self.attributes.get("whatsapp_name", ""))

    @property
    def brought_by(self) -> str:
        """The name of the program that brought the person, "" for all who came another way."""
        return str(self.program or "")

    @property
    def not_reached_since(self) -> datetime | None:
        """Since when messages to the number are known not to reach the person, if they do not."""
        return self.phone_invalid_at or self.unreachable_since

    @property
    def audit_name(self) -> str:
        """The audit trail outlives an erasure, so it knows contacts by uid only."""
        return str(self.uid)


class Identity(models.Model):
    """A keyed hash of something that names a contact, so that a suppression is found without storing the value.

    HMAC-SHA256 with the tenant's pepper: plain hashes of phone numbers can be reversed by trying them all.
    """

    class Kind(models.TextChoices):
        PHONE = "phone"
        BSUID = "bsuid"
        EMAIL = "email"

    tenant = owner("identities")
    contact = TenantForeignKey(Contact, on_delete=models.CASCADE, related_name="identities")
    kind = models.CharField(max_length=5, choices=Kind.choices)
    digest = models.BinaryField()
    valid_to = models.DateTimeField(null=True, blank=True)
    # Of an address: when the person last proved that it is theirs. What an import or a stranger typed proves nothing.
    proven_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "contact", "kind", "digest"], name="identity_once_per_contact")
        ]
        indexes = [models.Index(fields=["tenant", "digest"], name="identity_by_digest")]

    def __str__(self) -> str:
        return f"{self.kind} of {self.contact_id}"


class Event(models.Model):
    """Something a contact did in a shop, an app or a store: an order, a cart, a view, anything."""

    ORDER_PLACED = "order_placed"
    ORDER_REFUNDED = "order_refunded"
    TOPIC_JOINED = "topic_joined"
    TOPIC_LEFT = "topic_left"

    tenant = owner("events")
    uid = models.UUIDField(default=uuid.uuid4, editable=False)
    contact = TenantForeignKey(Contact, on_delete=models.CASCADE, related_name="events")
    # The sender's id: the same event sent twice is stored once.
    event_id = models.CharField(max_length=100)
    name = models.CharField(max_length=60)
    occurred_at = models.DateTimeField()
    # The net amount of an order (refunds are positive too, the name tells the direction).
    value = models.DecimalField(max_digits=14, decimal_places=2, null=True, blank=True)
    currency = models.CharField(max_length=3, blank=True, db_default="")
    order_id = models.CharField(max_length=100, blank=True, db_default="")
    properties = models.JSONField(default=dict, blank=True, db_default={})
    received_at = models.DateTimeField(default=now, db_default=models.functions.Now(), editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "event_id"], name="event_once"),
            models.CheckConstraint(name="event_value_is_not_negative", condition=Q(value=None) | Q(value__gte=0)),
        ]
        indexes = [
            # With what segments count and add up, so that they read the index alone: twice as fast at ten million.
            models.Index(
                fields=["tenant", "name", "occurred_at"], include=["contact", "value"], name="event_by_name_with_value"
            ),
            models.Index(fields=["tenant", "order_id"], name="event_by_order", condition=~Q(order_id="")),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.event_id}"
