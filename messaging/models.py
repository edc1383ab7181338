"""The outbox: what is sent for which source, to whom, and what became of it; tracked links and their clicks."""

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _

from contacts.models import Contact
from tenants.fields import HotForeignKey, TenantForeignKey, owner
from whatsapp.models import Number, Template


class Source(models.Model):
    """What messages are sent for: one campaign, a test, a reply. Holds the brake."""

    class Kind(models.TextChoices):
        CAMPAIGN = "campaign", _("Campaign")
        TEST = "test", _("Test message")
        REPLY = "reply", _("Reply")

    class State(models.TextChoices):
        OPEN = "open", _("open")
        PAUSED = "paused", _("paused")
        CLOSED = "closed", _("closed")

    tenant = owner("sources")
    uid = models.UUIDField(default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    name = models.CharField(max_length=200)
    number = TenantForeignKey(Number, on_delete=models.PROTECT, related_name="sources")
    # The consent it needs: consent.models.Purpose.
    purpose = models.CharField(max_length=20)
    # A paused or closed source is not claimed from; workers look at it in every claim.
    state = models.CharField(max_length=6, choices=State.choices, default=State.OPEN)
    # Why it was paused by the product: Meta's error code, e.g. 132015 template paused.
    pause_code = models.IntegerField(null=True, blank=True)
    # Failures of what was under way before somebody resumed it stop it no more.
    resumed_at = models.DateTimeField(null=True, blank=True)
    # ISO countries whose people Meta does not let the account write to (130497): they are skipped.
    refused_countries = ArrayField(models.CharField(max_length=2), default=list, blank=True)
    # Transactional sources are served before campaigns of the same number.
    priority = models.SmallIntegerField(default=5)
    # Names of the attributes, events, tags and lists that chose its recipients, as consent's `attribute_name` writes
    # them; and those among them that chose each one: if one of these is of a special category (Art. 9 GDPR), whoever
    # takes back that yes gets nothing more of it.
    chosen_by = ArrayField(models.TextField(), default=list, db_default=[], blank=True)
    bound_by = ArrayField(models.TextField(), default=list, db_default=[], blank=True)
    # Closed, and messages still wait to be cancelled: messaging.emptying.
    is_emptying = models.BooleanField(default=False, db_default=False)
    # Nothing is sent later; messaging.sweeping says what becomes of messages that wait then.
    expires_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=now, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "uid"], name="source_uid")]
        indexes = [
            # Senders look for work every second, and nearly all sources are closed.
            models.Index(fields=["tenant", "number"], name="source_not_closed", condition=~Q(state="closed")),
            models.Index(fields=["id"], name="source_emptying", condition=Q(is_emptying=True)),
            models.Index(fields=["tenant", "name"], name="source_of_reply", condition=Q(kind="reply")),
        ]

    def __str__(self) -> str:
        return self.name


class Content(models.Model):
    """What one variant of a source says: a template with where its variables come from, frozen at launch."""

    tenant = owner("contents")
    source = TenantForeignKey(Source, on_delete=models.CASCADE, related_name="contents")
    variant = models.SmallIntegerField(default=0)
    template = TenantForeignKey(Template, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    # {"header": …, "body": […], "buttons": […]}; see messaging.rendering for the shape.
    variables = models.JSONField(default=dict)
    # A free-form payload ({"type": "text", "text": {"body": …}}) inside the service window, instead of a template.
    free_form = models.JSONField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "source", "variant"], name="one_content_per_variant"),
            models.CheckConstraint(
                name="content_is_a_template_or_free_form",
                condition=Q(template=None, free_form__isnull=False) | Q(template__isnull=False, free_form=None),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.source_id}/{self.variant}"


