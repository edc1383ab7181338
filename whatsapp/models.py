"""A tenant's WhatsApp Business accounts, numbers, templates and uploaded media; and Meta's prices, everybody's."""

import mimetypes
import uuid

from django.conf import settings
from django.db import models
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _

from tenants.encryption import decrypt, encrypt
from tenants.fields import TenantForeignKey, owner
from whatsapp.payloads import files


class Account(models.Model):
    """A WhatsApp Business Account (WABA) with the token that sends for it."""

    tenant = owner("accounts")
    uid = models.UUIDField(default=uuid.uuid4, editable=False)
    waba_id = models.CharField("WABA id", max_length=40)
    name = models.CharField(_("name"), max_length=200, blank=True)
    # Owner of accounts and of the 24-hour limit; BSUIDs are scoped to it. Defaults to the account itself.
    portfolio_id = models.CharField(max_length=40)
    currency = models.CharField(max_length=3, default="EUR")
    token_encrypted = models.TextField(editable=False)
    # Empty when the account uses the shared Meta app, whose secret stands in the environment.
    app_secret_encrypted = models.TextField(editable=False, blank=True)
    verify_token_encrypted = models.TextField(editable=False, blank=True)
    # An account error (token, payment, policy) stops everything until somebody acts.
    paused_at = models.DateTimeField(null=True, blank=True)
    pause_code = models.IntegerField(null=True, blank=True)
    webhook_seen_at = models.DateTimeField(null=True, blank=True, editable=False)
    templates_synced_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(default=now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "uid"], name="account_uid"),
            models.UniqueConstraint(fields=["tenant", "waba_id"], name="one_account_per_waba"),
        ]

    def __str__(self) -> str:
        return self.name or self.waba_id

    @property
    def token(self) -> str:
        return decrypt(self.token_encrypted, binding=self._binding("token"))

    @token.setter
    def token(self, value: str) -> None:
        self.token_encrypted = encrypt(value, binding=self._binding("token"))

    @property
    def app_secret(self) -> str:
        return self._read(self.app_secret_encrypted, "app_secret")

    @app_secret.setter
    def app_secret(self, value: str) -> None:
        self.app_secret_encrypted = encrypt(value, binding=self._binding("app_secret")) if value else ""

    @property
    def verify_token(self) -> str:
        return self._read(self.verify_token_encrypted, "verify_token")

    @verify_token.setter
    def verify_token(self, value: str) -> None:
        self.verify_token_encrypted = encrypt(value, binding=self._binding("verify_token")) if value else ""

    @property
    def proof_secret(self) -> str:
        """The app secret that proves our right to the token with each call; empty where no proof is wanted."""
        is_wanted = settings.WHATSAPP_APPSECRET_PROOF
        if is_wanted is None:
            is_wanted = settings.WHATSAPP_API_URL.endswith(".facebook.com")
        return (self.app_secret or settings.WHATSAPP_APP_SECRET) if is_wanted else ""

    def _read(self, stored: str, field: str) -> str:
        return decrypt(stored, binding=self._binding(field)) if stored else ""

    def _binding(self, field: str) -> str:
        return f"whatsapp.Account.{field}:{self.tenant_id}"


class Number(models.Model):
    """A business phone number that sends and receives."""

    class Quality(models.TextChoices):
        GREEN = "GREEN", _("green")
        YELLOW = "YELLOW", _("yellow")
        RED = "RED", _("red")
        UNKNOWN = "UNKNOWN", _("unknown")

    tenant = owner("numbers")
    uid = models.UUIDField(default=uuid.uuid4, editable=False)
    account = TenantForeignKey(Account, on_delete=models.CASCADE, related_name="numbers")
    phone_number_id = models.CharField(max_length=40)
    display_number = models.CharField(max_length=30)
    verified_name = models.CharField(max_length=200, blank=True)
    # Messages a second that our bucket allows; Meta's default is 80 for in and out together.
    throughput = models.IntegerField(default=70)
    quality = models.CharField(max_length=10, choices=Quality.choices, default=Quality.UNKNOWN)
    # Unique people per moving 24 hours, shared by the portfolio; null is unlimited.
    daily_limit = models.IntegerField(null=True, blank=True)
    # The country in which Meta keeps messages at rest (ISO 3166), chosen when it was registered; empty: Meta's choice.
    storage_region = models.CharField(max_length=2, blank=True, db_default="")
    # Where its business profile leads (whatsapp.profiles), as Meta last told it; null before the first look.
    profile = models.JSONField(null=True, blank=True)
    # The address that somebody asked to have added, until Meta has answered; and the code with which it refused.
    profile_link = models.CharField(max_length=200, blank=True, db_default="")
    profile_error = models.IntegerField(null=True, blank=True)
    paused_until = models.DateTimeField(null=True, blank=True)
    pause_code = models.IntegerField(null=True, blank=True)
    created_at = models.DateTimeField(default=now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "uid"], name="number_uid"),
            # Webhooks of the shared app are routed by this id alone, so it can belong to one tenant only.
            models.UniqueConstraint(fields=["phone_number_id"], name="number_routes_to_one_tenant"),
            models.CheckConstraint(name="number_sends_something", condition=models.Q(throughput__gte=1)),
        ]

    def __str__(self) -> str:
        return f"{self.verified_name} {self.display_number}".strip()


