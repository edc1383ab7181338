"""Companies, their keys and their trail: made once, shown once, and never readable from the database."""

import hashlib

import pytest
from django.core.exceptions import ValidationError
from django.db import DataError, transaction
from django.test import Client
from django.urls import reverse
from django.utils.timezone import now

from tenants import actions
from tenants.actions import NewTenant
from tenants.models import RESERVED_SLUGS, ApiKey, AuditEvent, Membership, Tenant, User
from tenants.roles import Role
from tenants.scope import across_tenants, tenant_scope
from tests.contacts.calls import Caller


def test_a_new_company_has_an_owner_a_key_and_a_first_entry_in_its_trail(bakery_made: NewTenant) -> None:
    with tenant_scope(bakery_made.tenant):
        membership = Membership.objects.get()
        assert (membership.user, membership.role) == (bakery_made.owner, Role.OWNER)
        assert AuditEvent.objects.filter(verb="tenant.created", user=bakery_made.owner).exists()
    assert Caller(bakery_made.api_key).get("campaigns/").status_code == 200
    assert bakery_made.owner.check_password("correct horse battery")


@pytest.mark.parametrize("slug", ["bakery", "Bakery", "", "-x", "ä", "a b", "x" * 51, *sorted(RESERVED_SLUGS)[:3]])
def test_a_taken_reserved_or_impossible_slug_makes_nothing(bakery: Tenant, slug: str) -> None:
    with pytest.raises(ValidationError):
        actions.create_tenant(slug=slug, name="Zweite", owner_email="bob@example.com")

    assert Tenant.objects.count() == 1
    assert not User.objects.filter(email="bob@example.com").exists()


def test_an_owner_of_two_companies_is_one_user_and_keeps_the_password(bakery: Tenant) -> None:
    made = actions.create_tenant(slug="cafe", name="Café", owner_email="Alice@Example.com", password="another password")

    assert User.objects.count() == 1
    assert made.owner.check_password("correct horse battery")


def test_companies_have_peppers_of_their_own_and_none_is_readable(bakery: Tenant, shop: Tenant) -> None:
    assert bakery.pepper_encrypted
    assert bakery.pepper_encrypted != shop.pepper_encrypted
    assert ":" in bakery.pepper_encrypted


def test_of_a_key_only_the_hash_is_stored(bakery: Tenant) -> None:
    with tenant_scope(bakery):
        key, secret = actions.issue_key(tenant=bakery, name="Shop", scopes=["contacts:read"], by=None)
        row = ApiKey.objects.filter(pk=key.pk).values().get()
        event = AuditEvent.objects.get(verb="api_key.issued", object_name__startswith="Shop")

    name, prefix, rest = secret.split("_", 2)
    assert (name, prefix) == ("zu", key.prefix)
    assert len(rest) >= 43
    assert row["digest"] == hashlib.sha256(rest.encode()).hexdigest()
    assert rest not in str(row) + str(event.changes) + event.object_name


def test_a_revoked_key_ends_at_once_and_for_good(bakery_made: NewTenant) -> None:
    caller = Caller(bakery_made.api_key)
    with tenant_scope(bakery_made.tenant):
        key = ApiKey.objects.get()
        actions.revoke_key(key=key, by=bakery_made.owner)
        first = ApiKey.objects.get().revoked_at
        actions.revoke_key(key=key, by=bakery_made.owner)
        assert ApiKey.objects.get().revoked_at == first

    assert first is not None
    assert caller.get("campaigns/").status_code == 401


def test_using_a_key_is_remembered_to_the_minute(bakery_made: NewTenant) -> None:
    started = now()
    Caller(bakery_made.api_key).get("campaigns/")
    with across_tenants("this test"):
        used = ApiKey.objects.get().last_used_at
    Caller(bakery_made.api_key).get("campaigns/")

    assert used is not None
    assert used >= started
    with across_tenants("this test"):
        assert ApiKey.objects.get().last_used_at == used


def test_the_trail_names_person_or_key_or_nobody(bakery_made: NewTenant) -> None:
    tenant = bakery_made.tenant
    with tenant_scope(tenant):
        key = ApiKey.objects.get()
        for by in (bakery_made.owner, key, None):
            actions.audit(tenant=tenant, by=by, verb="test.done", subject=tenant, changes={"n": 1})
        events = list(AuditEvent.objects.filter(verb="test.done").order_by("id"))

    assert [(e.user_id, e.api_key_id) for e in events] == [(bakery_made.owner.pk, None), (None, key.pk), (None, None)]
    assert {(e.object_type, e.object_uid, e.object_name) for e in events} == {
        ("tenants.Tenant", str(tenant.uid), "Bäckerei Sonne")
    }


@pytest.mark.parametrize("name", ["Mars/Olympus", "localtime", "europe/berlin", ""])
def test_a_company_s_time_zone_is_one_that_there_is(staff: Client, bakery: Tenant, name: str) -> None:
    page = reverse("admin:tenants_tenant_change", args=[bakery.pk])
    form = {"name": bakery.name, "country": "DE", "currency": "EUR", "is_active": "on", "timezone": name}

    answer = staff.post(page, form)

    assert answer.status_code == 200
    assert list(answer.context["adminform"].form.errors) == ["timezone"]
    assert staff.post(page, {**form, "timezone": "Pacific/Auckland"}).status_code == 302
    bakery.refresh_from_db()
    assert bakery.timezone == "Pacific/Auckland"


def test_the_database_knows_every_company_s_time_zone(bakery: Tenant) -> None:
    """A search through all companies counts the days of each."""
    with pytest.raises(DataError, match="Mars/Olympus"), transaction.atomic():
        Tenant.objects.update(timezone="Mars/Olympus")
