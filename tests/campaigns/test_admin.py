"""Staff look after accounts, campaigns and messages in Django admin: without counting, secrets or edits."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.db import connection
from django.db.models import F
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from campaigns import freezing
from campaigns.models import Audience, Campaign, Variant
from consent.models import ConsentState, Controller
from messaging.models import Click, Content, Link, Message, Source
from tenants.models import AuditEvent, Tenant, User
from tenants.scope import across_tenants, tenant_scope
from tests import factories
from tests.campaigns.cast import draft, launch, stored
from whatsapp.models import Account, Media, Number, Rate, Template

MODELS = [Account, Number, Template, Media, Source, Content, Message, Link, Click, Campaign, Audience, Variant]
SECRETS = ("EAAG-token", "the-app-secret", "the-verify-token")


@pytest.fixture
def running(bakery: Tenant) -> Campaign:
    """A campaign on its way, with a row in every table."""
    campaign = launch(draft(bakery, factories.contacts(bakery, 3)))
    freezing.freeze(bakery.pk, campaign.pk)
    with tenant_scope(bakery):
        account = Account.objects.get()
        account.token, account.app_secret, account.verify_token = SECRETS
        account.save()
        message = Message.objects.first()
        link = Link.objects.get()
        Click.objects.create(
            tenant=bakery, link=link, source=link.source, message=message, contact=message.contact, is_counted=True
        )
        Media.objects.create(
            tenant=bakery,
            number=Number.objects.get(),
            file="b.jpg",
            filename="b.jpg",
            mime_type="image/jpeg",
            sha256="0",
        )
    return stored(campaign)


def url(model: type, page: str, *args: object) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)  # type: ignore[attr-defined]


def first(model: type) -> object:
    with across_tenants("this test"):
        return model.objects.order_by("pk")[0].pk  # type: ignore[attr-defined]


def test_every_model_of_the_three_apps_is_in_the_admin() -> None:
    apps = {"whatsapp", "messaging", "campaigns"}

    assert {model for model in admin.site._registry if model._meta.app_label in apps} == {*MODELS, Rate}


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_list_and_row_opens_shows_no_secret_and_cannot_be_changed(
    model: type, staff: Client, running: Campaign
) -> None:
    pages = [staff.get(url(model, "changelist")), staff.get(url(model, "change", first(model)))]

    for page in pages:
        assert page.status_code == 200
        text = page.content.decode()
        assert not [secret for secret in SECRETS if secret in text]
        assert "encrypted" not in text
    assert pages[0].context["cl"].result_list
    assert staff.get(url(model, "add")).status_code == 403
    assert staff.post(url(model, "change", first(model)), {}).status_code == 403
    assert staff.post(url(model, "delete", first(model)), {"post": "yes"}).status_code == 403


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_a_list_never_counts_the_whole_table(model: type, staff: Client, running: Campaign) -> None:
    with CaptureQueriesContext(connection) as queries:
        staff.get(url(model, "changelist"))

    counts = [query["sql"] for query in queries if "COUNT(" in query["sql"].upper()]
    assert counts
    assert all(re.search(r"LIMIT \d+\) ", sql) for sql in counts)


def test_a_list_costs_the_same_number_of_queries_however_long(staff: Client, running: Campaign, bakery: Tenant) -> None:
    def asked() -> list[int]:
        counted = []
        for model in MODELS:
            with CaptureQueriesContext(connection) as queries:
                assert staff.get(url(model, "changelist")).status_code == 200
            counted.append(len(queries))
        return counted

    few = asked()
    for number in range(3):
        more = launch(draft(bakery, factories.contacts(bakery, 2, start=10 * (number + 1)), weights=(1, 1)))
        freezing.freeze(bakery.pk, more.pk)

    assert asked() == few


def test_a_message_is_found_by_metas_id(staff: Client, running: Campaign, bakery: Tenant) -> None:
    with tenant_scope(bakery):
        Message.objects.filter(pk=first(Message)).update(wamid="wamid.HBgL")

    found = staff.get(url(Message, "changelist"), {"q": "wamid.HBgL"}).context["cl"].result_list

    assert [message.wamid for message in found] == ["wamid.HBgL"]


def test_cg_36_staff_see_reads_and_clicks_of_people_who_agreed_to_being_measured_only(
    staff: Client, running: Campaign, bakery: Tenant
) -> None:
    then = datetime(2020, 1, 2, tzinfo=UTC)
    with tenant_scope(bakery):
        one = Message.objects.filter(pk=first(Message))
        one.update(state=Message.State.READ, read_at=then, clicked_at=then)

    def shown() -> tuple[str, int]:
        page = staff.get(url(Message, "change", first(Message))).content.decode()
        rows = {row.pk: row for row in staff.get(url(Message, "changelist")).context["cl"].result_list}
        return str(admin.site.get_model_admin(Message).fate(rows[first(Message)])), page.count("2020")

    assert shown() == (str(Message.State.READ.label), 2)
    with tenant_scope(bakery):
        ConsentState.objects.filter(purpose="tracking").update(state="withdrawn")
    assert shown() == (str(Message.State.DELIVERED.label), 0)


@pytest.mark.parametrize(
    ("model", "lookup"),
    [(Message, "read_at__isnull=0"), (Message, "state__exact=6"), (Click, "contact__exact=1"), (Click, "message=1")],
)
def test_cg_36_staff_find_nobody_by_what_they_may_not_see(
    staff: Client, running: Campaign, model: type, lookup: str
) -> None:
    assert staff.get(f"{url(model, 'changelist')}?{lookup}").status_code == 400


def test_a_message_that_names_nobody_any_more_is_in_the_list_of_staff(
    staff: Client, running: Campaign, bakery: Tenant
) -> None:
    with tenant_scope(bakery):
        Message.objects.filter(pk=first(Message)).update(contact=-F("pk"))

    shown = staff.get(url(Message, "changelist")).context["cl"].result_list

    assert first(Message) in {message.pk for message in shown}


def test_cg_36_clicks_are_shown_to_staff_without_their_people(staff: Client, running: Campaign, bakery: Tenant) -> None:
    with tenant_scope(bakery):
        clicked = Click.objects.select_related("contact").get()
        assert clicked.contact
        name = str(clicked.contact)

    for page in (url(Click, "changelist"), url(Click, "change", clicked.pk)):
        assert name not in staff.get(page).content.decode()


@pytest.mark.parametrize(("months", "days", "shown"), [(None, 729, 1), (None, 732, 0), (6, 179, 1), (6, 185, 0)])
def test_cg_55_staff_see_no_click_that_is_past_the_company_s_time(
    staff: Client, running: Campaign, bakery: Tenant, months: int | None, days: int, shown: int
) -> None:
    with tenant_scope(bakery):
        Controller.objects.filter(tenant=bakery).delete()
        if months:
            Controller.objects.create(tenant=bakery, message_months=months)
        Click.objects.update(at=timezone.now() - timedelta(days=days))
        click = Click.objects.get()

    assert len(staff.get(url(Click, "changelist")).context["cl"].result_list) == shown
    # Django leads elsewhere from a row that is not there.
    assert staff.get(url(Click, "change", click.pk)).status_code == (200 if shown else 302)


def test_staff_pause_resume_and_cancel_as_the_company_would(staff: Client, running: Campaign, bakery: Tenant) -> None:
    def press(action: str) -> str:
        staff.post(url(Campaign, "changelist"), {"action": action, "_selected_action": [running.pk]})
        return stored(running).state

    assert [press("pause"), press("resume"), press("cancel"), press("resume")] == [
        *("paused", "running", "cancelled", "cancelled")
    ]
    with tenant_scope(bakery):
        events = AuditEvent.objects.filter(object_uid=str(running.uid), user__email="staff@example.com").order_by("id")
        assert [event.verb for event in events] == ["campaign.paused", "campaign.resumed", "campaign.cancelled"]


@pytest.mark.parametrize("model", [Account, Number])
def test_staff_let_a_stopped_account_or_number_send_again(
    model: type, staff: Client, running: Campaign, bakery: Tenant
) -> None:
    stop = {"pause_code": 190, "paused_at" if model is Account else "paused_until": running.launched_at}
    with tenant_scope(bakery):
        model.objects.update(**stop)  # type: ignore[attr-defined]

    staff.post(url(model, "changelist"), {"action": "resume", "_selected_action": [first(model)]})

    with tenant_scope(bakery):
        assert model.objects.get().pause_code is None  # type: ignore[attr-defined]


def test_staff_without_the_right_to_change_only_look(running: Campaign, bakery: Tenant) -> None:
    viewer = User.objects.create_user("viewer@example.com", is_staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_campaign"))
    client = Client()
    client.force_login(viewer)

    assert client.get(url(Campaign, "changelist")).status_code == 200
    client.post(url(Campaign, "changelist"), {"action": "cancel", "_selected_action": [running.pk]})
    assert stored(running).state == "running"


def test_staff_put_a_new_price_in_and_a_second_one_of_the_day_is_refused(staff: Client) -> None:
    price = {"currency": "EUR", "market": "DE", "category": "marketing", "valid_from": "2027-01-01", "price": "0.12"}

    assert staff.post(url(Rate, "add"), price).status_code == 302
    again = staff.post(url(Rate, "add"), price)

    assert "already exists" in again.content.decode()
    assert [row.price for row in Rate.objects.filter(valid_from="2027-01-01")] == [Decimal("0.12")]
