"""What only the first message can say to people who did not sign up themselves: their right to object, and whence."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import translation
from django.utils.timezone import now

from campaigns import actions, audience, preflight, queries
from campaigns.models import Campaign
from consent import speaking
from contacts.models import Contact
from messaging.models import Message, Source
from messaging.rendering import OWN_PAGE
from segments import actions as segments
from segments.models import Segment
from tenants.actions import NewTenant
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests import factories
from tests.campaigns.cast import change_template, content, draft, listed, stored
from tests.campaigns.test_counting import counts
from tests.consent.factories import known
from tests.consent.imports import done
from tests.consent.test_api import YES
from tests.contacts.calls import Caller

HEADERS = "Handy;Einwilligung am;Einwilligungsquelle;Wortlaut;Nachweis\n"
LINE = "0151 2345678{};01.02.2025;Ladenformular;Ja, per WhatsApp von der Bäckerei Sonne.;Blatt 1\n"
NOTICE = "https://sonne.example/datenschutz"
OBJECT = "Sie können der Verwendung Ihrer Daten für Werbung jederzeit widersprechen."
BOTH = ["warning.objection", "warning.notice"]


def found(campaign: Campaign, language: str = "en") -> list[preflight.Check]:
    """What the page before the launch warns of."""
    campaign = stored(campaign)
    with tenant_scope(campaign.tenant), translation.override(language):
        checks = preflight.checks(campaign, queries.estimate(campaign))
    assert all(check.ok for check in checks), checks
    return [check for check in checks if check.code.startswith("warning.")]


def warnings(campaign: Campaign) -> list[str]:
    return [check.code for check in found(campaign)]


def say(campaign: Campaign, *sentences: str) -> None:
    """Have the template's body say this, too."""
    others = [part for part in factories.MARKETING_COMPONENTS if part["type"] != "BODY"]
    body = {"type": "BODY", "text": " ".join(["Hallo {{1}}, bis {{2}} gibt es 20 Prozent auf alles.", *sentences])}
    change_template(campaign, components=[body, *others])


@pytest.fixture
def to_imported(bakery: Tenant, settings: Any, tmp_path: Any) -> Campaign:
    """A campaign to somebody whose yes came with a file; the company has a privacy notice."""
    settings.MEDIA_ROOT = str(tmp_path)
    done(bakery, HEADERS + LINE.format(0))
    with tenant_scope(bakery):
        known(bakery, privacy_url=NOTICE)
        people = list(Contact.objects.all())
    return draft(bakery, people)


@pytest.fixture
def alice(client: Client, bakery_made: NewTenant) -> Client:
    client.force_login(bakery_made.owner)
    return client


def test_art_14_the_first_message_to_people_of_an_import_must_lead_to_the_notice(to_imported: Campaign) -> None:
    assert warnings(to_imported) == BOTH

    say(to_imported, f"Datenschutz: {NOTICE}.")

    assert warnings(to_imported) == ["warning.objection"]


def test_cg_24_the_first_message_to_people_of_an_import_must_name_their_right_to_object(to_imported: Campaign) -> None:
    say(to_imported, "Abmelden können Sie sich jederzeit.")
    assert warnings(to_imported) == BOTH

    say(to_imported, OBJECT)

    assert warnings(to_imported) == ["warning.notice"]


@pytest.mark.parametrize(
    ("address_form", "language", "objection", "whence"),
    [
        ("du", "de", "Du kannst der Verwendung deiner Daten", "Auf {{3}} steht, woher wir deine Daten haben."),
        ("sie", "de_AT", "Sie können der Verwendung Ihrer Daten", "Auf {{3}} steht, woher wir Ihre Daten haben."),
        ("sie", "en_US", "You may object to the use", "See {{3}} for where we have your data from."),
    ],
)
def test_the_warning_brings_a_sentence_that_mends_it_as_the_company_addresses_people(
    to_imported: Campaign, address_form: str, language: str, objection: str, whence: str
) -> None:
    with tenant_scope(to_imported.tenant):
        known(to_imported.tenant, address_form=address_form)
    change_template(to_imported, language=language)

    told = [check.text for check in found(to_imported)]

    assert [said in text for said, text in zip([objection, whence], told, strict=True)] == [True, True]
    with tenant_scope(to_imported.tenant):
        said = speaking.texts(to_imported.tenant, language[:2])["first_objection"]
    say(to_imported, said, whence, "Bis bald!")
    page = {"name": "3", "from": OWN_PAGE}
    content(to_imported, body=[*factories.VARIABLES["body"], page])
    assert warnings(to_imported) == []


