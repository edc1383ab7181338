"""Every request has an id, and `/<tenant>/…` opens for that company's people and for nobody else."""

import re

import pytest
from django.test import Client

from tenants import actions
from tenants.actions import NewTenant
from tenants.models import AuditEvent, Membership, Tenant, User
from tenants.roles import Role
from tenants.scope import tenant_scope


def test_a_request_gets_an_id_that_the_answer_carries(client: Client, db: None) -> None:
    first, second = client.get("/healthz")["X-Request-Id"], client.get("/healthz")["X-Request-Id"]

    assert re.fullmatch(r"[0-9a-f]{32}", first)
    assert first != second


def test_a_sensible_id_of_the_caller_is_kept(client: Client, db: None) -> None:
    assert client.get("/healthz", headers={"X-Request-Id": "trace-12345678"})["X-Request-Id"] == "trace-12345678"


@pytest.mark.parametrize("given", ["short", "x" * 41, "a b c d e f g h", "<script>alert</script>", "12345678\u00fc"])
def test_anything_else_is_replaced(client: Client, db: None, given: str) -> None:
    assert client.get("/healthz", headers={"X-Request-Id": given})["X-Request-Id"] != given


def test_the_audit_trail_names_the_request(bakery_made: NewTenant) -> None:
    headers = {"Authorization": f"Bearer {bakery_made.api_key}", "X-Request-Id": "trace-12345678"}

    Client(headers=headers).post("/api/v1/campaigns/", {"name": "Frühling"}, content_type="application/json")

    with tenant_scope(bakery_made.tenant):
        trail = dict(AuditEvent.objects.values_list("verb", "request_id"))
    assert (trail["campaign.created"], trail["tenant.created"]) == ("trace-12345678", "")


def test_who_is_not_logged_in_is_sent_to_the_login_and_back(client: Client, bakery: Tenant) -> None:
    answer = client.get("/bakery/campaigns/new/?x=1")

    assert answer.status_code == 302
    assert answer["Location"].endswith("?next=/bakery/campaigns/new/%3Fx%3D1")


@pytest.mark.parametrize(
    ("referer", "back"),
    [
        ("http://testserver/bakery/campaigns/", "/bakery/campaigns/"),
        ("https://evil.example/x", "/bakery/"),
        ("", "/bakery/"),
    ],
)
def test_a_form_sent_after_the_session_ended_comes_back_to_its_page(
    client: Client, bakery: Tenant, referer: str, back: str
) -> None:
    answer = client.post("/bakery/campaigns/new/", headers={"Referer": referer})

    assert answer["Location"].endswith(f"?next={back}")


def test_htmx_leaves_the_page_for_the_login(client: Client, bakery: Tenant) -> None:
    headers = {"HX-Request": "true", "Referer": "http://testserver/bakery/campaigns/"}

    assert client.get("/bakery/campaigns/", headers=headers)["HX-Redirect"].endswith("?next=/bakery/campaigns/")


def test_the_login_page_does_not_tell_which_companies_exist(client: Client, bakery: Tenant) -> None:
    assert client.get("/bakery/campaigns/new/").status_code == client.get("/nobody/campaigns/new/").status_code == 302


def test_members_come_in_and_strangers_find_nothing(client: Client, bakery_made: NewTenant, shop: Tenant) -> None:
    client.force_login(bakery_made.owner)

    assert client.get("/bakery/campaigns/new/").status_code == 200
    assert client.get("/shop/campaigns/new/").status_code == 404
    assert client.get("/nobody/campaigns/new/").status_code == 404


def test_a_blocked_company_is_closed_to_its_own_people(client: Client, bakery_made: NewTenant) -> None:
    client.force_login(bakery_made.owner)
    Tenant.objects.filter(pk=bakery_made.tenant.pk).update(is_active=False)

    assert client.get("/bakery/campaigns/new/").status_code == 404


def test_who_left_the_company_is_out_at_the_next_click(client: Client, bakery_made: NewTenant) -> None:
    client.force_login(bakery_made.owner)
    with tenant_scope(bakery_made.tenant):
        Membership.objects.all().delete()

    assert client.get("/bakery/campaigns/new/").status_code == 404


@pytest.mark.parametrize(("role", "status"), [(Role.MARKETER, 200), (Role.ANALYST, 403), (Role.AGENT, 403)])
def test_a_role_decides_what_a_member_may_open(client: Client, bakery: Tenant, role: str, status: int) -> None:
    bob = User.objects.create_user("bob@example.com")
    with tenant_scope(bakery):
        Membership.objects.create(tenant=bakery, user=bob, role=role)
    client.force_login(bob)

    assert client.get("/bakery/campaigns/new/").status_code == status


def test_the_admin_is_open_to_staff_only(client: Client, bakery_made: NewTenant) -> None:
    client.force_login(bakery_made.owner)
    assert client.get("/admin/tenants/tenant/").status_code == 302

    client.force_login(User.objects.create_superuser("staff@example.com"))
    actions.create_tenant(slug="cafe", name="Café", owner_email="dora@example.com")
    page = client.get("/admin/tenants/tenant/").content.decode()
    assert "Bäckerei Sonne" in page
    assert "Café" in page
