"""Reads that decide who is asking and for which tenant."""

from uuid import UUID

from django.utils import timezone

from tenants.models import ApiKey, Membership, Tenant, User
from tenants.scope import across_tenants


def membership_of(user: User, slug: str) -> Membership | None:
    """The user's live membership in the active tenant of this slug, with `tenant` loaded; None for strangers."""
    with across_tenants("the tenant is not known before the membership is found"):
        return (
            Membership.objects.select_related("tenant")
            .filter(user=user, tenant__slug=slug, tenant__is_active=True)
            .first()
        )


def memberships_of(user: User) -> list[Membership]:
    """All tenants this user works for, by name."""
    with across_tenants("a user may work for several tenants"):
        return list(
            Membership.objects.select_related("tenant")
            .filter(user=user, tenant__is_active=True)
            .order_by("tenant__name", "tenant")
        )


def live_key(prefix: str) -> ApiKey | None:
    """The API key of this prefix if it is neither revoked nor expired and its tenant is active."""
    with across_tenants("the key names the tenant"):
        key = ApiKey.objects.select_related("tenant").filter(prefix=prefix, tenant__is_active=True).first()
    if key is None or key.revoked_at or (key.expires_at and key.expires_at <= timezone.now()):
        return None
    return key


def tenant_named(name: str) -> Tenant:
    """The tenant with this slug or uid; raises Tenant.DoesNotExist."""
    by_slug = Tenant.objects.filter(slug=name).first()
    if by_slug:
        return by_slug
    try:
        return Tenant.objects.get(uid=UUID(name))
    except ValueError:
        raise Tenant.DoesNotExist(name) from None


def active_tenant(slug: str) -> Tenant | None:
    """The company whose public pages stand at this address; None for unknown and blocked ones."""
    return Tenant.objects.filter(slug=slug, is_active=True).first()
