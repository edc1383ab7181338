"""People whom a program brings over the API have to know in a month whence their data come (Art. 14 GDPR, CG-61)."""

from collections.abc import Callable
from datetime import date, timedelta
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from django.utils.timezone import localdate, now

from consent import ledger, tasks
from consent.actions import people
from consent.rights import informing, keeping, walking
from contacts.actions import ContactData
from contacts.models import Contact
from inbox.models import Conversation
from messaging.models import Message, Source
from tenants.actions import NewTenant, issue_key
from tenants.models import AuditEvent, Tenant
from tenants.scope import tenant_scope
from tests import factories
from tests.consent.factories import known
from tests.contacts.calls import Caller

PHONES = [f"+4930231250{n:02}" for n in range(5)]
ADA, BEA, CID = PHONES[:3]


@pytest.fixture
def owner(client: Client, bakery_made: NewTenant) -> Client:
    """Alice herself, in the dashboard."""
    client.force_login(bakery_made.owner)
    client.cookies["django_language"] = "en"
    return client


def bring(caller: Caller, *phones: str) -> None:
    answer = caller.post("contacts/bulk/", {"contacts": [{"phone": phone} for phone in phones]})
    assert answer.json()["created"] == len(phones), answer.json()


def pass_days(tenant: Tenant, days: int, *phones: str) -> None:
    """Whom the program brought (only these, if any are named) has been here for so long; a night goes by."""
    with tenant_scope(tenant):
        people = Contact.objects.filter(phone__in=phones or PHONES)
        people.update(created_at=now() - timedelta(days=days))
    tasks.watch_programs_of(tenant_id=tenant.pk)


def warnings(caller: Caller) -> list[dict[str, Any]]:
    found = caller.get("reports/overview/").json()["attention"]
    return [each for each in found if each["kind"] == "program"]


def program(caller: Caller) -> dict[str, Any]:
    [found] = caller.get("programs/").json()["results"]
    return dict(found)


def write_to(tenant: Tenant, phone: str, **fields: Any) -> None:
    sender = factories.number(tenant)
    with tenant_scope(tenant):
        person, template = Contact.objects.get(phone=phone), tenant.templates.first()
    source = factories.source(sender, [person], made_template=template or factories.template(tenant))
    with tenant_scope(tenant):
        sent = {"state": Message.State.DELIVERED, "queue": 2, "accepted_at": now()} | fields
        Message.objects.filter(source=source).update(**sent)


def sign_up(tenant: Tenant, phone: str) -> None:
    with tenant_scope(tenant):
        ledger.append(tenant, factories.yes(Contact.objects.get(phone=phone)))


def write_in(tenant: Tenant, phone: str) -> None:
    sender = factories.number(tenant)
    with tenant_scope(tenant):
        person = Contact.objects.get(phone=phone)
        Conversation.objects.create(tenant=tenant, number=sender, contact=person, last_inbound_at=now())


def test_art_14_people_whom_a_program_brought_need_attention_ten_days_before_their_month_is_over(
    alice: Caller, owner: Client, bakery: Tenant
) -> None:
    bring(alice, ADA, BEA)
    pass_days(bakery, 19)
    assert warnings(alice) == []

    pass_days(bakery, 21, ADA)

    [found] = warnings(alice)
    assert (found["name"], found["uid"]) == (program(alice)["name"], program(alice)["uid"])
    assert found["text"].startswith("By ")
    assert "(at least 2)" in found["text"]
    left = date.fromisoformat(program(alice)["inform_until"]) - localdate()
    assert timedelta(days=6) <= left <= timedelta(days=11)
    pass_days(bakery, 40)
    assert warnings(alice)[0]["text"].startswith("The deadline was ")
    pass_days(bakery, 91)
    assert (warnings(alice), program(alice)["untold"]) == ([], 0)
    assert "in the last 90 days" in owner.get("/bakery/programs/").content.decode()


@pytest.mark.parametrize("told", [write_to, sign_up, write_in])
def test_art_14_whoever_signed_up_got_a_message_or_wrote_is_not_counted(
    alice: Caller, bakery: Tenant, told: Callable[[Tenant, str], None]
) -> None:
    bring(alice, ADA, BEA)
    told(bakery, ADA)
    pass_days(bakery, 25)
    assert program(alice)["untold"] == 1

    told(bakery, BEA)
    pass_days(bakery, 25)

    assert (program(alice)["untold"], program(alice)["inform_until"], warnings(alice)) == (0, None, [])


def test_art_14_a_message_that_failed_and_a_yes_that_the_program_brought_tell_nobody_anything(
    alice: Caller, bakery: Tenant
) -> None:
    bring(alice, ADA)
    uid = alice.get("contacts/").json()["results"][0]["uid"]
    yes = {"state": "granted", "occurred_at": "2026-01-01T12:00:00Z", "source": "Kasse", "proof": "Blatt 1"}
    text = "Ja, Bäckerei Sonne darf mir per WhatsApp Angebote senden. Widerruf jederzeit."
    assert alice.post(f"contacts/{uid}/consents/", {**yes, "wording_text": text}).status_code == 201
    write_to(bakery, ADA, state=Message.State.FAILED)

    pass_days(bakery, 25)

    assert program(alice)["untold"] == 1


