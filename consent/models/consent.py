"""The append-only ledger of yes and no, its proofs and seals, and what it adds up to per person."""

import uuid
from datetime import datetime

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now
from django.utils.timezone import now

from consent.models.choices import Authority, Channel, Purpose, Source, State
from consent.models.wordings import WordingVersion
from tenants.fields import TenantForeignKey, owner


class ConsentHead(models.Model):
    """The end of a tenant's chain; its row lock makes `seq` gapless under concurrency."""

    tenant = models.OneToOneField("tenants.Tenant", primary_key=True, on_delete=models.CASCADE, related_name="ledger")
    last_seq = models.BigIntegerField(default=0)
    last_hash = models.BinaryField()
    # Up to which row the nightly search for requests that nobody confirmed is through (consent.rights.keeping).
    settled_seq = models.BigIntegerField(default=0, db_default=0)

    def __str__(self) -> str:
        return f"{self.tenant_id} at {self.last_seq}"


class LedgerAnchor(models.Model):
    """What a tenant's chain ended with on a day, signed (consent-gdpr § 4): a chain built anew does not fit it.

    `text` is the exact JSON that was signed; it names the anchor before it by hash, so that none can be left out.
    """

    tenant = owner("ledger_anchors")
    number = models.IntegerField()
    day = models.DateField()
    seq = models.BigIntegerField()
    text = models.TextField()
    key_id = models.CharField(max_length=40)
    signature = models.BinaryField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "number"], name="anchor_number"),
            models.UniqueConstraint(fields=["tenant", "day"], name="one_anchor_a_day"),
        ]

    def __str__(self) -> str:
        return f"{self.tenant_id} on {self.day}: {self.seq}"


class LedgerDeposit(models.Model):
    """Which of a tenant's anchors, by number, was last signed, kept in the folder and mailed; anchors never change.

    `refused_until` is set while the company's mailbox refuses its seals: until then it is not asked again.
    """

    tenant = models.OneToOneField(
        "tenants.Tenant", primary_key=True, on_delete=models.CASCADE, related_name="ledger_deposit"
    )
    signed = models.IntegerField(default=0, db_default=0)
    kept = models.IntegerField(default=0, db_default=0)
    mailed = models.IntegerField(default=0, db_default=0)
    next_attempt_at = models.DateTimeField(default=now, db_default=Now())
    attempts = models.PositiveIntegerField(default=0, db_default=0)
    error = models.CharField(max_length=100, blank=True, default="", db_default="")
    refused_until = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.tenant_id}: {self.kept} kept, {self.mailed} mailed"


class LedgerCheck(models.Model):
    """What the nightly verification of a tenant's ledger has found; while `walk` is set, one is going on.

    `is_intact` is null before the first one is over. `broken_seq` is the first row that does not hold and `because`,
    to be filled in with day and seq, says why; `altered_wording` names a published text that was changed.
    """

    tenant = models.OneToOneField(
        "tenants.Tenant", primary_key=True, on_delete=models.CASCADE, related_name="ledger_check"
    )
    begun_at = models.DateTimeField(null=True)
    # consent.ledger.verifying.Place; null between two checks.
    walk = models.JSONField(null=True)
    # Until when a worker has it; an expired lease lets another one go on.
    leased_until = models.DateTimeField(null=True)
    checked_at = models.DateTimeField(null=True)
    is_intact = models.BooleanField(null=True)
    rows = models.BigIntegerField(default=0)
    anchors = models.IntegerField(default=0)
    # Of the last head that was signed.
    signed_on = models.DateField(null=True)
    broken_seq = models.BigIntegerField(null=True)
    because = models.CharField(max_length=200, blank=True, default="")
    because_day = models.CharField(max_length=10, blank=True, default="")
    because_seq = models.BigIntegerField(default=0)
    altered_wording = models.CharField(max_length=200, blank=True, default="")
    # The heads in LEDGER_ANCHOR_DIR were not there, or fewer than were kept.
    is_uncompared = models.BooleanField(default=False, db_default=False)

    class Meta:
        indexes = [models.Index(fields=["tenant"], name="ledgers_broken", condition=models.Q(is_intact=False))]

    def __str__(self) -> str:
        return f"{self.tenant_id} at {self.checked_at:%Y-%m-%d}" if self.checked_at else f"{self.tenant_id}"


