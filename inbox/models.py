"""What comes in: raw webhook bodies, conversations, and the messages people write."""

import uuid

from django.db import models
from django.db.models.functions import Now
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _

from contacts.models import Contact
from tenants.fields import HotForeignKey, TenantForeignKey, owner
from whatsapp.models import Number


class WebhookEvent(models.Model):
    """A verified webhook body as it came, stored before the 200; belongs to no tenant until it is read.

    The table is partitioned by the day of `received_at` (inbox.days), which is part of its key in the database.
    """

    class State(models.IntegerChoices):
        WAITING = 0, _("waiting")
        DONE = 1, _("done")
        # Set aside because applying it failed; the rest went on.
        SET_ASIDE = 2, _("set aside")

    # The own-app account whose secret matched; null for the shared app.
    account_id = models.BigIntegerField(null=True)
    # 0 for bodies with people's messages (a STOPP must not wait behind statuses), 1 for statuses only.
    priority = models.SmallIntegerField(default=1)
    state = models.SmallIntegerField(choices=State.choices, default=State.WAITING, db_default=0)
    body = models.BinaryField()
    received_at = models.DateTimeField(default=now, db_default=Now())
    done_at = models.DateTimeField(null=True)
    attempts = models.SmallIntegerField(default=0, db_default=0)
    error = models.CharField(max_length=200, blank=True, db_default="")

    class Meta:
        indexes = [
            models.Index(fields=["priority", "id"], name="webhook_to_do", condition=models.Q(state=0)),
            models.Index(fields=["id"], name="webhook_set_aside", condition=models.Q(state=2)),
        ]

    def __str__(self) -> str:
        return f"webhook {self.pk}"


class Conversation(models.Model):
    """A contact and one of our numbers; free text is allowed for 24 hours after the contact last wrote."""

    tenant = owner("conversations")
    uid = models.UUIDField(default=uuid.uuid4, editable=False)
    number = TenantForeignKey(Number, on_delete=models.CASCADE, related_name="conversations")
    contact = TenantForeignKey(Contact, on_delete=models.CASCADE, related_name="conversations")
    last_inbound_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "uid"], name="conversation_uid"),
            models.UniqueConstraint(fields=["tenant", "number", "contact"], name="one_conversation_per_number"),
        ]

    def __str__(self) -> str:
        return str(self.uid)


class InboundMessage(models.Model):
    """Something a contact wrote, tapped or sent."""

    tenant = owner("inbound_messages")
    conversation = TenantForeignKey(Conversation, on_delete=models.CASCADE, related_name="inbound_messages")
    wamid = models.CharField(max_length=200)
    type = models.CharField(max_length=20)
    text = models.TextField(blank=True)
    payload = models.CharField(max_length=300, blank=True)
    content = models.JSONField(default=dict)
    # Our message it answers, if it quotes or taps one.
    answers = HotForeignKey("messaging.Message", null=True, on_delete=models.DO_NOTHING, related_name="answers")
    is_opt_out = models.BooleanField(default=False)
    # An unclear wish ("kündigen", "nein danke") that an agent should look at.
    needs_a_look = models.BooleanField(default=False)
    # When somebody did, and was done with it; who, the audit trail says.
    looked_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField()
    received_at = models.DateTimeField(default=now, db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "wamid"], name="inbound_once")]
        indexes = [
            models.Index(fields=["tenant", "conversation", "-sent_at"], name="inbound_newest_first"),
            # Finds what is past its 24 months, every night.
            models.Index(fields=["tenant", "sent_at"], name="inbound_by_time"),
            models.Index(
                fields=["tenant", "sent_at"],
                name="inbound_to_look_at",
                condition=models.Q(needs_a_look=True, looked_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.pk}"
