"""The page “Contract and records”: concluding the contract, the record of Art. 30, and what its time took."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation

from consent import records
from consent.actions import wordings
from consent.actions.agreements import announce
from consent.models import Agreement, Controller, Disposal, SubProcessor
from consent.queries import disposals
from contacts.models import Event
from segments.models import Segment
from tenants.actions import create_tenant
from tenants.models import Tenant
from tenants.roles import Role
from tenants.scope import tenant_scope
from tests import factories
from tests.consent.factories import minutes, person, published, say
from tests.consent.views.pages import shown

URL = "/bakery/processing/"


@pytest.fixture
def dora(client: Client, db: None) -> Client:
    """The owner of a company that has not concluded anything."""
    client.force_login(create_tenant(slug="cafe", name="Café", owner_email="dora@example.com").owner)
    client.cookies["django_language"] = "en"
    return client


def conclude(client: Client, **fields: str) -> Any:
    """What the form sends of whoever has just read the contract."""
    shown = client.get("/cafe/processing/agreement/").context["form"].initial["shown"]
    said = {"signer": "Dora Nord", "position": "Managing director", "is_entitled": "on", "shown": shown}
    return client.post("/cafe/processing/agreement/", {**said, **fields}, follow=True)


def test_the_contract_is_read_and_concluded_in_the_dashboard(dora: Client) -> None:
    assert "to be concluded" in shown(dora, "/cafe/processing/")
    assert "Data processing agreement" in shown(dora, "/cafe/processing/agreement/")

    page = conclude(dora).content.decode()

    assert "The contract is concluded." in page
    assert "Dora Nord, Managing director" in " ".join(page.split())
    with tenant_scope(Tenant.objects.get(slug="cafe")):
        uid = Agreement.objects.get().uid
    assert dora.get(f"/cafe/processing/agreement/{uid}.pdf").content.startswith(b"%PDF")


@pytest.mark.parametrize("shown", ["", "0" * 64])
def test_another_text_than_the_one_that_was_read_is_not_concluded(dora: Client, shown: str) -> None:
    answer = conclude(dora, shown=shown)

    assert answer.status_code == 422
    page = answer.content.decode()
    assert "The text has changed since this page was opened." in page
    # It has to be read and ticked again; the name stays.
    assert "Dora Nord" in page
    assert not answer.context["form"]["is_entitled"].value()
    with tenant_scope(Tenant.objects.get(slug="cafe")):
        assert Agreement.objects.count() == 0
    shown_now = answer.context["form"]["shown"].value()
    assert "The contract is concluded." in conclude(dora, shown=shown_now).content.decode()


def test_a_sub_processor_that_came_while_somebody_was_reading_is_read_before_it_is_agreed_to(dora: Client) -> None:
    read = dora.get("/cafe/processing/agreement/").context["form"].initial["shown"]
    day = timezone.localdate() + timedelta(days=40)
    nord = {"name": "Nord GmbH", "address": "Kiel", "country": "DE", "purpose": "Mail", "active_from": day}
    announce(SubProcessor.objects.create(**nord))

    answer = conclude(dora, shown=read)

    assert answer.status_code == 422
    assert "Nord GmbH" in answer.content.decode()


def test_without_the_tick_nothing_is_concluded(dora: Client) -> None:
    answer = dora.post("/cafe/processing/agreement/", {"signer": "Dora Nord", "position": "Managing director"})

    assert answer.status_code == 422
    assert "Without this the contract is not concluded." in answer.content.decode()
    with tenant_scope(Tenant.objects.get(slug="cafe")):
        assert Agreement.objects.count() == 0


def test_a_marketer_reads_it_and_cannot_conclude_it(dora: Client) -> None:
    with tenant_scope(Tenant.objects.get(slug="cafe")):
        Tenant.objects.get(slug="cafe").memberships.update(role=Role.MARKETER)

    assert "An owner or admin" in shown(dora, "/cafe/processing/agreement/")
    said = {"signer": "Dora", "position": "Marketing", "is_entitled": "on"}
    assert dora.post("/cafe/processing/agreement/", said).status_code == 403


def test_the_record_names_what_people_were_asked_for(alice: Client, bakery: Tenant) -> None:
    with tenant_scope(bakery):
        Controller.objects.create(tenant=bakery, legal_name="Bäckerei Sonne GmbH", officer="Frau Dr. Schutz")
        published(bakery, covers=[["whatsapp", "marketing"], ["email", "marketing"]])
        # Nobody was asked for this yet.
        wordings.create(tenant=bakery, by=None, name="Entwurf", texts={}, covers=[("sms", "marketing")])

    page = shown(alice, f"{URL}record/")

    assert "Marketing · SMS" not in page
    assert "Bäckerei Sonne GmbH" in page
    assert "Frau Dr. Schutz" in page
    assert "Marketing · WhatsApp" in page
    assert "Marketing · E-mail" in page
    assert "Profiling" not in page
    assert "WhatsApp Ireland" in page
    assert alice.get(f"{URL}record.pdf").content.startswith(b"%PDF")


def test_record_and_contract_ask_for_the_name_and_address_that_they_lack(dora: Client) -> None:
    missing = "legal name or address is missing"
    assert missing in shown(dora, "/cafe/processing/agreement/")
    assert missing in shown(dora, "/cafe/processing/record/")

    with tenant_scope(cafe := Tenant.objects.get(slug="cafe")):
        place = {"street": "Lindenweg 3", "postcode": "10115", "city": "Berlin"}
        Controller.objects.create(tenant=cafe, legal_name="Café Nord GmbH", **place)

    assert missing not in shown(dora, "/cafe/processing/agreement/")
    assert missing not in shown(dora, "/cafe/processing/record/")


def test_a_consent_rests_on_the_law_of_its_purpose(in_bakery: Tenant) -> None:
    pairs = [["whatsapp", "marketing"], ["whatsapp", "tracking"], ["whatsapp", "special_category"]]
    published(in_bakery, covers=pairs)

    with translation.override("en"):
        basis = {one.title: one.legal_basis for one in records.activities(in_bakery)}

    assert "§ 7 (2) no. 2 UWG" in basis["Marketing · WhatsApp"]
    assert "§ 25 (1) TDDDG" in basis["Measuring clicks and reads · WhatsApp"]
    assert "UWG" not in basis["Measuring clicks and reads · WhatsApp"]
    assert "9 (2) (a)" in basis["Special categories of data · WhatsApp"]


def test_the_record_looks_up_who_processes_data_no_more_often_for_more_purposes(alice: Client, bakery: Tenant) -> None:
    looked = []
    for name, purposes in (("Kurz", ["marketing"]), ("Lang", ["survey", "tracking", "special_category"])):
        with tenant_scope(bakery):
            published(bakery, name=name, covers=[["whatsapp", purpose] for purpose in purposes])
        with CaptureQueriesContext(connection) as statements:
            shown(alice, f"{URL}record/")
        asked = [one["sql"] for one in statements]
        looked.append([sum(f'FROM "consent_{name}"' in sql for sql in asked) for name in ("processor", "subprocessor")])

    assert looked[0] == looked[1]
    assert min(looked[0]) > 0


def test_the_record_names_purposes_that_only_an_import_or_the_interface_brought(alice: Client, bakery: Tenant) -> None:
    with tenant_scope(bakery):
        say(bakery, anna := person(bakery), "granted", channel="email", purpose="survey")
        say(bakery, anna, "granted", channel="sms", purpose="marketing")
        say(bakery, anna, "withdrawn", channel="sms", purpose="marketing", occurred_at=minutes(5))

    page = shown(alice, f"{URL}record/")

    assert "Surveys · E-mail" in page
    assert "Marketing · SMS" not in page


DOES = ("Customer data", "Orders and other events of customers", "Choosing recipients by segments", "Statistics on")


def test_cg_51_the_record_names_what_the_company_really_does_with_its_customers_data(
    alice: Client, bakery: Tenant, shop: Tenant
) -> None:
    before = shown(alice, f"{URL}record/")
    with tenant_scope(bakery):
        Event.objects.create(
            tenant=bakery, contact=person(bakery), event_id="1", name=Event.ORDER_PLACED, occurred_at=timezone.now()
        )
        Segment.objects.create(tenant=bakery, name="Stammkunden", rule={"all": []})
        factories.source(factories.number(bakery), factories.contacts(bakery, 1))

    page = shown(alice, f"{URL}record/")

    for title in DOES:
        assert title not in before
        assert title in page


def test_cg_51_the_record_says_how_data_is_kept_safe(alice: Client, bakery: Tenant) -> None:
    page = shown(alice, f"{URL}record/")

    assert "row-level security" in page
    assert "its own papers" in page


def test_what_went_because_its_time_was_over_is_shown(alice: Client, bakery: Tenant) -> None:
    assert "Nothing. The rounds run every night." in shown(alice, URL)
    with tenant_scope(bakery):
        Disposal.objects.create(tenant=bakery, what="messages", count=1200)
        Disposal.objects.create(tenant=bakery, what="messages", count=34)

        for what in ("sign_ups", "exports", "clicks"):
            Disposal.objects.create(tenant=bakery, what=what, count=1)
        Disposal.objects.exclude(what="messages").update(at=timezone.now())

        kinds = [row["what"] for row in disposals(bakery)]

    assert "1,234" in shown(alice, URL)
    assert kinds == ["clicks", "exports", "sign_ups", "messages"]


def test_the_template_for_an_impact_assessment_names_the_company(alice: Client, bakery: Tenant) -> None:
    assert "Bäckerei Sonne" in alice.get(f"{URL}impact-assessment.txt").content.decode()
