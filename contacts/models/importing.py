"""Imports, their lines, and what became of each."""

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _

from contacts.models.groups import ContactList
from tenants.fields import TenantForeignKey, owner


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