def test_art_14_nobody_is_counted_who_may_have_got_a_message_that_is_no_longer_kept(
    alice: Caller, bakery: Tenant
) -> None:
    bring(alice, ADA, BEA)
    write_to(bakery, ADA, created_at=now() - timedelta(days=40))
    with tenant_scope(bakery):
        known(bakery, message_months=1, silence_months=1)
        bakery.sources.update(created_at=now() - timedelta(days=40), state=Source.State.CLOSED)
    keeping.keep(bakery)
    with tenant_scope(bakery):
        assert not Message.objects.filter(contact__gt=0).exists()

    pass_days(bakery, 40, ADA)
    pass_days(bakery, 25, BEA)

    assert program(alice)["untold"] == 1


def test_art_14_only_who_is_new_is_brought_and_each_key_is_a_program_of_its_own(
    alice: Caller, bakery_made: NewTenant
) -> None:
    bakery = bakery_made.tenant
    with tenant_scope(bakery):
        Contact.objects.create(tenant=bakery, phone=CID)
        key = issue_key(tenant=bakery, name="Kasse", scopes=["contacts:read", "contacts:write"], by=None)[1]
    till = Caller(key)
    bring(alice, ADA)
    assert till.post("contacts/", {"phone": BEA}).status_code == 201
    changed = [till.post("contacts/", {"phone": phone, "first_name": "X"}) for phone in (ADA, CID)]
    assert [answer.status_code for answer in changed] == [200, 200]

    pass_days(bakery, 25)

    found = alice.get("programs/").json()["results"]
    assert [each["untold"] for each in found] == [1, 1]
    assert found[0]["name"] == "Kasse" != found[1]["name"]


def test_art_14_a_program_says_that_the_people_know_and_is_asked_again_about_new_ones_only(
    alice: Caller, bakery: Tenant
) -> None:
    bring(alice, ADA, BEA)
    pass_days(bakery, 25)
    address = f"programs/{program(alice)['uid']}/"

    told = alice.post(f"{address}informed/")

    assert (told.status_code, told.json()["untold"], warnings(alice)) == (200, 0, [])
    assert told.json()["informed_at"] is not None
    pass_days(bakery, 25)
    assert warnings(alice) == []
    with tenant_scope(bakery):
        bakery.programs.update(informed_at=now() - timedelta(days=30))
    pass_days(bakery, 40, ADA, BEA)
    bring(alice, CID)
    pass_days(bakery, 25, CID)
    assert program(alice)["untold"] == 1
    with tenant_scope(bakery):
        assert AuditEvent.objects.filter(verb="program.informed").count() == 1


def test_art_14_said_once_and_for_all_nobody_of_a_program_is_watched_until_it_is_taken_back(
    alice: Caller, bakery: Tenant
) -> None:
    bring(alice, ADA)
    pass_days(bakery, 25)
    address = f"programs/{program(alice)['uid']}/"

    assert alice.patch(address, {"has_notice": True}).json()["has_notice"] is True

    bring(alice, BEA)
    pass_days(bakery, 25)
    assert (warnings(alice), alice.get(address).json()["untold"]) == ([], 0)
    assert alice.patch(address, {"has_notice": False}).json()["has_notice"] is False
    pass_days(bakery, 25)
    assert alice.get(address).json()["untold"] == 2


def test_art_14_the_overview_leads_to_the_programs_where_somebody_says_that_their_people_know(
    alice: Caller, owner: Client, bakery: Tenant
) -> None:
    bring(alice, ADA)
    pass_days(bakery, 25)
    assert '<a href="/bakery/programs/">' in owner.get("/bakery/").content.decode()
    page = owner.get("/bakery/programs/").content.decode()
    assert "At least 1 person" in page
    uid = program(alice)["uid"]

    owner.post(f"/bakery/programs/{uid}/informed/")

    page = owner.get("/bakery/programs/").content.decode()
    assert "At least" not in page
    assert "knows" in page
    owner.post(f"/bakery/programs/{uid}/notice/", {"has_notice": "yes"})
    assert "You need not tell anybody where" in owner.get("/bakery/programs/").content.decode()
    owner.post(f"/bakery/programs/{uid}/notice/", {"has_notice": "no"})
    page = owner.get("/bakery/programs/").content.decode()
    assert "You need not tell anybody where" not in page
    assert "Nobody has been counted yet" in page


def test_another_companys_programs_and_a_key_that_only_reads_change_nothing(
    alice: Caller, carol: Caller, bakery: Tenant
) -> None:
    bring(alice, ADA)
    address = f"programs/{program(alice)['uid']}/"
    with tenant_scope(bakery):
        reader = Caller(issue_key(tenant=bakery, name="Leser", scopes=["contacts:read"], by=None)[1])

    assert carol.get("programs/").json()["results"] == []
    assert carol.post(f"{address}informed/").status_code == 404
    assert reader.post(f"{address}informed/").status_code == 403
    assert reader.patch(address, {"has_notice": True}).status_code == 403