def test_the_persons_own_page_tells_whence_and_does_not_stand_for_the_right_to_object(to_imported: Campaign) -> None:
    say(to_imported, "Ihre Seite: {{3}}.")
    content(to_imported, body=[*factories.VARIABLES["body"], {"name": "3", "from": OWN_PAGE}])

    assert warnings(to_imported) == ["warning.objection"]


def test_a_fixed_text_of_the_campaign_says_it_as_the_template_does(to_imported: Campaign) -> None:
    first, _second = factories.VARIABLES["body"]
    text = f"Sonntag (Ihre Nummer haben Sie uns im Laden gegeben. {OBJECT})"
    content(to_imported, body=[first, {"name": "2", "from": "text", "text": text}])

    assert warnings(to_imported) == []


def test_people_whom_a_program_brought_are_told_by_their_first_message_too(
    bakery: Tenant, api: Caller, alice: Client
) -> None:
    uid = api.post("contacts/", {"phone": "+4915123456789", "first_name": "Anna"}).json()["uid"]
    assert api.post(f"contacts/{uid}/consents/", YES).status_code == 201
    with tenant_scope(bakery):
        people = list(Contact.objects.all())
    campaign = draft(bakery, people)

    checks = api.get(f"campaigns/{campaign.uid}/estimate/").json()["checks"]
    page = alice.get(f"/{bakery.slug}/campaigns/{campaign.uid}/edit/review/?counted").content.decode()

    assert [check["code"] for check in checks if check["code"].startswith("warning.")] == BOTH
    assert [check["text"].count("(1)") for check in checks if check["code"] in BOTH] == [1, 1]
    assert speaking.DU["first_objection"] in page
    assert api.post(f"campaigns/{campaign.uid}/launch/").status_code == 200


def test_what_a_contract_needs_is_no_advertising_that_one_could_object_to(bakery: Tenant, api: Caller) -> None:
    ada = api.post("contacts/", {"phone": "+4915123456789"}).json()["uid"]
    said = {**YES, "purpose": "transactional", "wording_text": "Ja, schreibt mir per WhatsApp zu meiner Bestellung."}
    assert api.post(f"contacts/{ada}/consents/", said).status_code == 201
    with tenant_scope(bakery):
        campaign = draft(bakery, list(Contact.objects.all()))
    change_template(campaign, category="UTILITY", components=[{"type": "BODY", "text": "Ihre Bestellung ist da."}])
    content(campaign, header={}, body=[], buttons=[])
    with tenant_scope(bakery):
        actions.update(campaign=campaign, by=None, purpose="transactional")

    assert warnings(campaign) == ["warning.order", "warning.notice"]


def test_cg_24_an_address_does_not_name_the_right_to_object(to_imported: Campaign) -> None:
    address = f"{NOTICE}/widerspruch-gegen-werbung"
    say(to_imported, f"Werbung: {address}")
    content(to_imported, buttons=[{**one, "url": address} for one in factories.VARIABLES["buttons"]])

    assert warnings(to_imported) == ["warning.objection"]


def test_each_template_that_lacks_it_is_warned_of_once(to_imported: Campaign, bakery: Tenant) -> None:
    with tenant_scope(bakery):
        first = bakery.templates.get()
        other = factories.template(bakery, name="herbst", meta_id="5002")
        for position, template in enumerate([first, other, other]):
            actions.set_content(
                campaign=to_imported,
                by=None,
                template=template,
                variables=factories.VARIABLES,
                variant=position,
                weight=[50, 25, 25][position],
            )

    told = found(to_imported)

    assert [check.code for check in told] == sorted(BOTH * 2, key=BOTH.index)
    assert ["herbst" in check.text for check in told] == [False, True] * 2


def written(bakery: Tenant, purpose: str = "marketing", **changes: Any) -> None:
    """Everybody was sent a message of this purpose."""
    with tenant_scope(bakery):
        people = list(Contact.objects.all())
        source = factories.source(bakery.numbers.get(), people, made_template=bakery.templates.get())
        Source.objects.filter(pk=source.pk).update(purpose=purpose)
        Message.objects.filter(source=source).update(**{"accepted_at": now(), "queue": 2, "state": 4, **changes})


def test_who_was_written_to_already_has_had_their_first_message(to_imported: Campaign, bakery: Tenant) -> None:
    written(bakery)

    assert warnings(to_imported) == []


@pytest.mark.parametrize("purpose", ["transactional", "service"])
def test_cg_24_what_was_no_advertising_was_not_the_first_of_it(
    to_imported: Campaign, bakery: Tenant, purpose: str
) -> None:
    written(bakery, purpose)

    assert warnings(to_imported) == ["warning.objection"]


