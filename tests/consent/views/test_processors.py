"""A company's own register of processors: who works with its customers' data, under which contract (M-51)."""

from datetime import timedelta
from threading import Thread
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.utils import translation
from django.utils.timezone import localdate, now

from consent import records
from consent.actions import processors as actions
from consent.models import Processor, SubProcessor
from consent.receipts import terms
from segments.models import Segment
from tenants.actions import NewTenant
from tenants.models import AuditEvent, Tenant
from tenants.roles import Role
from tenants.scope import tenant_scope
from tenants.templatetags.formats import day
from tests.consent.factories import published
from tests.consent.views.pages import as_role, shown

URL = "/bakery/processing/"
NEW = f"{URL}processors/new/"


@pytest.fixture
def alice(client: Client, bakery_made: NewTenant) -> Client:
    client.force_login(bakery_made.owner)
    client.cookies["django_language"] = "en"
    return client


def agency(**fields: str) -> dict[str, str]:
    """What the form sends of an agency without a contract."""
    given = {"name": "Agentur Nord GmbH", "purpose": "Schreibt unsere Newsletter", "country": "DE"}
    return {**given, "contract_on": "", "ended_on": "", "note": "", **fields}


def entered(client: Client, tenant: Tenant, **fields: str) -> Processor:
    assert client.post(NEW, agency(**fields)).status_code == 302
    with tenant_scope(tenant):
        return Processor.objects.latest("pk")


def stored(tenant: Tenant) -> Processor:
    with tenant_scope(tenant):
        return Processor.objects.get()


def test_m_51_a_processor_without_a_contract_needs_attention_until_its_day_is_entered(
    alice: Client, bakery: Tenant
) -> None:
    assert "None entered" in shown(alice, URL)
    found = entered(alice, bakery, note="https://sonne.example/avv.pdf")

    page = shown(alice, URL)
    assert "1 without a contract" in page
    assert "contract missing" in page
    assert 'href="https://sonne.example/avv.pdf"' in page

    alice.post(f"{URL}processors/{found.uid}/", agency(contract_on="2026-02-03"))

    page = shown(alice, URL)
    assert "contract missing" not in page
    assert "without a contract" not in page
    assert "2026" in page
    with tenant_scope(bakery):
        changed = AuditEvent.objects.get(verb="processor.changed")
    assert changed.changes == {"fields": ["contract_on", "note"]}


def test_they_stand_as_recipients_in_the_record_until_they_end(alice: Client, bakery: Tenant) -> None:
    found = entered(alice, bakery, contract_on="2026-02-03")

    page = shown(alice, f"{URL}record/")
    assert "Further recipients" in page
    assert "Schreibt unsere Newsletter (DE; contract of" in page
    assert alice.get(f"{URL}record.pdf").content.startswith(b"%PDF")

    alice.post(f"{URL}processors/{found.uid}/end/")

    # Today is their last day.
    assert stored(bakery).ended_on == localdate()
    assert "Agentur Nord" in shown(alice, f"{URL}record/")
    assert f"until {day(localdate())}" in shown(alice, URL)
    assert "End today" not in shown(alice, f"{URL}processors/{found.uid}/")

    yesterday = localdate() - timedelta(days=1)
    alice.post(f"{URL}processors/{found.uid}/", agency(contract_on="2026-02-03", ended_on=yesterday.isoformat()))

    assert "Agentur Nord" not in shown(alice, f"{URL}record/")
    assert f"ended on {day(yesterday)}" in shown(alice, URL)


def test_who_gets_data_outside_of_the_eea_stands_in_every_activity_and_on_paper(alice: Client, bakery: Tenant) -> None:
    entered(alice, bakery, name="Mailing Inc.", country="US")
    entered(alice, bakery, name="Druck Bern AG", country="CH")
    entered(alice, bakery, name="Tryk ApS", country="DK")
    basis = "Adequacy decision (Art. 45 GDPR)"
    named = {"name": "Cloud Inc.", "address": "Reno", "purpose": "Server", "country": "US", "safeguard": basis}
    SubProcessor.objects.create(**named, active_from=localdate() + timedelta(days=40), announced_at=now())

    with tenant_scope(bakery):
        Segment.objects.create(tenant=bakery, name="Stammkunden", rule={})
        found = records.activities(bakery)
        receipt = terms.purpose("email", "marketing", "6-1-a")

    assert len(found) > 4
    abroad = {"US: Mailing Inc.", "CH: Druck Bern AG", f"US: Cloud Inc. – {basis}"}
    for activity in found:
        told = activity.third_country.split("\n")
        # Messages go by Meta, too.
        assert {line for line in told if "WhatsApp" not in line} == abroad
        # Page and paper show these lines.
        assert activity.third_country in {line.value for line in activity.lines}
    assert shown(alice, f"{URL}record/").count("CH: Druck Bern AG") == len(found)
    assert alice.get(f"{URL}record.pdf").content.startswith(b"%PDF")
    assert receipt["third_country"] == {"country": "US", "recipients": "Cloud Inc.", "safeguard": basis}


