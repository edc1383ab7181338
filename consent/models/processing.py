"""Controller and processor: the contract between them (Art. 28 GDPR), who else processes, and breaches (Art. 33)."""

import uuid
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from tenants.fields import TenantForeignKey, owner
from tenants.models import Tenant

NOTICE = timedelta(days=30)


class Agreement(models.Model):
    """One acceptance of the data processing agreement, with the very text; append-only.

    All of them together are the operator's register of whom it processes data for (Art. 30 (2) GDPR).
    """

    tenant = owner("agreements")
    uid = models.UUIDField(default=uuid.uuid4, editable=False)
    version = models.CharField(max_length=20)
    language = models.CharField(max_length=2)
    text = models.TextField()
    sha256 = models.CharField(max_length=64)
    # Who signs for the company, as they entered it; the login beside it. Both empty: the operator entered it, and named
    # nobody.
    signer = models.CharField(_("name"), max_length=200, blank=True)
    position = models.CharField(_("position"), max_length=200, blank=True)
    accepted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+"
    )
    accepted_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "uid"], name="agreement_uid")]

    def __str__(self) -> str:
        return f"{self.tenant_id} · {self.version}"


class EndedContract(models.Model):
    """That a company was here until its contract ended: with its agreements, and what was deleted when.

    The operator's own register (Art. 30 (2) GDPR), which outlives the company; deploy/end_contract.sh writes it. Knows
    no people of the company's, and keeps the names of its files only until they are deleted.
    """

    company_id = models.BigIntegerField(unique=True)
    company_uid = models.UUIDField(unique=True)
    slug = models.CharField(max_length=50)
    name = models.CharField(max_length=200)
    began_at = models.DateTimeField()
    closed_at = models.DateTimeField()
    # Each with its version, text and hash, and who accepted it when.
    agreements = models.JSONField(default=list)
    # WhatsApp's ids of its accounts and numbers: what Meta still sends about them is dropped.
    names = ArrayField(models.CharField(max_length=40), default=list)
    deleted_at = models.DateTimeField()
    # Rows by table.
    deleted = models.JSONField(default=dict)
    files = ArrayField(models.CharField(max_length=200), default=list)
    files_deleted = models.IntegerField(default=0)

    class Meta:
        indexes = [models.Index(fields=["slug"], name="ended_contract_by_slug")]

    def __str__(self) -> str:
        return f"{self.name} ({self.deleted_at:%Y-%m-%d})"


class SubProcessor(models.Model):
    """Somebody else who processes data for the operator, announced to all companies before it begins (CG-50)."""

    name = models.CharField(_("name"), max_length=200)
    address = models.CharField(_("address"), max_length=300)
    country = models.CharField(_("country"), max_length=2)
    purpose = models.CharField(_("what for"), max_length=300)
    # For countries outside of the EEA: which of Art. 45-49 GDPR it rests on.
    safeguard = models.CharField(_("safeguard"), max_length=300, blank=True)
    active_from = models.DateField(_("from"))
    ended_on = models.DateField(_("until"), null=True, blank=True)
    announced_at = models.DateTimeField(_("announced"), null=True, editable=False)

    class Meta:
        verbose_name = _("sub-processor")
        verbose_name_plural = _("sub-processors")
        constraints = [models.UniqueConstraint(fields=["name", "active_from"], name="sub_processor_by_name_and_day")]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Announced 30 days before it begins (clause 6 of the contract), unless there is nobody yet to be told.

        What was announced may be corrected. The database refuses the same (0025_notice).
        """
        if self.announced_at or not self.active_from or not Tenant.objects.exists():
            return
        first = timezone.localdate() + NOTICE
        if self.active_from < first:
            told = _("Companies are told 30 days before: %(day)s at the earliest.") % {"day": first.isoformat()}
            raise ValidationError({"active_from": told})


class Processor(models.Model):
    """Somebody who processes data for a company under a contract of its own, beside the operator (Art. 28 GDPR, M-51).

    An agency, a shop, a printer: only the company knows them. They are recipients in its record of Art. 30.
    """

    tenant = owner("processors")
    uid = models.UUIDField(default=uuid.uuid4, editable=False)
    name = models.CharField(_("name"), max_length=200)
    purpose = models.CharField(_("what for"), max_length=300)
    country = models.CharField(_("country"), max_length=2)
    contract_on = models.DateField(_("contract of"), null=True, blank=True)
    note = models.CharField(_("link or remark"), max_length=500, blank=True)
    ended_on = models.DateField(_("until"), null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("processor")
        verbose_name_plural = _("processors")
        constraints = [
            models.UniqueConstraint(fields=["tenant", "uid"], name="processor_uid"),
            models.UniqueConstraint(
                "tenant",
                Lower("name"),
                Lower("purpose"),
                name="processor_entered_once",
                condition=models.Q(ended_on=None),
                violation_error_message=_("This company stands in your list already, for the same work."),
            ),
            models.CheckConstraint(name="processor_country_is_a_code", condition=models.Q(country__regex="^[A-Z]{2}$")),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Nothing was concluded in the future, and it ends after its beginning."""
        if self.contract_on and self.contract_on > timezone.localdate():
            raise ValidationError({"contract_on": _("This lies in the future. Enter an earlier time.")})
        if self.contract_on and self.ended_on and self.ended_on < self.contract_on:
            raise ValidationError({"ended_on": _("The end lies before the beginning. Choose a later day.")})

    @property
    def is_over(self) -> bool:
        """Whether they process nothing any more; on their last day they still do."""
        return self.ended_on is not None and self.ended_on < timezone.localdate()

    @property
    def goes_on(self) -> bool:
        """Whether they process beyond today, as far as is known."""
        return self.ended_on is None or self.ended_on > timezone.localdate()

    @property
    def lacks_contract(self) -> bool:
        """Whether they work without the contract that Art. 28 (3) GDPR demands."""
        return self.contract_on is None and not self.is_over