def test_a_message_that_failed_after_meta_had_accepted_it_was_not_the_first(
    to_imported: Campaign, bakery: Tenant
) -> None:
    written(bakery, state=Message.State.FAILED, failed_at=now())

    assert warnings(to_imported) == BOTH


def test_who_signed_up_themselves_needs_no_such_notice(ready: Campaign) -> None:
    assert warnings(ready) == []


def test_who_is_left_out_gets_no_first_message(to_imported: Campaign, bakery: Tenant) -> None:
    with tenant_scope(bakery):
        people = list(Contact.objects.all())
        included = to_imported.audiences.get().list
    both = [included, listed(bakery, factories.contacts(bakery, 1), "Alle")]
    left_out = listed(bakery, people, "Nicht")
    with tenant_scope(bakery):
        actions.set_audience(campaign=to_imported, by=None, include_lists=both, exclude_lists=[left_out])

    assert warnings(to_imported) == []


@pytest.mark.parametrize(("uid", "told"), [("0", "about 2"), ("f", "at least 1")])
def test_a_large_audience_is_sampled_and_who_came_last_is_looked_at_besides(
    bakery: Tenant, settings: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch, uid: str, told: str
) -> None:
    """Two of three are looked at, by the random uid: with the first one they are in the sample, with the last not."""
    monkeypatch.setattr(audience, "SAMPLE", 2)
    settings.MEDIA_ROOT = str(tmp_path)
    factories.contacts(bakery, 2)
    done(bakery, HEADERS + LINE.format(0))
    with tenant_scope(bakery):
        Contact.objects.filter(phone="+4915123456780").update(uid=uid * 32)
        people = list(Contact.objects.all())

    first, second = found(draft(bakery, people))

    assert f"({told})" in first.text
    assert f"({told})" in second.text


CALLS = pytest.mark.parametrize(
    ("call", "said"), [("launch", None), ("schedule", {"local_time": "2030-12-01T09:00:00"})]
)


@CALLS
def test_cg_24_a_program_that_never_asks_for_the_estimate_is_warned_by_the_answer(
    to_imported: Campaign, api: Caller, call: str, said: Any
) -> None:
    checks = api.get(f"campaigns/{to_imported.uid}/estimate/").json()["checks"]

    answer = api.post(f"campaigns/{to_imported.uid}/{call}/", said)

    assert answer.status_code == 200
    told = answer.json()["warnings"]
    assert [check["code"] for check in told] == BOTH
    assert told == [check for check in checks if check["code"].startswith("warning.")]


@CALLS
def test_who_launches_with_nothing_to_look_at_is_warned_of_nothing(
    ready: Campaign, api: Caller, call: str, said: Any
) -> None:
    assert api.post(f"campaigns/{ready.uid}/{call}/", said).json()["warnings"] == []


@CALLS
def test_for_the_warnings_of_a_launch_nobody_is_counted_and_those_who_came_last_are_looked_at(
    bakery: Tenant, api: Caller, settings: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch, call: str, said: Any
) -> None:
    monkeypatch.setattr(audience, "SAMPLE", 2)
    settings.MEDIA_ROOT = str(tmp_path)
    factories.contacts(bakery, 2)
    done(bakery, HEADERS + LINE.format(0))
    with tenant_scope(bakery):
        people = list(Contact.objects.all())
    campaign = draft(bakery, people)

    with CaptureQueriesContext(connection) as queries_of_launch:
        told = api.post(f"campaigns/{campaign.uid}/{call}/", said).json()["warnings"]

    assert ["(at least 1)" in check["text"] for check in told] == [True, True]
    assert counts(queries_of_launch) == 0
    assert not any("AS MATERIALIZED" in row["sql"] for row in queries_of_launch)


def test_a_repeated_launch_is_answered_although_a_segment_cannot_be_read_any_more(
    to_imported: Campaign, bakery: Tenant, api: Caller
) -> None:
    with tenant_scope(bakery):
        segment = segments.create(tenant=bakery, name="Alle", rule={}, by=None)
        actions.set_audience(campaign=to_imported, by=None, include_segments=[segment])
    assert len(api.post(f"campaigns/{to_imported.uid}/launch/").json()["warnings"]) == 2
    with tenant_scope(bakery):
        Segment.objects.update(rule={"op": "of an older release"})

    again = api.post(f"campaigns/{to_imported.uid}/launch/")

    assert (again.status_code, again.json()["warnings"]) == (200, [])
