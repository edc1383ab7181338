"""The page “Contract and records”: concluding the contract, the record of Art. 30, and the register of breaches."""

from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation
from pytest_django import DjangoCaptureOnCommitCallbacks

from consent import records, tasks
from consent.actions import wordings
from consent.actions.agreements import announce
from consent.models import Agreement, Breach, Controller, Disposal, SubProcessor
from consent.queries import disposals
from contacts.models import Contact, Event
from segments.models import Segment
from tenants.actions import NewTenant, create_tenant
from tenants.models import AuditEvent, Tenant
from tenants.roles import Role
from tenants.scope import tenant_scope
from tests import factories
from tests.consent.factories import minutes, person, published, say
from tests.consent.views.pages import as_role, shown

URL = "/bakery/processing/"


@pytest.fixture
def dora(client: Client, db: None) -> Client:
    """The owner of a company that has not concluded anything."""
    client.force_login(create_tenant(slug="cafe", name="Café", owner_email="dora@example.com").owner)
    client.cookies["django_language"] = "en"
    return client


def breach(**fields: str) -> dict[str, str]:
    """What the form sends of a lost laptop."""
    known = timezone.localtime() - timedelta(hours=1)
    return {
        "known_at": f"{known:%Y-%m-%dT%H:%M}",
        "what": "Laptop im Zug verloren",
        "data": "Namen und Nummern der Stammkunden",
        "is_risk": "on",
        **fields,
    }


def conclude(client: Client, **fields: str) -> Any:
    """What the form sends of whoever has just read the contract."""
    shown = client.get("/cafe/processing/agreement/").context["form"].initial["shown"]
    said = {"signer": "Dora Nord", "position": "Managing director", "is_entitled": "on", "shown": shown}
    return client.post("/cafe/processing/agreement/", {**said, **fields}, follow=True)


def changed(client: Client, at: str, **fields: str) -> Any:
    """What the form of a breach sends, as it stands on the page now."""
    version = client.get(at).context["form"].initial["version"]
    return client.post(at, breach(**{"version": str(version), **fields}))


def closed(client: Client, at: str) -> str:
    return client.post(f"{at}close/", {"confirmed": "1"}, follow=True).content.decode()


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
        looked.append(sum('FROM "consent_processor"' in one["sql"] for one in statements))

    assert looked[0] == looked[1] > 0


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


def test_cg_52_a_breach_is_noted_and_its_72_hours_are_counted(alice: Client, bakery: Tenant) -> None:
    assert alice.post(f"{URL}breaches/new/", breach()).status_code == 302

    assert "to be reported" in shown(alice, URL)
    with tenant_scope(bakery):
        found = Breach.objects.get()
        assert found.due_at - found.known_at == timedelta(hours=72)
        Breach.objects.update(known_at=timezone.now() - timedelta(hours=73))
    assert "report overdue" in shown(alice, URL)


def test_breaches_of_one_minute_stand_in_the_order_of_their_entry(alice: Client, bakery: Tenant) -> None:
    known_at = f"{timezone.localtime() - timedelta(hours=1):%Y-%m-%dT%H:%M}"
    for what in ("Erster", "Zweiter", "Dritter"):
        alice.post(f"{URL}breaches/new/", breach(known_at=known_at, what=what))

    page = shown(alice, URL)

    assert page.index("Dritter") < page.index("Zweiter") < page.index("Erster")


@pytest.mark.parametrize(
    ("field", "value"),
    [("known_at", "2099-01-01T12:00"), ("ended_on", "2020-01-01")],
)
def test_days_that_cannot_be_are_refused(alice: Client, field: str, value: str) -> None:
    answer = alice.post(f"{URL}breaches/new/", breach(began_on="2026-01-01", **{field: value}))

    assert answer.status_code == 422
    assert field in answer.context["form"].errors


def test_a_breach_that_is_a_risk_is_not_closed_before_somebody_was_told_or_a_reason_stands(
    alice: Client, bakery: Tenant
) -> None:
    alice.post(f"{URL}breaches/new/", breach())
    with tenant_scope(bakery):
        found = Breach.objects.get()
    at = f"{URL}breaches/{found.uid}/"

    late = timezone.localtime() + timedelta(hours=72)
    changed(alice, at, authority_told_at=f"{late:%Y-%m-%dT%H:%M}")
    assert "Say why the authority was not notified" in closed(alice, at)
    changed(alice, at)
    assert "Say why the authority was not notified" in closed(alice, at)
    changed(alice, at, why_not="Die Platte ist verschlüsselt, ein Risiko besteht nicht.")
    assert "Closed." in closed(alice, at)

    with tenant_scope(bakery):
        assert Breach.objects.get().closed_at is not None
    assert "This breach is closed." in changed(alice, at, what="Anders").content.decode()