class Breach(models.Model):
    """A personal data breach of a company, kept whether or not anybody has to be told (Art. 33 (5) GDPR)."""

    HOURS = 72
    # How long before their end the company's owners are reminded.
    REMINDED = timedelta(hours=24)

    tenant = owner("breaches")
    uid = models.UUIDField(default=uuid.uuid4, editable=False)
    # Becoming aware of it starts the 72 hours (Art. 33 (1) GDPR).
    known_at = models.DateTimeField(_("known since"))
    began_on = models.DateField(_("from"), null=True, blank=True)
    ended_on = models.DateField(_("until"), null=True, blank=True)
    what = models.TextField(_("what happened"))
    data = models.TextField(_("which data and whose"))
    people = models.PositiveIntegerField(_("how many people, about"), null=True, blank=True)
    effects = models.TextField(_("likely consequences"), blank=True)
    measures = models.TextField(_("measures taken"), blank=True)
    is_risk = models.BooleanField(_("a risk for the people concerned"), default=True)
    is_high_risk = models.BooleanField(_("a high risk for them"), default=False)
    authority_told_at = models.DateTimeField(_("authority notified"), null=True, blank=True)
    people_told_at = models.DateTimeField(_("people informed"), null=True, blank=True)
    why_not = models.TextField(_("why nobody was told, or late"), blank=True)
    closed_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    # Counts the changes, so that nobody overwrites what somebody else has saved meanwhile.
    version = models.PositiveIntegerField(default=1, db_default=1, editable=False)

    class Meta:
        verbose_name = _("breach")
        verbose_name_plural = _("breaches")
        constraints = [models.UniqueConstraint(fields=["tenant", "uid"], name="breach_uid")]

    def __str__(self) -> str:
        return f"{self.known_at:%Y-%m-%d}"

    def clean(self) -> None:
        """Nobody knows of it before it happened, and it ends after its beginning."""
        if self.known_at and self.known_at > timezone.now():
            raise ValidationError({"known_at": _("This lies in the future. Enter an earlier time.")})
        if self.began_on and self.ended_on and self.ended_on < self.began_on:
            raise ValidationError({"ended_on": _("The end lies before the beginning. Choose a later day.")})

    @property
    def due_at(self) -> datetime:
        """Until when the authority is to be told."""
        return self.known_at + timedelta(hours=self.HOURS)

    @property
    def is_to_be_reported(self) -> bool:
        """Whether the authority has to be told and was not yet."""
        return (self.is_risk or self.is_high_risk) and not self.authority_told_at and not self.closed_at

    @property
    def is_overdue(self) -> bool:
        """Whether the authority should have been told by now and was not."""
        return self.is_to_be_reported and timezone.now() > self.due_at