class ConsentEvent(models.Model):
    """One row of the ledger: a yes, a no, or what became of it; never changed, never deleted.

    Holds nothing that names a person: `subject_id` is random, evidence and identities live in deletable tables.
    `row_hash` = SHA-256(prev_hash ‖ canonical), where `canonical` is the exact JSON text that was hashed.
    """

    tenant = owner("consent_events")
    seq = models.BigIntegerField()
    event_id = models.UUIDField(default=uuid.uuid4)
    subject_id = models.UUIDField()
    channel = models.CharField(max_length=10, choices=Channel.choices)
    purpose = models.CharField(max_length=20, choices=Purpose.choices)
    state = models.CharField(max_length=20, choices=State.choices)
    authority = models.SmallIntegerField(choices=Authority.choices)
    legal_basis = models.CharField(max_length=10, default="6-1-a")
    wording_version = TenantForeignKey(WordingVersion, null=True, on_delete=models.PROTECT, related_name="+")
    wording_sha256 = models.CharField(max_length=64, blank=True)
    language = models.CharField(max_length=5, blank=True)
    policy_url = models.CharField(max_length=200, blank=True)
    policy_version = models.CharField(max_length=40, blank=True)
    policy_sha256 = models.CharField(max_length=64, blank=True, default="")
    incentive_id = models.CharField(max_length=60, blank=True)
    age_confirmed = models.BooleanField(null=True)
    source = models.CharField(max_length=20, choices=Source.choices)
    # A page, QR code, import row, template or error code; never a raw wamid, which contains the phone number.
    source_ref = models.CharField(max_length=200, blank=True)
    # The number a Meta stop or resume belongs to.
    phone_number_id = models.CharField(max_length=40, blank=True)
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    idempotency_key = models.CharField(max_length=64)
    actor_type = models.CharField(max_length=10)
    actor_id = models.CharField(max_length=60, blank=True)
    supersedes_seq = models.BigIntegerField(null=True)
    doi_request_seq = models.BigIntegerField(null=True)
    valid_until = models.DateTimeField(null=True)
    evidence_digest = models.CharField(max_length=64, blank=True)
    canonical = models.TextField()
    prev_hash = models.BinaryField()
    row_hash = models.BinaryField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "seq"], name="ledger_seq"),
            models.UniqueConstraint(fields=["tenant", "event_id"], name="ledger_event_id"),
            models.UniqueConstraint(fields=["tenant", "idempotency_key"], name="ledger_once"),
        ]
        indexes = [
            models.Index(fields=["tenant", "subject_id", "seq"], name="ledger_by_subject"),
            # From a contact to those that turned out to be the same person; the other way it is the subject.
            models.Index(
                fields=["tenant", "source_ref"],
                name="ledger_of_merges",
                condition=models.Q(state="merged"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.seq} {self.state} {self.channel}/{self.purpose}"


class ConsentEvidence(models.Model):
    """What proves a ledger row, encrypted: IP, form, inbound text, file row. Deletable, unlike the ledger."""

    tenant = owner("consent_evidence")
    event_id = models.UUIDField()
    salt = models.BinaryField()
    sealed = models.TextField()
    # Set by an erasure: kept to defend against claims until this day and read for nothing else (Art. 17(3)(b), (e)).
    kept_until = models.DateField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "event_id"], name="evidence_once")]
        indexes = [
            models.Index(
                fields=["tenant", "kept_until"],
                name="evidence_restricted",
                condition=models.Q(kept_until__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return str(self.event_id)


class Suppression(models.Model):
    """Someone who must not be messaged, known only by keyed hash, so that it survives erasure and re-import."""

    tenant = owner("suppressions", db_index=True)
    kind = models.CharField(max_length=5)
    digest = models.BinaryField()
    channel = models.CharField(max_length=10, choices=Channel.choices)
    purpose = models.CharField(max_length=20, choices=Purpose.choices)
    reason = models.CharField(max_length=20)
    # Meta keeps its stop per sending number; ours blocks the tenant while any number is stopped.
    phone_number_id = models.CharField(max_length=40, blank=True, default="")
    since = models.DateTimeField(default=now)
    # When the same was last said once more. A yes has to be later than this to end the entry.
    said_again_at = models.DateTimeField(null=True)
    lifted_at = models.DateTimeField(null=True)
    lifted_seq = models.BigIntegerField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "digest", "channel", "purpose", "reason", "phone_number_id"],
                name="one_live_suppression",
                condition=models.Q(lifted_at=None),
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.channel}/{self.purpose}"

    @property
    def said_at(self) -> datetime:
        """When the no was said last."""
        return self.said_again_at or self.since


class ConsentState(models.Model):
    """What the ledger adds up to for one person, channel and purpose; rebuildable from it.

    The writer locks this row FOR UPDATE, the sender FOR SHARE: an opt-out either precedes a claim or follows it.
    """

    tenant = owner("consent_states")
    subject_id = models.UUIDField()
    channel = models.CharField(max_length=10, choices=Channel.choices)
    purpose = models.CharField(max_length=20, choices=Purpose.choices)
    state = models.CharField(max_length=20, choices=State.choices)
    since = models.DateTimeField()
    seq = models.BigIntegerField()
    reason = models.CharField(max_length=60, blank=True)
    age_confirmed = models.BooleanField(null=True)
    valid_until = models.DateTimeField(null=True)
    # Numbers for which Meta reported a stop that has not been resumed.
    stopped_numbers = ArrayField(models.CharField(max_length=40), default=list, db_default=[])

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "subject_id", "channel", "purpose"], name="one_state_per_pair")
        ]

    def __str__(self) -> str:
        return f"{self.state} {self.channel}/{self.purpose}"
