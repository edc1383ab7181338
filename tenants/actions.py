"""What can be done with tenants: create one, issue and revoke keys, write the audit trail."""

import base64
import hashlib
import os
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from tenants.encryption import encrypt
from tenants.models import ApiKey, AuditEvent, Membership, Tenant, User
from tenants.roles import ALL, EVERYTHING, Role
from tenants.scope import request_id, tenant_scope

Actor = User | ApiKey | None  # None is the product itself: a schedule, a webhook, a command.


@dataclass(frozen=True)
class NewTenant:
    """A fresh tenant, its owner, and the full-scope API key, which can be shown only now."""

    tenant: Tenant
    owner: User
    api_key: str


@transaction.atomic
def create_tenant(*, slug: str, name: str, owner_email: str, password: str | None = None) -> NewTenant:
    """Create a company with its owner and a full-scope key; raises ValidationError for a bad or taken slug."""
    tenant = Tenant(slug=slug, name=name)
    tenant.full_clean()
    tenant.save()
    tenant.pepper_encrypted = encrypt(base64.b64encode(os.urandom(32)).decode(), binding=f"Tenant.pepper:{tenant.pk}")
    tenant.save(update_fields=["pepper_encrypted"])
    user = User.objects.filter(email=owner_email.lower()).first() or User.objects.create_user(
        owner_email, password, name=owner_email.split("@")[0]
    )
    with tenant_scope(tenant):
        Membership.objects.create(tenant=tenant, user=user, role=Role.OWNER)
        _key, secret = issue_key(tenant=tenant, name="Full access", scopes=[ALL], by=user)
        audit(tenant=tenant, by=user, verb="tenant.created", subject=tenant)
    return NewTenant(tenant, user, secret)


def close(*, tenant: Tenant, by: Actor = None) -> None:
    """The contract is over: nobody logs in, nothing is sent, and what arrives is set aside, so that nothing changes."""
    with tenant_scope(tenant):
        if Tenant.objects.filter(pk=tenant.pk, closed_at=None).update(closed_at=timezone.now(), is_active=False):
            audit(tenant=tenant, by=by, verb="tenant.closed", subject=tenant)


def reopen(*, tenant: Tenant, by: Actor = None) -> None:
    """Take back a `close` before anything is deleted; what arrived meanwhile waits to be tried again."""
    with tenant_scope(tenant):
        if Tenant.objects.filter(pk=tenant.pk, closed_at__isnull=False).update(closed_at=None, is_active=True):
            audit(tenant=tenant, by=by, verb="tenant.reopened", subject=tenant)


@transaction.atomic
def issue_key(
    *, tenant: Tenant, name: str, scopes: Sequence[str], by: Actor, expires_at: datetime | None = None
) -> tuple[ApiKey, str]:
    """A new API key and its secret; the secret is shown once, only its SHA-256 is stored (256 random bits).

    `scopes` are permissions of tenants.roles, or "*" for all. Raises ValidationError for an unknown scope, no scope, an
    impossible name, or an end in the past.
    """
    _refuse_key(scopes, expires_at)
    prefix, secret = secrets.token_hex(4), secrets.token_urlsafe(32)
    key = ApiKey(
        tenant=tenant,
        name=name,
        prefix=prefix,
        digest=hashlib.sha256(secret.encode()).hexdigest(),
        scopes=list(scopes),
        created_by=by if isinstance(by, User) else None,
        expires_at=expires_at,
    )
    key.full_clean(exclude=["tenant"])
    key.save()
    audit(tenant=tenant, by=by, verb="api_key.issued", subject=key, changes={"scopes": key.scopes})
    return key, f"zu_{prefix}_{secret}"


def _refuse_key(scopes: Sequence[str], expires_at: datetime | None) -> None:
    unknown = [scope for scope in scopes if scope != ALL and scope not in EVERYTHING]
    if unknown or not scopes:
        told = _("Unknown scope “%(scope)s”. Known: %(known)s.")
        known = ", ".join([ALL, *sorted(EVERYTHING)])
        raise ValidationError({"scopes": told % {"scope": ", ".join(unknown), "known": known}})
    if expires_at is not None and expires_at <= timezone.now():
        raise ValidationError({"expires_at": _("Choose a time in the future.")})


@transaction.atomic
def revoke_key(*, key: ApiKey, by: Actor) -> None:
    """End an API key; the next request with it is refused. Revoking twice changes nothing."""
    ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=timezone.now())
    audit(tenant=key.tenant, by=by, verb="api_key.revoked", subject=key)


def key_used(*, key: ApiKey) -> None:
    """Remember when a key was last used, to the minute, so that busy keys do not write on every request."""
    now = timezone.now()
    if key.last_used_at is None or (now - key.last_used_at).total_seconds() > 60:
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)


def audit(
    *, tenant: Tenant, by: Actor, verb: str, subject: models.Model, changes: dict[str, Any] | None = None
) -> None:
    """Write who did what to which object, in the caller's transaction. `changes` holds no personal data."""
    _event(tenant.pk, by, verb, subject, changes or {}).save(force_insert=True)


def audit_each(subjects: Iterable[Any], *, by: Actor, verb: str) -> None:
    """Write the same of many objects, each for its own tenant, in one statement."""
    AuditEvent.objects.bulk_create([_event(each.tenant_id, by, verb, each, {}) for each in subjects], batch_size=1000)


def _event(tenant_id: int, by: Actor, verb: str, subject: models.Model, changes: dict[str, Any]) -> AuditEvent:
    return AuditEvent(
        tenant_id=tenant_id,
        user=by if isinstance(by, User) else None,
        api_key=by if isinstance(by, ApiKey) else None,
        verb=verb,
        object_type=subject._meta.label,
        object_uid=str(getattr(subject, "uid", subject.pk)),
        object_name=str(getattr(subject, "audit_name", subject))[:200],
        changes=changes,
        request_id=request_id(),
    )
