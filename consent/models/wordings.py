"""The company as the law names it, and the texts that people agree to."""

import uuid

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from consent import addresses, colors
from consent.models.choices import Channel, Purpose
from tenants.fields import TenantForeignKey, owner

# Messages; and consents that were neither used nor answered (consent-gdpr § 10, CG-27).
MOST_MONTHS = 24


class Controller(models.Model):
    """The company as the law names it: who is responsible for its contacts' data (Art. 4 (7) and 13 GDPR).

    Stands in wordings, on sign-up pages and in receipts; how it looks there, too.
    """

    class AddressForm(models.TextChoices):
        DU = "du", _("du (informal)")
        SIE = "sie", _("Sie (formal)")

    tenant = models.OneToOneField(
        "tenants.Tenant", primary_key=True, on_delete=models.CASCADE, related_name="controller"
    )
    legal_name = models.CharField(_("legal name"), max_length=200, blank=True)
    street = models.CharField(_("street and number"), max_length=200, blank=True)
    postcode = models.CharField(_("postcode"), max_length=12, blank=True)
    city = models.CharField(_("city"), max_length=100, blank=True)
    country = models.CharField(_("country"), max_length=2, default="DE")
    email = models.EmailField(_("e-mail address for questions about data"), blank=True)
    phone = models.CharField(_("phone"), max_length=40, blank=True)
    # The data protection officer, if there is one (Art. 37 GDPR).
    officer = models.CharField(_("data protection officer"), max_length=200, blank=True)
    officer_email = models.EmailField(_("the officer's e-mail address"), blank=True)
    privacy_url = models.URLField(_("address of the privacy notice"), blank=True, validators=[addresses.https_only])
    imprint_url = models.URLField(_("address of the imprint"), blank=True, validators=[addresses.https_only])
    address_form = models.CharField(
        _("form of address"), max_length=3, choices=AddressForm.choices, default=AddressForm.DU
    )
    # "#rrggbb"; whether white or black stands on it is computed.
    brand_color = models.CharField(_("brand colour"), max_length=7, default="#0b5d46", validators=[colors.readable])
    # Where the signed end of the ledger is mailed every day.
    anchor_email = models.EmailField(_("e-mail address for the ledger's daily seal"), blank=True)

    # Names of attributes, events, tags and lists that tell of health, faith or the like (Art. 9 GDPR): of no use
    # without a yes to exactly that.
    special_attributes = ArrayField(models.CharField(max_length=60), default=list, db_default=[], blank=True)
    # The same that were gathered for contracts: of no use for advertising (Art. 5 (1) (b) GDPR).
    contract_attributes = ArrayField(models.CharField(max_length=60), default=list, db_default=[], blank=True)
    # Whether a yes that says nothing of the age of 16 allows no advertising (CG-07).
    demands_age = models.BooleanField(default=False, db_default=False)
    # Shorter than the most is always lawful (Art. 5 (1) (e) GDPR); longer is not offered.
    message_months = models.PositiveSmallIntegerField(
        _("how long messages are kept"), default=MOST_MONTHS, db_default=MOST_MONTHS
    )
    silence_months = models.PositiveSmallIntegerField(
        _("after how long without contact a consent ends"), default=MOST_MONTHS, db_default=MOST_MONTHS
    )

    # What Art. 13 GDPR and § 5 DDG want named, on every sign-up page and in every receipt.
    NEEDED = ("legal_name", "street", "postcode", "city", "email", "privacy_url", "imprint_url")

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="nothing_kept_for_longer_than_lawful",
                condition=models.Q(message_months__range=(1, MOST_MONTHS), silence_months__range=(1, MOST_MONTHS)),
            )
        ]

    def __str__(self) -> str:
        return self.legal_name or str(self.tenant_id)

    def clean(self) -> None:
        """A consent is over by silence only while it is known who was in touch: messages tell that."""
        if self.silence_months > self.message_months:
            told = _("Not longer than messages are kept: after that nobody knows any more who was in touch.")
            raise ValidationError({"silence_months": told})

    @property
    def addresses(self) -> list[str]:
        """Where people read who the company is and what it does with their data."""
        return [address for address in (self.privacy_url, self.imprint_url) if address]

    @property
    def missing(self) -> list[str]:
        """The names of what the law wants known and nobody has entered yet."""
        fields = (field for field in self._meta.fields if field.name in self.NEEDED)
        return [str(field.verbose_name) for field in fields if not getattr(self, field.name)]


