"""People and what they did: contacts, their identities, tags, lists, events, and imports."""

import uuid
from datetime import datetime

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Coalesce, Concat, Lower, NullIf, Trim, Upper
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _

from tenants.fields import TenantForeignKey, owner

E164 = r"^\+[1-9][0-9]{6,14}$"


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
    # Contacts up to this id know, or their time is long over: the nightly look goes on after them.
    known_upto = models.BigIntegerField(default=0, db_default=0)
    # What it found: how many at least do not know yet, and since when the first of them is here.
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
    # Set when the number was given away (number change).
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
    search_name = models.GeneratedField(
        expression=Upper(
            Coalesce(
                NullIf(Trim(Concat("first_name", models.Value(" "), "last_name")), models.Value("")),
                KeyTextTransform("whatsapp_name", "attributes"),
                models.Value(""),
            )
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
                name="contact_has_an_identity",
                condition=Q(phone__isnull=False)
                | Q(bsuid__isnull=False)
                | Q(email__isnull=False)
                | Q(external_id__isnull=False),
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


class Import(models.Model):
    """A file of contacts on its way in: uploaded, checked (dry run), run, counted."""

    class State(models.TextChoices):
        UPLOADED = "uploaded", _("Uploaded")
        CHECKING = "checking", _("Checking")
        CHECKED = "checked", _("Checked")
        RUNNING = "running", _("Running")
        FINISHED = "finished", _("Finished")
        CANCELLED = "cancelled", _("Cancelled")
        FAILED = "failed", _("Failed")

    tenant = owner("imports")
    uid = models.UUIDField(default=uuid.uuid4, editable=False)
    file = models.FileField(upload_to="imports/%Y/%m/")
    filename = models.CharField(max_length=200)
    sha256 = models.CharField(max_length=64)
    state = models.CharField(max_length=10, choices=State.choices, default=State.UPLOADED)
    is_dry_run = models.BooleanField(default=False)
    # What was detected, and may be corrected by the user.
    encoding = models.CharField(max_length=20, blank=True)
    delimiter = models.CharField(max_length=1, blank=True)
    headers = ArrayField(models.CharField(max_length=200), default=list)
    # {"<column header>": "phone" | "first_name" | "attribute:<name>" | "tags" | "consent.at" | … | ""}
    mapping = models.JSONField(default=dict)
    default_country = models.CharField(max_length=2, default="DE")
    tags = ArrayField(models.CharField(max_length=60), default=list, blank=True)
    list = TenantForeignKey(ContactList, null=True, blank=True, on_delete=models.SET_NULL, related_name="imports")
    # Progress: lines are file lines without the header; a killed worker goes on from `staged_bytes`.
    rows_total = models.IntegerField(default=0)
    rows_staged = models.IntegerField(default=0)
    staged_bytes = models.BigIntegerField(default=0)
    rows_done = models.IntegerField(default=0)
    created = models.IntegerField(default=0)
    updated = models.IntegerField(default=0)
    unchanged = models.IntegerField(default=0)
    rejected = models.IntegerField(default=0)
    # {"invalid_phone": 12, "duplicate_in_file": 3, …} and what consent made of the proof columns.
    reasons = models.JSONField(default=dict)
    consent_counts = models.JSONField(default=dict)
    error = models.TextField(blank=True)
    created_by = models.ForeignKey("tenants.User", null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=now, editable=False)
    # Renewed while a worker is at it; an expired lease lets another one go on.
    leased_until = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    # When it first brought somebody new, and when somebody said that they know whence their data come (Art. 14 GDPR).
    brought_at = models.DateTimeField(null=True, blank=True)
    informed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "uid"], name="import_uid")]

    def __str__(self) -> str:
        return self.filename

    @property
    def audit_name(self) -> str:
        """A file may be named after a person, and the audit trail outlives an erasure."""
        return str(self.uid)

    @property
    def is_forgotten(self) -> bool:
        """Whether file and rejected lines were deleted because their time was over."""
        return not self.file


class StagedRow(models.Model):
    """One line of a file being imported, cleaned, with its fate; unlogged, deleted when the import is over."""

    tenant = owner("staged_rows", db_constraint=False)
    # Without an index of its own: staged_line_once begins with it, and a million lines would each pay for a second one.
    imported = models.ForeignKey(
        Import, on_delete=models.CASCADE, db_constraint=False, db_index=False, related_name="staged_rows"
    )
    line = models.IntegerField()
    phone = models.CharField(max_length=16, null=True)
    bsuid = models.CharField(max_length=160, null=True)
    email = models.CharField(max_length=254, null=True)
    external_id = models.CharField(max_length=100, null=True)
    # Only the columns the file has; a missing key leaves the contact's value alone.
    values = models.JSONField(default=dict)
    consent = models.JSONField(null=True)
    contact_id = models.BigIntegerField(null=True)
    # "rejected" on lines that cannot be imported but say no: only that counts. Empty on all others.
    outcome = models.CharField(max_length=30, db_default="")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "imported", "line"], name="staged_line_once")]

    def __str__(self) -> str:
        return f"line {self.line}"


class RejectedRow(models.Model):
    """A line that could not be imported, with the reason, for the downloadable list; kept 30 days."""

    tenant = owner("rejected_rows")
    imported = TenantForeignKey(Import, on_delete=models.CASCADE, related_name="rejected_rows")
    line = models.IntegerField()
    reason = models.CharField(max_length=30)
    column = models.CharField(max_length=200, blank=True)
    cells = models.JSONField(default=list)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "imported", "line"], name="rejected_line_once")]

    def __str__(self) -> str:
        return f"line {self.line}: {self.reason}"


class NotedRow(models.Model):
    """A line that was imported while the consent it claims was not recorded, with the reason; kept 30 days."""

    tenant = owner("noted_rows")
    imported = TenantForeignKey(Import, on_delete=models.CASCADE, related_name="noted_rows")
    line = models.IntegerField()
    reason = models.CharField(max_length=30)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "imported", "line"], name="noted_line_once")]

    def __str__(self) -> str:
        return f"line {self.line}: {self.reason}"
