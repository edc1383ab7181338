"""The second wall: row-level security shows a tenant its own rows and nothing else."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import pytest
from django.db import DataError, connection, transaction

from contacts.models import Contact
from tenants.models import Tenant
from tenants.scope import across_tenants, execute_across_tenants, tenant_scope


def test_rows_are_visible_in_their_tenants_scope_only(bakery: Tenant, shop: Tenant) -> None:
    with tenant_scope(bakery):
        Contact.objects.create(tenant=bakery, phone="+493023125001")

    with tenant_scope(shop):
        assert Contact.objects.count() == 0
    with tenant_scope(bakery):
        assert Contact.objects.count() == 1
    with across_tenants("this test"):
        assert Contact.objects.count() == 1


def test_an_inner_scope_gives_the_outer_one_back(bakery: Tenant, shop: Tenant) -> None:
    with tenant_scope(bakery):
        Contact.objects.create(tenant=bakery, phone="+493023125001")
        with tenant_scope(shop):
            assert Contact.objects.count() == 0
        assert Contact.objects.count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("as_runtime")
@pytest.mark.parametrize("surroundings", [nullcontext, transaction.atomic])
def test_a_single_statement_sees_everybody_and_whatever_comes_after_it_nobody(
    bakery: Tenant, shop: Tenant, surroundings: Callable[[], AbstractContextManager[None]]
) -> None:
    for tenant in (bakery, shop):
        with tenant_scope(tenant):
            Contact.objects.create(tenant=tenant, phone="+493023125001")

    with surroundings():
        execute_across_tenants("this test", "UPDATE contacts_contact SET first_name = %s", ["Anna"])

        assert Contact.objects.count() == 0
    with across_tenants("this test"):
        assert [contact.first_name for contact in Contact.objects.all()] == ["Anna", "Anna"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("as_runtime")
def test_a_single_statement_that_fails_leaves_nothing_behind_nor_any_rights(bakery: Tenant) -> None:
    with tenant_scope(bakery):
        Contact.objects.create(tenant=bakery, phone="+493023125001")

    with pytest.raises(DataError):
        execute_across_tenants("this test", "UPDATE contacts_contact SET first_name = %s", ["A" * 1000])

    assert Contact.objects.count() == 0
    with tenant_scope(bakery):
        assert Contact.objects.get().first_name == ""


def test_writing_for_another_tenant_is_refused(bakery: Tenant, shop: Tenant) -> None:
    with pytest.raises(Exception, match="row-level security"), tenant_scope(shop):
        Contact.objects.create(tenant=bakery, phone="+493023125001")


def test_without_a_scope_no_tenant_table_shows_a_row(bakery: Tenant) -> None:
    with tenant_scope(bakery):
        Contact.objects.create(tenant=bakery, phone="+493023125001")

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name FROM information_schema.columns"
            " WHERE column_name = 'tenant_id' AND table_schema = 'public'"
        )
        tables = [row[0] for row in cursor.fetchall()]
        assert len(tables) > 30
        for table in tables:
            with transaction.atomic():
                cursor.execute(f'SELECT count(*) FROM "{table}"')
                assert cursor.fetchone() == (0,), table


def test_a_row_cannot_point_at_another_tenants_row(bakery: Tenant, shop: Tenant) -> None:
    with tenant_scope(bakery):
        foreign = Contact.objects.create(tenant=bakery, phone="+493023125001")

    def point_at_it() -> None:
        with tenant_scope(shop), connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute(
                "INSERT INTO contacts_identity (tenant_id, contact_id, kind, digest) VALUES (%s, %s, 'phone', '')",
                [shop.pk, foreign.pk],
            )

    with pytest.raises(Exception, match="same_tenant"):
        point_at_it()