class Logo(models.Model):
    """A company's logo for its sign-up pages: a small PNG that we have made from what was uploaded."""

    tenant = models.OneToOneField("tenants.Tenant", primary_key=True, on_delete=models.CASCADE, related_name="logo")
    png = models.BinaryField()
    sha256 = models.CharField(max_length=64)
    width = models.PositiveSmallIntegerField()
    height = models.PositiveSmallIntegerField()

    def __str__(self) -> str:
        return f"{self.width} × {self.height}"

    @property
    def digest(self) -> str:
        """What its address ends with, so that a new logo has a new one."""
        return self.sha256[:16]


class Wording(models.Model):
    """A text people agree to, in numbered versions."""

    tenant = owner("wordings")
    uid = models.UUIDField(default=uuid.uuid4, editable=False)
    name = models.CharField(_("name"), max_length=100)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "uid"], name="wording_uid"),
            models.UniqueConstraint(fields=["tenant", "name"], name="one_wording_per_name"),
        ]

    def __str__(self) -> str:
        return self.name


class WordingVersion(models.Model):
    """One version of a wording, because people agreed to exactly this text.

    A trigger refuses to change or delete it once it is published; it may be retired or marked invalid.
    """

    class State(models.TextChoices):
        DRAFT = "draft", _("Draft")
        IN_USE = "in_use", pgettext_lazy("wording", "In use")
        RETIRED = "retired", pgettext_lazy("wording", "No longer in use")
        INVALID = "invalid", pgettext_lazy("wording", "Invalid")

    tenant = owner("wording_versions")
    wording = TenantForeignKey(Wording, on_delete=models.CASCADE, related_name="versions")
    number = models.IntegerField()
    # {"de": "Ja, ich möchte …", "en": "…"}
    texts = models.JSONField(default=dict)
    # [["whatsapp", "marketing"], ["whatsapp", "tracking"]]: the pairs this text is a yes to (CG-04).
    covers = models.JSONField(default=list)
    policy_url = models.URLField(blank=True)
    policy_version = models.CharField(max_length=40, blank=True)
    policy_sha256 = models.CharField(max_length=64, blank=True, default="")
    # Of texts and covers: consent.ledger.wordings. A draft has none, so a wording has one draft at most.
    sha256 = models.CharField(max_length=64)
    # Outlives the user's row, as in the audit trail.
    published_by = models.ForeignKey(
        "tenants.User", null=True, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+"
    )
    published_by_key = models.ForeignKey(
        "tenants.ApiKey", null=True, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    published_at = models.DateTimeField(null=True)
    retired_at = models.DateTimeField(null=True)
    invalid_reason = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "wording", "number"], name="wording_version_number"),
            models.UniqueConstraint(fields=["tenant", "wording", "sha256"], name="wording_text_once"),
        ]

    def __str__(self) -> str:
        return f"{self.wording_id} v{self.number}"

    @property
    def audit_name(self) -> str:
        return f"{self.wording.name} v{self.number}"

    @property
    def state(self) -> State:
        """What people may do with it: edit, agree to, or only look at."""
        if self.published_at is None:
            return self.State.DRAFT
        if self.invalid_reason:
            return self.State.INVALID
        return self.State.RETIRED if self.retired_at else self.State.IN_USE

    @property
    def pair_labels(self) -> list[str]:
        """What it is a yes to: "WhatsApp: Marketing"."""
        return [f"{Channel(channel).label}: {Purpose(purpose).label}" for channel, purpose in self.covers]


class Invalidation(models.Model):
    """A published text that was declared invalid, and how far its yeses have been ended in the ledger (§ 5.6).

    While `finished_at` is empty, `rules` refuses whoever's yes rests on the text; then their states say so themselves.
    """

    tenant = owner("invalidations")
    version = TenantForeignKey(WordingVersion, on_delete=models.CASCADE, related_name="invalidations")
    # Of the version: the same text under another name is as invalid.
    wording_sha256 = models.CharField(max_length=64)
    declared_at = models.DateTimeField()
    # Outlives the user's row, as in the audit trail.
    declared_by = models.ForeignKey(
        "tenants.User", null=True, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+"
    )
    # Rows of the ledger up to here can hold a yes to it, rows up to `done_seq` have been looked at.
    upto_seq = models.BigIntegerField()
    done_seq = models.BigIntegerField(default=0)
    ended = models.BigIntegerField(default=0)
    worked_at = models.DateTimeField(default=now)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "version"], name="version_invalid_once")]

    def __str__(self) -> str:
        return f"{self.version_id} since {self.declared_at:%Y-%m-%d}"

    @property
    def percent(self) -> int:
        """How much of the ledger has been looked at; 100 only when it is over."""
        if self.finished_at:
            return 100
        return min(99, 100 * self.done_seq // max(1, self.upto_seq))