class Template(models.Model):
    """A message template in one language, as Meta last described it."""

    class Category(models.TextChoices):
        MARKETING = "MARKETING", _("Marketing")
        UTILITY = "UTILITY", _("Utility")
        AUTHENTICATION = "AUTHENTICATION", _("Authentication")

    class Status(models.TextChoices):
        DRAFT = "DRAFT", _("draft")
        PENDING = "PENDING", _("in review")
        APPROVED = "APPROVED", _("approved")
        REJECTED = "REJECTED", _("rejected")
        PAUSED = "PAUSED", _("paused")
        DISABLED = "DISABLED", _("disabled")
        IN_APPEAL = "IN_APPEAL", _("in appeal")
        PENDING_DELETION = "PENDING_DELETION", _("being deleted")
        DELETED = "DELETED", _("deleted")
        LIMIT_EXCEEDED = "LIMIT_EXCEEDED", _("limit exceeded")
        FLAGGED = "FLAGGED", _("flagged")
        LOCKED = "LOCKED", _("locked")
        ARCHIVED = "ARCHIVED", _("archived")

    tenant = owner("templates")
    uid = models.UUIDField(default=uuid.uuid4, editable=False)
    account = TenantForeignKey(Account, on_delete=models.CASCADE, related_name="templates")
    meta_id = models.CharField(max_length=40, blank=True)
    name = models.CharField(_("name"), max_length=512)
    language = models.CharField(_("language"), max_length=10)
    category = models.CharField(_("category"), max_length=20, choices=Category.choices)
    status = models.CharField(_("status"), max_length=20, choices=Status.choices, default=Status.DRAFT)
    parameter_format = models.CharField(max_length=12, default="POSITIONAL")
    components = models.JSONField(default=list)
    quality = models.CharField(max_length=10, choices=Number.Quality.choices, default=Number.Quality.UNKNOWN)
    rejected_reason = models.TextField(blank=True)
    previous_category = models.CharField(max_length=20, blank=True)
    # Set while it waits for a worker that takes it to Meta; beat finds it where no bell was heard.
    submit_due_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(default=now, editable=False)
    updated_at = models.DateTimeField(default=now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "uid"], name="template_uid"),
            models.UniqueConstraint(
                fields=["tenant", "account", "name", "language"], name="one_template_per_name_and_language"
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "meta_id"], name="template_by_meta_id"),
            models.Index(
                fields=["submit_due_at"], name="template_to_submit", condition=models.Q(submit_due_at__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.language})"

    @property
    def is_sendable(self) -> bool:
        return self.status == self.Status.APPROVED


def media_path(media: "Media", filename: str) -> str:
    """Where a file is kept: below its tenant, under a name that nobody can guess."""
    suffix = mimetypes.guess_extension(media.mime_type) or ""
    return f"media/{media.tenant_id}/{media.uid}{suffix}"


class Media(models.Model):
    """A file of a tenant for one number, which Meta knows by an id for 30 days at a time."""

    class State(models.TextChoices):
        UPLOADING = "uploading", _("on its way to Meta")
        READY = "ready", _("ready")
        EXPIRED = "expired", _("expired")
        FAILED = "failed", _("refused by Meta")

    tenant = owner("media")
    uid = models.UUIDField(default=uuid.uuid4, editable=False)
    number = TenantForeignKey(Number, on_delete=models.CASCADE, related_name="media")
    file = models.FileField(upload_to=media_path, max_length=200)
    filename = models.CharField(max_length=200)
    mime_type = models.CharField(max_length=100)
    sha256 = models.CharField(max_length=64)
    meta_id = models.CharField(max_length=60, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    # Why Meta refused the last upload.
    error = models.CharField(max_length=500, blank=True, default="")
    # Set while it waits for a worker that brings it to Meta; while one does, when that one must have been lost.
    upload_due_at = models.DateTimeField(null=True, blank=True, editable=False)
    # How often in a row Meta was asked to take it; the pauses grow with it.
    upload_tries = models.PositiveSmallIntegerField(default=0, editable=False)
    created_at = models.DateTimeField(default=now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "uid"], name="media_uid"),
            # The same bytes are another file to Meta under another type: a sound, say, and a film.
            models.UniqueConstraint(fields=["tenant", "number", "sha256", "mime_type"], name="media_uploaded_once"),
        ]
        indexes = [
            models.Index(
                fields=["upload_due_at"], name="media_to_upload", condition=models.Q(upload_due_at__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return self.filename

    @property
    def kind(self) -> str:
        """What it is in a message: image, video, audio, document or sticker."""
        rule = files.rule_for(self.mime_type)
        return rule.kind if rule else ""

    @property
    def is_kept(self) -> bool:
        """Whether the file is still here, to be brought to Meta again."""
        return bool(self.file.name and self.file.storage.exists(self.file.name))

    @property
    def state(self) -> str:
        """Whether it can be sent now, and if not, why."""
        if self.meta_id and self.expires_at and self.expires_at > now():
            return self.State.READY
        if self.upload_due_at:
            return self.State.UPLOADING
        if self.error:
            return self.State.FAILED
        return self.State.EXPIRED if self.meta_id else self.State.UPLOADING


class Rate(models.Model):
    """What Meta charges for one delivered message from a day on: one cell of its price list (whatsapp-cloud-api § 8).

    Belongs to no tenant. `manage.py import_rates` reads new lists; the first one came with the migration.
    """

    currency = models.CharField(max_length=3)
    # A market of whatsapp.markets.
    market = models.CharField(max_length=24)
    # As in the webhooks' pricing.category: marketing, utility, authentication, service.
    category = models.CharField(max_length=32)
    valid_from = models.DateField()
    # Null where Meta changed the price on that day and nobody told us to what.
    price = models.DecimalField(max_digits=12, decimal_places=6, null=True, blank=True)
    source = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["currency", "market", "category", "valid_from"], name="one_rate_per_day"),
            models.CheckConstraint(name="rate_is_not_negative", condition=models.Q(price__gte=0)),
        ]

    def __str__(self) -> str:
        return f"{self.market} {self.category} {self.valid_from:%Y-%m-%d} {self.currency}"
