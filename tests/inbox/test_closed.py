"""A company whose contract is over: from the moment it is closed nothing in it changes any more (CG-50)."""

from collections.abc import Callable
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.test import Client
from django.utils import timezone

from consent.actions import preferences
from consent.models import ConsentEvent, EndedContract, SignupRequest
from consent.queries import may_send
from contacts.models import Contact
from inbox import actions as inbox
from inbox import receiving
from inbox.models import InboundMessage, WebhookEvent
from tenants import actions
from tenants.actions import NewTenant
from tenants.models import AuditEvent, Tenant
from tenants.scope import across_tenants, tenant_scope
from tests.consent.factories import agree, open_form
from tests.contacts.calls import Caller
from tests.inbox import meta
from tests.inbox.conftest import connect
from tests.inbox.outbox import send
from whatsapp.models import Number

Deliver = Callable[..., None]


@pytest.fixture
def anna(number: Number) -> Contact:
    send(number, 1)
    with tenant_scope(number.tenant):
        anna = Contact.objects.get()
        agree(number.tenant, anna)
        return anna


def kept() -> tuple[int, int]:
    """How many raw webhooks and how many messages of people there are."""
    with across_tenants("this test"):
        return WebhookEvent.objects.count(), InboundMessage.objects.count()


def test_a_no_to_a_closed_company_is_set_aside_and_counts_when_it_comes_back(
    number: Number, deliver: Deliver, anna: Contact
) -> None:
    actions.close(tenant=number.tenant)

    deliver(meta.body(number, messages=[meta.text("STOPP", at=timezone.now() + timedelta(seconds=1))]))

    assert kept() == (1, 0)
    with across_tenants("this test"):
        [event] = WebhookEvent.objects.all()
    assert (event.state, event.error) == (WebhookEvent.State.SET_ASIDE, "the company is closed")

    actions.reopen(tenant=number.tenant)
    inbox.try_again(event_ids=[event.pk])
    receiving.run(seconds=60)

    assert kept() == (1, 1)
    with tenant_scope(number.tenant):
        assert may_send(contact=anna, channel="whatsapp", purpose="marketing").reason == "withdrawn"


def test_what_is_about_the_account_of_a_closed_company_is_set_aside_too(number: Number, deliver: Deliver) -> None:
    actions.close(tenant=number.tenant)

    deliver(meta.entry(number.account.waba_id, {"field": "account_update", "value": {"event": "ACCOUNT_DELETED"}}))

    with across_tenants("this test"):
        [event] = WebhookEvent.objects.all()
    assert (event.state, event.error) == (WebhookEvent.State.SET_ASIDE, "the company is closed")


def test_what_arrives_after_everything_was_deleted_is_not_kept_either(number: Number, deliver: Deliver) -> None:
    now = timezone.now()
    times = {"began_at": now - timedelta(days=9), "closed_at": now, "deleted_at": now}
    with tenant_scope(number.tenant):
        Number.objects.filter(pk=number.pk).update(phone_number_id="another")
    EndedContract.objects.create(
        company_id=4711, company_uid=number.tenant.uid, slug="gone", name="Gone", names=["pnid-bakery"], **times
    )

    deliver(meta.body(number, messages=[meta.text("Hallo?")]))

    assert kept() == (0, 0)


def test_what_is_about_somebody_unknown_stays_for_its_thirty_days(number: Number, deliver: Deliver) -> None:
    number.phone_number_id = "never seen"

    deliver(meta.body(number, messages=[meta.text("Hallo?")]))

    assert kept() == (1, 0)


def test_a_body_about_two_companies_reaches_the_one_that_stays(
    number: Number, shop: Tenant, deliver: Deliver, anna: Contact
) -> None:
    other = connect(shop, "other")
    actions.close(tenant=number.tenant)
    told = [meta.body(one, messages=[meta.text("Hallo")]) for one in (number, other)]
    entries = b",".join(body.split(b'"entry": [', 1)[1].rsplit(b"]", 1)[0] for body in told)

    deliver(b'{"object": "whatsapp_business_account", "entry": [' + entries + b"]}")

    assert kept() == (1, 1)


def test_the_door_of_a_closed_companys_own_app_is_shut(shop_number: Number, client: Client) -> None:
    actions.close(tenant=shop_number.tenant)

    path = f"{meta.PATH}{shop_number.account.uid}/"
    assert client.post(path, b"{}", "application/json", headers={"X-Hub-Signature-256": "sha256=0"}).status_code == 404


def test_nobody_enters_a_closed_company_by_login_key_or_link(
    bakery_made: NewTenant, number: Number, anna: Contact, client: Client
) -> None:
    page = urlsplit(preferences.url(anna)).path
    client.force_login(bakery_made.owner)
    assert client.get("/bakery/").status_code == 200

    actions.close(tenant=bakery_made.tenant)

    assert client.get("/bakery/").status_code == 404
    assert Caller(bakery_made.api_key).get("contacts/").status_code == 401
    assert client.post(page, {"pair": "all"}).status_code == 410
    with tenant_scope(bakery_made.tenant):
        assert not ConsentEvent.objects.filter(state="withdrawn").exists()


def test_nobody_signs_up_with_a_closed_company(bakery: Tenant, client: Client) -> None:
    with tenant_scope(bakery):
        open_form(bakery)
    assert client.get("/s/bakery/theke/").status_code == 200

    actions.close(tenant=bakery)

    assert client.get("/s/bakery/theke/").status_code == 404
    assert client.post("/s/bakery/theke/", {"agree": "on"}).status_code == 404
    with tenant_scope(bakery):
        assert not SignupRequest.objects.exists()


def test_a_closed_company_is_no_workspace_any_more(bakery_made: NewTenant, client: Client) -> None:
    client.force_login(bakery_made.owner)
    assert client.get("/").headers["Location"] == "/bakery/"

    actions.close(tenant=bakery_made.tenant)

    answer = client.get("/")
    assert answer.status_code == 200
    assert "/bakery/" not in answer.content.decode()


def test_closing_a_company_again_does_not_put_its_end_off(bakery: Tenant) -> None:
    actions.close(tenant=bakery)
    first = Tenant.objects.get(pk=bakery.pk).closed_at

    actions.close(tenant=bakery)

    assert Tenant.objects.get(pk=bakery.pk).closed_at == first
    with tenant_scope(bakery):
        assert AuditEvent.objects.filter(verb="tenant.closed").count() == 1


def test_taking_a_close_back_switches_nobody_on_who_was_switched_off(bakery: Tenant) -> None:
    Tenant.objects.update(is_active=False)

    actions.reopen(tenant=bakery)

    bakery.refresh_from_db()
    assert not bakery.is_active
    with tenant_scope(bakery):
        assert not AuditEvent.objects.filter(verb="tenant.reopened").exists()


def test_a_close_can_be_taken_back(bakery_made: NewTenant, number: Number, deliver: Deliver, client: Client) -> None:
    client.force_login(bakery_made.owner)
    actions.close(tenant=bakery_made.tenant)

    actions.reopen(tenant=bakery_made.tenant)

    assert client.get("/bakery/").status_code == 200
    deliver(meta.body(number, messages=[meta.text("Hallo")]))
    assert kept() == (1, 1)
    with tenant_scope(bakery_made.tenant):
        assert AuditEvent.objects.filter(verb="tenant.reopened").count() == 1