def test_what_goes_by_whatsapp_goes_to_meta_in_the_us_and_mail_does_not(in_bakery: Tenant) -> None:
    published(in_bakery, covers=[["whatsapp", "marketing"], ["email", "marketing"]])

    with translation.override("en"):
        found = {one.title: one.third_country for one in records.activities(in_bakery)}

    by_meta = {title for title, countries in found.items() if "US: WhatsApp LLC" in countries}
    assert by_meta == {"Marketing · WhatsApp", "Answering messages of customers"}
    assert "Marketing · E-mail" in found


def test_who_was_ended_by_mistake_works_again_once_the_day_is_emptied(alice: Client, bakery: Tenant) -> None:
    found = entered(alice, bakery)
    alice.post(f"{URL}processors/{found.uid}/end/")
    alice.post(f"{URL}processors/{found.uid}/end/")

    alice.post(f"{URL}processors/{found.uid}/", agency())

    assert stored(bakery).ended_on is None
    with tenant_scope(bakery):
        verbs = AuditEvent.objects.filter(verb__startswith="processor.").order_by("pk").values_list("verb", flat=True)
        assert list(verbs) == ["processor.added", "processor.ended", "processor.changed"]


@pytest.mark.parametrize(
    ("field", "fields"),
    [
        ("name", {"name": ""}),
        ("purpose", {"purpose": ""}),
        ("country", {"country": "XX"}),
        ("contract_on", {"contract_on": f"{localdate() + timedelta(days=9)}"}),
        ("ended_on", {"contract_on": "2026-02-03", "ended_on": "2026-02-02"}),
    ],
)
def test_what_cannot_be_is_refused_at_its_field(
    alice: Client, bakery: Tenant, field: str, fields: dict[str, str]
) -> None:
    answer = alice.post(NEW, agency(**fields))

    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == [field]
    with tenant_scope(bakery):
        assert not Processor.objects.exists()


def test_the_same_work_of_the_same_company_is_entered_once(alice: Client, bakery: Tenant) -> None:
    entered(alice, bakery)

    answer = alice.post(NEW, agency(name="AGENTUR Nord GmbH"))

    assert answer.status_code == 422
    assert "stands in your list already" in answer.content.decode()
    values: dict[str, Any] = {"name": "Agentur Nord GmbH", "purpose": "Schreibt unsere Newsletter", "country": "DE"}
    with tenant_scope(bakery), pytest.raises(IntegrityError), transaction.atomic():
        Processor.objects.create(tenant=bakery, **values)
    entered(alice, bakery, purpose="Betreut unsere Website")


@pytest.mark.django_db(transaction=True)
def test_two_clicks_at_the_same_moment_enter_it_once_and_the_second_is_told(alice: Client, bakery: Tenant) -> None:
    values: dict[str, Any] = {"name": "Agentur Nord GmbH", "purpose": "Schreibt unsere Newsletter", "country": "DE"}
    answers = []

    def second() -> None:
        answers.append(alice.post(NEW, agency()))
        connection.close()

    clicking = Thread(target=second)
    with tenant_scope(bakery):
        actions.add(tenant=bakery, by=None, **values)
        clicking.start()
        # Until this one is committed the second has to wait.
        clicking.join(0.5)
        assert answers == []
    clicking.join(10)

    (answer,) = answers
    assert answer.status_code == 422
    assert "stands in your list already" in answer.content.decode()
    assert stored(bakery).name == "Agentur Nord GmbH"


def test_who_may_only_read_changes_nothing(alice: Client, bakery: Tenant, bakery_made: NewTenant) -> None:
    found = entered(alice, bakery)
    as_role(bakery_made, Role.ANALYST)

    for address in (NEW, f"{URL}processors/{found.uid}/", f"{URL}processors/{found.uid}/end/"):
        assert alice.post(address, agency(contract_on="2026-02-03")).status_code == 403
    assert stored(bakery).contract_on is None


def test_another_company_sees_none_of_it(alice: Client, bakery: Tenant, shop: Tenant) -> None:
    with tenant_scope(shop):
        foreign = Processor.objects.create(tenant=shop, name="Fremd AG", purpose="Server", country="DE")

    assert "Fremd AG" not in shown(alice, URL)
    assert alice.get(f"{URL}processors/{foreign.uid}/").status_code == 404
    assert alice.post(f"{URL}processors/{foreign.uid}/end/").status_code == 404


def test_staff_see_whose_processors_lack_a_contract_and_change_nothing(staff: Client, bakery: Tenant) -> None:
    with tenant_scope(bakery):
        Processor.objects.create(tenant=bakery, name="Agentur Nord GmbH", purpose="Texte", country="DE")

    assert "Agentur Nord GmbH" in staff.get("/admin/consent/processor/?contract_on__isempty=1").content.decode()
    assert staff.get("/admin/consent/processor/add/").status_code == 403
