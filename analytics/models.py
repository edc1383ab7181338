"""KPI tables, kept right by triggers on messages, clicks and orders, whoever writes those (docs/decisions/0004).

Each table has a shard in its key (the writing backend's number modulo 16), so that concurrent statements of one
campaign do not wait for one row; reading sums over the shards.
"""

from django.db import models

from contacts.models import Contact, Event
from messaging.models import Click, Message, Source
from tenants.fields import HotForeignKey, owner


class Kpi(models.Model):
    """Counts of one source and variant: how many messages are in each state, and how many ever got this far."""

    tenant = owner("kpis", db_constraint=False)
    source = HotForeignKey(Source, on_delete=models.DO_NOTHING, related_name="kpis")
    variant = models.SmallIntegerField()
    shard = models.SmallIntegerField()
    # Messages that are in this state now; their sum is the audience.
    in_queued = models.BigIntegerField(default=0, db_default=0)
    in_claimed = models.BigIntegerField(default=0, db_default=0)
    in_accepted = models.BigIntegerField(default=0, db_default=0)
    in_held = models.BigIntegerField(default=0, db_default=0)
    in_sent = models.BigIntegerField(default=0, db_default=0)
    in_delivered = models.BigIntegerField(default=0, db_default=0)
    in_read = models.BigIntegerField(default=0, db_default=0)
    in_uncertain = models.BigIntegerField(default=0, db_default=0)
    in_failed = models.BigIntegerField(default=0, db_default=0)
    in_skipped = models.BigIntegerField(default=0, db_default=0)
    in_cancelled = models.BigIntegerField(default=0, db_default=0)
    in_expired = models.BigIntegerField(default=0, db_default=0)
    # Messages that have ever been accepted, delivered …; contacts who have clicked, replied, opted out.
    accepted = models.BigIntegerField(default=0, db_default=0)
    sent = models.BigIntegerField(default=0, db_default=0)
    delivered = models.BigIntegerField(default=0, db_default=0)
    read = models.BigIntegerField(default=0, db_default=0)
    clicked = models.BigIntegerField(default=0, db_default=0)
    replied = models.BigIntegerField(default=0, db_default=0)
    opted_out = models.BigIntegerField(default=0, db_default=0)
    # Counted clicks, repeated ones and anonymous ones too.
    clicks = models.BigIntegerField(default=0, db_default=0)
    # Last-click attribution: orders, contacts with an order, net value minus refunds in the tenant's currency.
    orders = models.BigIntegerField(default=0, db_default=0)
    converted = models.BigIntegerField(default=0, db_default=0)
    revenue = models.DecimalField(max_digits=16, decimal_places=2, default=0, db_default=0)
    # When Meta took the first and the last message; deleting messages does not move these two back.
    first_accepted_at = models.DateTimeField(null=True)
    last_accepted_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "source", "variant", "shard"], name="kpi_row")]

    def __str__(self) -> str:
        return f"{self.source_id}/{self.variant}"


class HourlyKpi(models.Model):
    """What happened in one hour (UTC, by the event's own time) for one source and variant."""

    tenant = owner("hourly_kpis", db_constraint=False)
    source = HotForeignKey(Source, on_delete=models.DO_NOTHING, related_name="hourly_kpis")
    variant = models.SmallIntegerField()
    hour = models.DateTimeField()
    shard = models.SmallIntegerField()
    accepted = models.BigIntegerField(default=0, db_default=0)
    sent = models.BigIntegerField(default=0, db_default=0)
    delivered = models.BigIntegerField(default=0, db_default=0)
    read = models.BigIntegerField(default=0, db_default=0)
    failed = models.BigIntegerField(default=0, db_default=0)
    clicked = models.BigIntegerField(default=0, db_default=0)
    replied = models.BigIntegerField(default=0, db_default=0)
    opted_out = models.BigIntegerField(default=0, db_default=0)
    orders = models.BigIntegerField(default=0, db_default=0)
    revenue = models.DecimalField(max_digits=16, decimal_places=2, default=0, db_default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "source", "variant", "hour", "shard"], name="hourly_kpi_row")
        ]
        indexes = [models.Index(fields=["tenant", "hour"], name="hourly_kpi_by_hour")]

    def __str__(self) -> str:
        return f"{self.source_id}/{self.variant} {self.hour}"


