"""Campaigns: what goes to whom, when, and how far it has come."""

import uuid
from datetime import datetime, timedelta

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _

from consent.models import Purpose
from contacts.models import ContactList
from messaging.models import Source
from segments.models import Segment
from tenants.fields import TenantForeignKey, owner
from whatsapp.models import Number, Template


class Campaign(models.Model):
    """One sending to an audience that is frozen at launch."""

    class State(models.TextChoices):
        DRAFT = "draft", _("Draft")
        SCHEDULED = "scheduled", _("Scheduled")
        RUNNING = "running", _("Running")
        PAUSED = "paused", _("Paused")
        FINISHED = "finished", _("Finished")
        CANCELLED = "cancelled", _("Cancelled")

    # From the first message, or from the last time somebody resumed it. An offer that nobody expects any more helps
    # nobody: what could not be sent by then waits for a person's decision (messaging.sweeping).
    SENDS_FOR = timedelta(hours=24)
    # What a campaign may be for; whoever has not agreed to exactly that is left out of it (CG-55).
    PURPOSES = (
        (Purpose.MARKETING, _("Advertising: offers and news")),
        (Purpose.SURVEY, _("Survey or feedback")),
        (Purpose.TRANSACTIONAL, _("About orders or contracts, without advertising")),
    )

    tenant = owner("campaigns")
    uid = models.UUIDField(default=uuid.uuid4, editable=False)
    name = models.CharField(_("name"), max_length=200)
    state = models.CharField(max_length=10, choices=State.choices, default=State.DRAFT)
    purpose = models.CharField(max_length=20, default="marketing")
    number = TenantForeignKey(Number, null=True, blank=True, on_delete=models.PROTECT, related_name="campaigns")
    # Wall-clock time in the tenant's chosen zone; `due_at` is the same moment in UTC, set with it.
    scheduled_local = models.DateTimeField(null=True, blank=True)
    timezone = models.CharField(max_length=50, default="Europe/Berlin")
    due_at = models.DateTimeField(null=True, blank=True)
    # Set at launch: the outbox side of this campaign.
    source = models.OneToOneField(
        Source, null=True, blank=True, on_delete=models.PROTECT, related_name="campaign", db_constraint=False
    )
    # Freezing goes in ranges of contacts; the cursor is moved in the same transaction as the rows.
    frozen_to = models.BigIntegerField(default=0)
    frozen_at = models.DateTimeField(null=True, blank=True)
    # Why a scheduled launch did not or will not happen, in the tenant's words; empty once somebody acts.
    problem = models.TextField(blank=True, default="")
    # Codes of what there is to look at (campaigns.warning): as of the last look before its time, also what it fails by,
    # or, if the schedule has started it, of that moment.
    warned = ArrayField(models.CharField(max_length=40), default=list, db_default=[], blank=True)
    # None: somebody has changed it since.
    looked_at = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey("tenants.User", null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=now, editable=False)
    launched_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "uid"], name="campaign_uid"),
            models.CheckConstraint(
                name="scheduled_campaign_has_a_time",
                condition=~Q(state="scheduled") | Q(due_at__isnull=False),
            ),
            models.CheckConstraint(
                name="launched_campaign_has_a_source",
                condition=Q(state__in=["draft", "scheduled", "cancelled"]) | Q(source__isnull=False),
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "-id"], name="campaign_newest_first"),
            models.Index(fields=["due_at"], name="campaign_due", condition=Q(state="scheduled")),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def purpose_label(self) -> str:
        """What it is for, in words."""
        return str(dict(self.PURPOSES).get(Purpose(self.purpose), self.purpose))

    @property
    def sends_until(self) -> datetime | None:
        """When sending ends; None unless it is going on."""
        return self.source.expires_at if self.source and self.state == self.State.RUNNING else None


class Audience(models.Model):
    """A list or segment that a campaign includes or excludes."""

    tenant = owner("audiences")
    campaign = TenantForeignKey(Campaign, on_delete=models.CASCADE, related_name="audiences")
    is_excluded = models.BooleanField(default=False)
    list = TenantForeignKey(ContactList, null=True, blank=True, on_delete=models.PROTECT, related_name="audiences")
    segment = TenantForeignKey(Segment, null=True, blank=True, on_delete=models.PROTECT, related_name="audiences")

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="audience_is_a_list_or_a_segment",
                condition=Q(list__isnull=False, segment=None) | Q(list=None, segment__isnull=False),
            ),
            models.UniqueConstraint(
                fields=["tenant", "campaign", "is_excluded", "list", "segment"],
                name="audience_once",
                nulls_distinct=False,
            ),
        ]

    def __str__(self) -> str:
        return f"{'−' if self.is_excluded else '+'} {self.list or self.segment}"


class Variant(models.Model):
    """One version of the message; several with weights make an A/B test."""

    tenant = owner("variants")
    campaign = TenantForeignKey(Campaign, on_delete=models.CASCADE, related_name="variants")
    number = models.SmallIntegerField(default=0)
    weight = models.SmallIntegerField(default=100)
    template = TenantForeignKey(Template, null=True, blank=True, on_delete=models.PROTECT, related_name="variants")
    # Where the template's variables come from; see messaging.rendering for the shape.
    variables = models.JSONField(default=dict, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "campaign", "number"], name="variant_number"),
            models.CheckConstraint(name="variant_weighs_something", condition=Q(weight__gte=1)),
        ]

    def __str__(self) -> str:
        return f"{self.campaign} {chr(65 + self.number)}"