class Announcement(models.Model):
    """A mail that the operator owes one company, written with what it tells of; `told_at` says that it is out.

    The row is the work: rings that are lost or repeated neither lose nor multiply the mail (consent.announcing).
    """

    class Kind(models.TextChoices):
        """What is told, in the alphabet's order, which is that of their urgency."""

        BREACH = "breach", _("breach")
        DUE = "due", _("72 hours nearly over")
        LATE = "late", _("data requests overdue")
        NEARING = "nearing", _("data requests due soon")
        SUBPROCESSOR = "subprocessor", _("sub-processor")

    tenant = owner("announcements")
    kind = models.CharField(_("what is told"), max_length=12, choices=Kind.choices)
    subprocessor = models.ForeignKey(SubProcessor, null=True, on_delete=models.PROTECT, related_name="announcements")
    breach = TenantForeignKey(Breach, null=True, on_delete=models.CASCADE, related_name="announcements")
    created_at = models.DateTimeField(_("since"), default=timezone.now)
    told_at = models.DateTimeField(_("told"), null=True)
    # Whoever takes it moves this on first, so that nobody else takes it meanwhile.
    next_attempt_at = models.DateTimeField(_("next attempt"), default=timezone.now)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    # The class of the last error: its text may name addresses.
    error = models.CharField(_("last error"), max_length=100, blank=True)

    class Meta:
        verbose_name = _("announcement")
        verbose_name_plural = _("announcements")
        constraints = [
            models.UniqueConstraint(fields=["tenant", "kind", "subprocessor"], name="subprocessor_told_once"),
            models.UniqueConstraint(fields=["tenant", "kind", "breach"], name="breach_told_once"),
            # One mail for all requests of people that have come near their last day, or past it, while it waits.
            models.UniqueConstraint(
                fields=["tenant", "kind"],
                name="requests_told_together",
                condition=models.Q(kind__in=["late", "nearing"], told_at=None),
            ),
            models.CheckConstraint(
                name="announcement_is_of_one_thing",
                condition=models.Q(kind="subprocessor", subprocessor__isnull=False, breach__isnull=True)
                | models.Q(kind__in=["breach", "due"], subprocessor__isnull=True, breach__isnull=False)
                | models.Q(kind__in=["late", "nearing"], subprocessor__isnull=True, breach__isnull=True),
            ),
        ]
        indexes = [
            models.Index(fields=["kind", "created_at"], name="announcement_waiting", condition=models.Q(told_at=None))
        ]

    def __str__(self) -> str:
        about = self.subprocessor or self.breach
        return f"{self.get_kind_display()} · {about}" if about else str(self.get_kind_display())


def where_handovers_lie(handover: "Handover", filename: str) -> str:
    """A folder of the company's own and a name that nobody can guess."""
    return f"handovers/{handover.tenant.uid}/{uuid.uuid4().hex}.zip"


class Handover(models.Model):
    """Everything a company has here, as a file for the company (Art. 20 and 28 (3) (g) GDPR, EU Data Act; CG-54)."""

    class State(models.TextChoices):
        WORKING = "working", _("In progress")
        DONE = "done", _("Ready")
        FAILED = "failed", _("Failed")
        OVER = "over", _("Deleted")

    tenant = owner("handovers")
    uid = models.UUIDField(default=uuid.uuid4, editable=False)
    state = models.CharField(max_length=7, choices=State.choices, default=State.WORKING)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    asked_at = models.DateTimeField(default=timezone.now)
    # Until when a worker has it; an expired lease lets another one begin anew, under the next number.
    leased_until = models.DateTimeField(null=True)
    attempt = models.PositiveSmallIntegerField(default=0)
    size = models.BigIntegerField(null=True)
    file = models.FileField(upload_to=where_handovers_lie, max_length=200, blank=True, default="")
    file_until = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "uid"], name="handover_uid"),
            models.UniqueConstraint(
                fields=["tenant"], name="one_handover_at_a_time", condition=models.Q(state="working")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.asked_at:%Y-%m-%d}"