def test_a_night_goes_on_where_the_last_one_stopped_and_looks_at_nobody_twice_who_knows(
    alice: Caller, bakery: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(informing, "AT_A_TIME", 1)
    monkeypatch.setattr(informing, "MOST_BATCHES", 2)
    bring(alice, *PHONES)
    for phone in PHONES[:4]:
        sign_up(bakery, phone)
    found = []
    for _night in range(3):
        pass_days(bakery, 25)
        found.append(program(alice)["untold"])

    assert found == [0, 0, 1]
    with tenant_scope(bakery):
        last = Contact.objects.get(phone=PHONES[4])
        assert bakery.programs.get().known_upto == last.pk - 1


def test_who_is_so_new_that_somebody_before_them_may_not_be_stored_yet_is_looked_at_the_next_night(
    alice: Caller, bakery: Tenant
) -> None:
    bring(alice, ADA, BEA)
    sign_up(bakery, ADA)
    sign_up(bakery, BEA)

    pass_days(bakery, 1, ADA)

    with tenant_scope(bakery):
        assert bakery.programs.get().known_upto == Contact.objects.get(phone=ADA).pk


def test_a_person_reads_which_program_brought_their_data(alice: Caller, bakery: Tenant) -> None:
    bring(alice, ADA)

    with tenant_scope(bakery):
        [master] = [each for each in walking.told(Contact.objects.get()) if each.name == "person"]
        [told] = master.rows

    assert told["brought_by"] == program(alice)["name"]


def before_it_was_watched(tenant: Tenant) -> None:
    """As it was when nobody wrote down which program brings whom; then the migration reads the trail."""
    with tenant_scope(tenant):
        Contact.objects.update(program=None)
        tenant.programs.all().delete()
    take_over()


def take_over() -> None:
    migration = import_module("contacts.migrations.0019_programs_of_the_trail")
    with connection.schema_editor(atomic=False) as editor:
        migration.take_over(apps, editor)


def brought_by(tenant: Tenant) -> dict[str, str | None]:
    with tenant_scope(tenant):
        return dict(Contact.objects.order_by("pk").values_list("phone", "program__api_key__name"))


def test_art_14_whom_a_program_brought_before_it_was_watched_is_its_own_where_the_trail_says_so(
    alice: Caller, bakery: Tenant
) -> None:
    with tenant_scope(bakery):
        till = Caller(issue_key(tenant=bakery, name="Kasse", scopes=["contacts:write"], by=None)[1])
        people.upsert(tenant=bakery, rows=[ContactData({"phone": PHONES[4]})], by=None)
    for caller, phone in ((till, ADA), (alice, BEA)):
        assert caller.post("contacts/", {"phone": phone}).status_code == 201
    for phone in (BEA, PHONES[4]):
        assert till.post("contacts/", {"phone": phone, "first_name": "X"}).status_code == 200
    bring(till, CID, PHONES[3])

    before_it_was_watched(bakery)

    found = brought_by(bakery)
    assert found == {ADA: "Kasse", BEA: found[BEA], CID: None, PHONES[3]: None, PHONES[4]: None}
    assert found[BEA] not in (None, "Kasse")
    pass_days(bakery, 25)
    assert [each["untold"] for each in alice.get("programs/").json()["results"]] == [1, 1]


def test_what_the_trail_says_is_taken_over_batch_by_batch_and_never_twice(
    alice: Caller, bakery: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_module("contacts.migrations.0019_programs_of_the_trail"), "AT_A_TIME", 2)
    for phone in PHONES:
        alice.post("contacts/", {"phone": phone})
    before_it_was_watched(bakery)
    once = brought_by(bakery)

    take_over()

    assert set(once) == set(PHONES)
    assert None not in once.values()
    assert (brought_by(bakery), len(alice.get("programs/").json()["results"])) == (once, 1)


def test_art_14_whom_the_trail_names_is_counted_although_the_night_has_passed_them(
    alice: Caller, bakery: Tenant
) -> None:
    alice.post("contacts/", {"phone": ADA})
    with tenant_scope(bakery):
        Contact.objects.update(program=None)
    bring(alice, BEA)
    pass_days(bakery, 25)
    assert program(alice)["untold"] == 1

    take_over()
    pass_days(bakery, 25)

    assert program(alice)["untold"] == 2


def test_art_14_the_page_says_who_is_not_watched_as_long_as_their_month_is_not_long_over(
    owner: Client, bakery: Tenant
) -> None:
    def page() -> str:
        return owner.get("/bakery/programs/").content.decode()

    watched = MigrationRecorder.Migration.objects.filter(app="contacts", name="0016_programs")
    watched.update(applied=now() - timedelta(days=89))
    assert "several in one call" not in page()

    with tenant_scope(bakery):
        bakery.api_keys.update(created_at=now() - timedelta(days=100))

    assert "several in one call" in page()
    watched.update(applied=now() - timedelta(days=91))
    assert "several in one call" not in page()