class Message(models.Model):
    """One recipient of one source: frozen audience, outbox and send ledger in one row.

    `queue` says what is still to do and is the only column that claim indexes know; what a status usually changes is in
    no index, so its update stays heap-only (docs/decisions/0003). Delivery states only move forward.
    """

    class State(models.IntegerChoices):
        QUEUED = 0, _("queued")
        CLAIMED = 1, _("being sent")
        ACCEPTED = 2, _("accepted")
        HELD = 3, _("held by Meta")
        SENT = 4, _("sent")
        DELIVERED = 5, _("delivered")
        READ = 6, _("read")
        UNCERTAIN = 7, _("uncertain")
        FAILED = 8, _("failed")
        SKIPPED = 9, _("skipped")
        CANCELLED = 10, _("cancelled")
        EXPIRED = 11, _("expired")

    class Queue(models.IntegerChoices):
        WAITING = 0
        CLAIMED = 1
        OUT = 2

    tenant = owner("messages", db_constraint=False)
    source = HotForeignKey(Source, on_delete=models.DO_NOTHING, related_name="messages")
    # Negative where the person was erased or the message is past its time: it names nobody (messaging.personal).
    contact = HotForeignKey(Contact, on_delete=models.DO_NOTHING, related_name="messages")
    variant = models.SmallIntegerField(default=0, db_default=0)
    state = models.SmallIntegerField(choices=State.choices, default=State.QUEUED, db_default=0)
    queue = models.SmallIntegerField(choices=Queue.choices, default=Queue.WAITING, db_default=0)
    # Why it was skipped, cancelled or is uncertain: a code of messaging.reasons.
    reason = models.CharField(max_length=24, blank=True, db_default="")
    error_code = models.IntegerField(null=True)
    next_attempt_at = models.DateTimeField(default=now, db_default=Now())
    attempt = models.SmallIntegerField(default=0, db_default=0)
    # How many attempts count against it: those that Meta refused for a passing reason of the message's own, and those
    # with an unknown outcome that were repeated. `attempt` names an attempt and counts also what never left.
    tries = models.SmallIntegerField(default=0, db_default=0)
    claimed_at = models.DateTimeField(null=True)
    wamid = models.CharField(max_length=200, null=True)
    # The ledger row that allowed the sending: proof of use; 0 for an answer to the person, which needs none (M-45).
    consent_seq = models.BigIntegerField(null=True)
    accepted_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    delivered_at = models.DateTimeField(null=True)
    read_at = models.DateTimeField(null=True)
    failed_at = models.DateTimeField(null=True)
    clicked_at = models.DateTimeField(null=True)
    replied_at = models.DateTimeField(null=True)
    opted_out_at = models.DateTimeField(null=True)
    # What Meta charges by: the recipient's market (whatsapp.markets) and the class that its status names.
    market = models.CharField(max_length=24, blank=True, db_default="")
    price_type = models.CharField(max_length=24, blank=True, db_default="")
    price_category = models.CharField(max_length=32, blank=True, db_default="")
    created_at = models.DateTimeField(default=now, db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "source", "contact"], name="one_message_per_contact"),
            # Whatever is handed to Meta was claimed before, and a claim that names no row of the ledger ends here
            # (M-45); that the row says yes is asked by the claim, under lock.
            models.CheckConstraint(
                name="message_sent_with_a_yes", condition=~Q(queue=1) | Q(consent_seq__isnull=False)
            ),
        ]
        indexes = [
            # Claims run exactly in this order; see docs/decisions/0003.
            models.Index(fields=["source", "next_attempt_at", "id"], name="message_to_claim", condition=Q(queue=0)),
            models.Index(fields=["claimed_at"], name="message_left_behind", condition=Q(queue=1)),
            models.Index(fields=["tenant", "contact"], name="message_by_contact"),
            models.Index(fields=["wamid"], name="message_by_wamid", condition=Q(wamid__isnull=False)),
            # Of a campaign's messages the few of whom more is to be told than where they are.
            models.Index(
                fields=["source", "contact"],
                name="message_out_of_line",
                condition=~Q(reason="")
                | Q(error_code__isnull=False)
                | Q(failed_at__isnull=False)
                | Q(clicked_at__isnull=False)
                | Q(replied_at__isnull=False)
                | Q(opted_out_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.source_id} → {self.contact_id}"


class Link(models.Model):
    """A destination behind `/r/<token>`; the token names the link and, where tracking is allowed, the message."""

    tenant = owner("links")
    uid = models.UUIDField(default=uuid.uuid4, editable=False)
    source = TenantForeignKey(Source, on_delete=models.CASCADE, related_name="links")
    variant = models.SmallIntegerField(default=0)
    label = models.CharField(max_length=60, blank=True)
    url = models.URLField(max_length=2000)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "uid"], name="link_uid")]

    def __str__(self) -> str:
        return self.label or self.url


class Click(models.Model):
    """One request of a tracked link. Without tracking consent it knows neither message nor contact (CG-35)."""

    tenant = owner("clicks", db_constraint=False)
    link = HotForeignKey(Link, on_delete=models.DO_NOTHING, related_name="clicks")
    source = HotForeignKey(Source, on_delete=models.DO_NOTHING, related_name="clicks")
    message = HotForeignKey(Message, null=True, on_delete=models.DO_NOTHING, related_name="clicks")
    contact = HotForeignKey(Contact, null=True, on_delete=models.DO_NOTHING, related_name="clicks")
    at = models.DateTimeField(default=now)
    # Previews, bots and HEAD requests are kept but do not count.
    is_counted = models.BooleanField()

    class Meta:
        indexes = [
            models.Index(
                fields=["tenant", "contact", "-at"], name="click_of_contact", condition=Q(contact__isnull=False)
            ),
            # Every night from the oldest on: messaging.personal.
            models.Index(fields=["tenant", "at", "id"], name="click_to_forget", condition=Q(contact__isnull=False)),
            models.Index(fields=["link"], name="click_by_link"),
        ]

    def __str__(self) -> str:
        return f"{self.link_id} at {self.at}"
