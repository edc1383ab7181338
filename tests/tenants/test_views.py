"""The way in: login, workspaces, language, friendly errors."""

import re

import pytest
from django.test import Client

from tenants.actions import NewTenant
from tenants.models import Membership, Tenant, User
from tenants.queries import memberships_of
from tenants.roles import Role
from tenants.scope import tenant_scope
from tests.campaigns.cast import draft, stored
from tests.conftest import PASSWORD


@pytest.fixture
def alice(client: Client, bakery_made: NewTenant) -> Client:
    client.force_login(bakery_made.owner)
    return client


def test_a_person_logs_in_and_lands_in_her_only_workspace(client: Client, bakery: Tenant) -> None:
    page = client.post("/accounts/login/", {"login": "alice@example.com", "password": PASSWORD}, follow=True)

    assert page.redirect_chain[-1][0] == "/bakery/"
    assert "Bäckerei Sonne" in page.content.decode()


def test_a_wrong_password_says_so_beside_the_form(client: Client, bakery: Tenant) -> None:
    page = client.post("/accounts/login/", {"login": "alice@example.com", "password": "wrong"})

    assert page.status_code == 200
    assert 'role="alert"' in page.content.decode()


def test_nobody_can_sign_up_without_an_invitation(client: Client, db: None) -> None:
    client.post("/accounts/signup/", {"email": "x@example.com", "password1": PASSWORD, "password2": PASSWORD})

    assert not User.objects.filter(email="x@example.com").exists()


def test_people_with_several_workspaces_choose_one(alice: Client, bakery_made: NewTenant, shop: Tenant) -> None:
    with tenant_scope(shop):
        Membership.objects.create(tenant=shop, user=bakery_made.owner, role=Role.ANALYST)

    page = alice.get("/").content.decode()

    assert 'href="/bakery/"' in page
    assert 'href="/shop/"' in page


def test_workspaces_of_one_name_keep_their_places(bakery: Tenant, shop: Tenant) -> None:
    bob = User.objects.create_user("bob@example.com", PASSWORD)
    for tenant in (shop, bakery):
        with tenant_scope(tenant):
            Tenant.objects.filter(pk=tenant.pk).update(name="Filiale")
            Membership.objects.create(tenant=tenant, user=bob, role=Role.ANALYST)

    assert [one.tenant.slug for one in memberships_of(bob)] == ["bakery", "shop"]


def test_people_without_a_workspace_learn_what_to_do(client: Client, db: None) -> None:
    client.force_login(User.objects.create_user("dora@example.com", PASSWORD))

    assert "Noch kein Arbeitsbereich" in client.get("/").content.decode()


@pytest.mark.parametrize("path", ["", "campaigns/", "campaigns/new/"])
def test_strangers_get_the_same_404_for_a_tenant_of_others_and_for_none(
    client: Client, shop_made: NewTenant, bakery: Tenant, path: str
) -> None:
    client.force_login(shop_made.owner)

    assert client.get(f"/bakery/{path}").status_code == 404
    assert client.get(f"/nobody/{path}").status_code == 404


def test_guests_are_sent_to_the_login_and_back(client: Client, bakery: Tenant) -> None:
    page = client.get("/bakery/campaigns/")

    assert page.status_code == 302
    assert page["Location"] == "/accounts/login/?next=/bakery/campaigns/"


def test_what_a_role_does_not_allow_answers_403_in_plain_words(
    client: Client, bakery_made: NewTenant, bakery: Tenant
) -> None:
    with tenant_scope(bakery):
        Membership.objects.filter(user=bakery_made.owner).update(role=Role.AGENT)
    client.force_login(bakery_made.owner)

    refused = client.get("/bakery/campaigns/")

    assert refused.status_code == 403
    assert "Ihre Rolle" in refused.content.decode()
    assert client.get("/bakery/").status_code == 200


@pytest.mark.parametrize("language", ["de", "en"])
def test_an_address_that_belongs_to_a_button_explains_itself_and_changes_nothing(
    alice: Client, bakery: Tenant, language: str
) -> None:
    campaign = draft(bakery, [])
    buttons = [f"/bakery/campaigns/{campaign.uid}/{verb}/" for verb in ("pause", "resume", "cancel", "edit/template")]
    told = {"de": "Diese Adresse lässt sich nicht öffnen", "en": "This address cannot be opened"}[language]

    for button in [*buttons, f"/bakery/imports/{campaign.uid}/run/"]:
        page = alice.get(button, headers={"Accept-Language": language})

        assert (page.status_code, page["Allow"]) == (405, "POST")
        assert told in page.content.decode()
        [back] = re.findall(r'<a class="btn btn-primary" href="([^"]+)"', page.content.decode())
        assert button.startswith(back)
        assert back.count("/") == button.count("/") - 1
    assert stored(campaign).state == "draft"
    assert alice.get(buttons[0], headers={"HX-Request": "true"}).content == b""


def test_the_language_switch_turns_the_product_english_and_says_so_to_screen_readers(alice: Client) -> None:
    assert '<html lang="de"' in alice.get("/bakery/").content.decode()

    page = alice.post("/i18n/setlang/", {"language": "en", "next": "/bakery/"}, follow=True).content.decode()

    assert '<html lang="en"' in page
    assert "Overview" in page


def test_pages_carry_no_inline_script_and_a_policy_that_forbids_it(alice: Client) -> None:
    page = alice.get("/bakery/campaigns/new/")

    assert "'unsafe-inline'" not in page["Content-Security-Policy"].split("script-src")[1].split(";")[0]
    assert "<script>" not in page.content.decode()
    assert " onclick=" not in page.content.decode()


def test_a_company_gets_no_time_zone_that_does_not_exist(staff: Client, bakery: Tenant) -> None:
    values = {"name": "Bäckerei Sonne", "timezone": "Europe/Berlino", "country": "DE", "currency": "EUR"}

    page = staff.post(f"/admin/tenants/tenant/{bakery.pk}/change/", {**values, "is_active": "on"})

    assert "Europe/Berlin." in page.content.decode()
    bakery.refresh_from_db()
    assert bakery.timezone == "Europe/Berlin"


def test_a_visitor_who_finds_no_page_reads_nothing_of_rates(client: Client) -> None:
    page = client.get("/nobody/knows/this/")

    assert page.status_code == 404
    assert "shell-foot" not in page.content.decode()