class ReasonKpi(models.Model):
    """How many messages of a source were skipped, cancelled or failed, by reason or Meta error code."""

    tenant = owner("reason_kpis", db_constraint=False)
    source = HotForeignKey(Source, on_delete=models.DO_NOTHING, related_name="reason_kpis")
    variant = models.SmallIntegerField()
    state = models.SmallIntegerField(choices=Message.State.choices)
    reason = models.CharField(max_length=24, db_default="")
    # 0 where there is no Meta error.
    error_code = models.IntegerField(default=0, db_default=0)
    shard = models.SmallIntegerField()
    messages = models.BigIntegerField(default=0, db_default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "source", "variant", "state", "reason", "error_code", "shard"],
                name="reason_kpi_row",
            )
        ]

    def __str__(self) -> str:
        return f"{self.source_id} {self.reason or self.error_code}"


class CostKpi(models.Model):
    """What Meta charges for: messages delivered in one hour (UTC) by market and price class, priced when read.

    A delivery is what Meta bills (whatsapp-cloud-api § 8.1); type and category are empty where its status named none.
    """

    tenant = owner("cost_kpis", db_constraint=False)
    source = HotForeignKey(Source, on_delete=models.DO_NOTHING, related_name="cost_kpis")
    variant = models.SmallIntegerField()
    hour = models.DateTimeField()
    market = models.CharField(max_length=24, db_default="")
    price_type = models.CharField(max_length=24, db_default="")
    price_category = models.CharField(max_length=32, db_default="")
    shard = models.SmallIntegerField()
    messages = models.BigIntegerField(default=0, db_default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "source", "variant", "hour", "market", "price_type", "price_category", "shard"],
                name="cost_kpi_row",
            )
        ]
        indexes = [models.Index(fields=["tenant", "hour"], name="cost_kpi_by_hour")]

    def __str__(self) -> str:
        return f"{self.source_id}/{self.variant} {self.market} {self.price_category}"


class OrderCredit(models.Model):
    """An order or refund credited to the message whose click came last before it (within 14 days).

    Written by the triggers only. A refund follows the order of the same `order_id`. Deleting events, clicks or the
    contact later leaves the credit, as it leaves the message: statistics survive an erasure, names do not.
    """

    tenant = owner("order_credits")
    event = HotForeignKey(Event, on_delete=models.DO_NOTHING, related_name="credits")
    contact = HotForeignKey(Contact, on_delete=models.DO_NOTHING, related_name="order_credits")
    source = HotForeignKey(Source, on_delete=models.DO_NOTHING, related_name="order_credits")
    variant = models.SmallIntegerField()
    message = HotForeignKey(Message, null=True, on_delete=models.DO_NOTHING, related_name="order_credits")
    click = HotForeignKey(Click, null=True, on_delete=models.DO_NOTHING, related_name="order_credits")
    order_id = models.CharField(max_length=100, db_default="")
    # Net value; negative for a refund, zero or more for an order.
    value = models.DecimalField(max_digits=14, decimal_places=2)
    # Only credits in the tenant's own currency add to revenue: nothing is converted.
    currency = models.CharField(max_length=3, db_default="")
    occurred_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "event"], name="one_credit_per_order_event")]
        indexes = [
            models.Index(fields=["tenant", "source", "contact"], name="credit_by_source_and_contact"),
            models.Index(fields=["tenant", "order_id"], name="credit_by_order"),
        ]

    def __str__(self) -> str:
        return f"{self.event_id} → {self.source_id}"
