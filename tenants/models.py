"""Who pays and who works here: tenants, their people, their API keys and what was done."""

import uuid
from typing import Any
from zoneinfo import available_timezones

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _

from tenants import roles
from tenants.fields import owner

# First path segments that belong to the product, so no tenant may take them.
RESERVED_SLUGS = {
    *("accounts", "admin", "api", "webhooks", "r", "s", "p", "static", "media", "healthz", "readyz", "metrics"),
    *("i18n", "favicon", "robots", "help", "new", "login", "logout", "zusage", "www"),
}


# Files beside those of the time zones, on some machines.
NO_ZONES = {"Factory", "localtime", "posixrules"}


def check_timezone(name: str) -> None:
    """Raise ValidationError unless this is a time zone's name: days and deadlines are counted in it everywhere.

    The database refuses what it does not know, too (0010_known_time_zones).
    """
    if name not in available_timezones() - NO_ZONES:
        raise ValidationError(_("There is no time zone of this name. Write it like Europe/Berlin."))


class Tenant(models.Model):
    """One company: the controller of its contacts' data, and the wall around it."""

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    slug = models.CharField(
        max_length=50,
        unique=True,
        validators=[RegexValidator(r"^[a-z0-9][a-z0-9-]*$", _("Use lower-case letters, digits and hyphens."))],
    )
    name = models.CharField(max_length=200)
    timezone = models.CharField(max_length=50, default="Europe/Berlin", validators=[check_timezone])
    country = models.CharField(max_length=2, default="DE")
    currency = models.CharField(max_length=3, default="EUR")
    is_active = models.BooleanField(default=True)
    # The contract is over: whatever arrives for the company is set aside, until everything of it is deleted.
    closed_at = models.DateTimeField(null=True, editable=False)
    # Random key for the hashes of phone numbers and addresses, encrypted at rest; see tenants.encryption.
    pepper_encrypted = models.TextField(editable=False, default="")
    created_at = models.DateTimeField(default=now, editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="tenant_slug_is_not_reserved", condition=~models.Q(slug__in=sorted(RESERVED_SLUGS))
            ),
            models.CheckConstraint(
                name="closed_tenant_is_not_active", condition=models.Q(closed_at=None) | models.Q(is_active=False)
            ),
        ]

    def __str__(self) -> str:
        return self.name


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """A new user; without a password the account can only be entered after a reset."""
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """A new user who may enter Django admin and see every tenant there."""
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)


class User(AbstractBaseUser, PermissionsMixin):
    """A person who logs in by e-mail; may work for several tenants."""

    email = models.EmailField(_("e-mail address"), unique=True)
    name = models.CharField(_("name"), max_length=200, blank=True)
    is_staff = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    date_joined = models.DateTimeField(default=now)

    objects = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = []

    def __str__(self) -> str:
        return self.email


class Membership(models.Model):
    """A user works for a tenant in one role."""

    tenant = owner("memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=roles.Role.choices)
    created_at = models.DateTimeField(default=now, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "user"], name="one_membership_per_tenant")]

    def __str__(self) -> str:
        return f"{self.user} · {self.get_role_display()}"

    @property
    def permissions(self) -> set[str]:
        """What this person may do here, e.g. {"campaigns:read", …}."""
        return roles.PERMISSIONS[self.role]

    def may(self, permission: str) -> bool:
        return roles.allows(self.permissions, permission)


class ApiKey(models.Model):
    """A secret that lets a program act for one tenant; only its hash is stored."""

    tenant = owner("api_keys", db_index=True)
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=12, editable=False)
    digest = models.CharField(max_length=64, editable=False)
    scopes = ArrayField(models.CharField(max_length=40), default=list)
    created_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=now, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        # The prefix finds the tenant, so it is unique across tenants.
        constraints = [models.UniqueConstraint(fields=["prefix"], name="api_key_prefix_names_one_key")]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    @property
    def permissions(self) -> set[str]:
        return set(self.scopes)

    def may(self, permission: str) -> bool:
        return roles.allows(self.permissions, permission)


class AuditEvent(models.Model):
    """Who did what to which object, when; append-only."""

    tenant = owner("audit_events")
    at = models.DateTimeField(default=now)
    # Without indexes of their own: who did something is looked for within a stretch of time.
    user = models.ForeignKey(
        User, null=True, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    api_key = models.ForeignKey(
        ApiKey, null=True, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    verb = models.CharField(max_length=60)
    object_type = models.CharField(max_length=60)
    object_uid = models.CharField(max_length=60)
    object_name = models.CharField(max_length=200)
    changes = models.JSONField(default=dict)
    request_id = models.CharField(max_length=40, blank=True)

    class Meta:
        indexes = [
            # Finds a stretch of days, and goes on from any moment, without reading what is newer.
            models.Index(fields=["tenant", "at", "id"], name="audit_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.verb} {self.object_type} {self.object_name}"


class IdempotencyKey(models.Model):
    """The answer given to a POST with an Idempotency-Key, so that a repeat within a day gets the same answer."""

    tenant = owner("idempotency_keys")
    key = models.CharField(max_length=255)
    request_digest = models.CharField(max_length=64)
    status = models.SmallIntegerField()
    body = models.BinaryField()
    created_at = models.DateTimeField(default=now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "key"], name="one_answer_per_idempotency_key")]
        indexes = [models.Index(fields=["created_at"], name="answer_by_age")]

    def __str__(self) -> str:
        return self.key