def test_a_breach_is_closed_only_after_a_question_that_works_without_scripts(alice: Client, bakery: Tenant) -> None:
    alice.post(f"{URL}breaches/new/", breach(is_risk=""))
    with tenant_scope(bakery):
        at = f"{URL}breaches/{Breach.objects.get().uid}/"
    assert 'data-confirm-yes="Close for good"' in shown(alice, at)

    asked = alice.post(f"{at}close/").content.decode()

    assert "nobody can change it any more" in asked
    with tenant_scope(bakery):
        assert Breach.objects.get().closed_at is None
    assert "Closed." in closed(alice, at)


def test_two_who_edit_a_breach_at_once_do_not_overwrite_each_other(alice: Client, bakery: Tenant) -> None:
    alice.post(f"{URL}breaches/new/", breach())
    with tenant_scope(bakery):
        at = f"{URL}breaches/{Breach.objects.get().uid}/"
    bob = Client(headers={"Accept-Language": "en"})
    bob.cookies = alice.cookies
    both_saw = str(alice.get(at).context["form"].initial["version"])
    assert bob.post(at, breach(version=both_saw, measures="Gesperrt von Bob")).status_code == 302

    refused = alice.post(at, breach(version=both_saw, effects="Werbung von Fremden"))

    assert refused.status_code == 422
    page = refused.content.decode()
    assert "Somebody else has changed this breach meanwhile" in page
    assert "Saved meanwhile: Gesperrt von Bob" in page
    assert "Werbung von Fremden" in page
    with tenant_scope(bakery):
        assert (Breach.objects.get().measures, Breach.objects.get().effects) == ("Gesperrt von Bob", "")

    now_seen = str(refused.context["form"]["version"].value())
    both = breach(version=now_seen, measures="Gesperrt von Bob", effects="Werbung von Fremden")
    assert alice.post(at, both).status_code == 302
    # A second click sends the same once more, from the page before.
    assert alice.post(at, both).status_code == 302
    with tenant_scope(bakery):
        assert Breach.objects.get().effects == "Werbung von Fremden"


def test_whom_to_inform_is_taken_as_a_list_of_those_known_till_its_end(alice: Client, bakery: Tenant) -> None:
    with tenant_scope(bakery):
        person(bakery, first_name="Anna", phone="+493023125001")
        Contact.objects.update(created_at=timezone.now() - timedelta(days=30))
        person(bakery, first_name="Bert", phone="+493023125002")
    last_week = (timezone.localdate() - timedelta(days=7)).isoformat()
    alice.post(f"{URL}breaches/new/", breach(ended_on=last_week))
    with tenant_scope(bakery):
        found = Breach.objects.get()

    answer = alice.get(f"{URL}breaches/{found.uid}/people.csv")

    lines = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]
    assert "Anna" in lines
    assert "+493023125001" in lines
    assert "Bert" not in lines
    with tenant_scope(bakery):
        assert AuditEvent.objects.filter(verb="breach.people_taken").count() == 1


def test_the_days_of_that_list_are_the_company_s_own(alice: Client, bakery: Tenant) -> None:
    Tenant.objects.update(timezone="Pacific/Auckland")
    zone = ZoneInfo("Pacific/Auckland")
    day = timezone.localdate(timezone=zone) - timedelta(days=7)
    midnight = datetime.combine(day + timedelta(days=1), time(), zone)
    with tenant_scope(bakery):
        for name, at in (("Anna", midnight - timedelta(hours=1)), ("Bert", midnight + timedelta(hours=1))):
            Contact.objects.filter(pk=person(bakery, first_name=name).pk).update(created_at=at)
    alice.post(f"{URL}breaches/new/", breach(ended_on=day.isoformat()))
    with tenant_scope(bakery):
        found = Breach.objects.get()

    answer = alice.get(f"{URL}breaches/{found.uid}/people.csv")

    lines = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]
    assert "Bert" not in lines
    [anna] = [line for line in lines.splitlines() if "Anna" in line]
    assert day.isoformat() in anna


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


def test_a_breach_that_staff_enter_is_told_to_the_company(
    staff: Client, bakery_made: NewTenant, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    known = timezone.localtime()
    values = {
        "tenant": str(bakery_made.tenant.pk),
        "known_at_0": f"{known:%Y-%m-%d}",
        "known_at_1": f"{known:%H:%M}",
        "what": "Eine Sicherung lag offen",
        "data": "Kontakte",
        "is_risk": "on",
    }
    with django_capture_on_commit_callbacks() as bells:
        answer = staff.post("/admin/consent/breach/add/", values)
    assert any("tell_companies" in str(bell) for bell in bells)
    assert answer.status_code == 302, answer.content.decode()

    tasks.tell_companies()
    tasks.tell_companies()

    [letter] = mail.outbox
    assert letter.to == ["alice@example.com"]
    assert "Eine Sicherung lag offen" in letter.body


def test_an_agent_may_note_a_breach_and_an_analyst_sees_none_of_it(alice: Client, bakery_made: NewTenant) -> None:
    as_role(bakery_made, Role.AGENT)
    assert alice.get(f"{URL}breaches/new/").status_code == 200

    as_role(bakery_made, Role.ANALYST)
    assert alice.get(URL).status_code == 403
