"""Sign-up forms over the REST API: made, opened, put up and filled with vouchers, as in the dashboard."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from consent.models import SignupForm, WordingVersion
from consent.questions import QUESTIONS
from tenants import actions as tenancy
from tenants.models import AuditEvent, Tenant
from tenants.scope import tenant_scope
from tests import factories
from tests.consent.factories import known, person, published
from tests.consent.test_signups import PHONE, tap, write
from tests.contacts.calls import Caller
from tests.qr import text_in


@pytest.fixture
def wording(bakery: Tenant) -> WordingVersion:
    factories.number(bakery)
    with tenant_scope(bakery):
        known(bakery)
        return published(bakery, covers=[["whatsapp", "marketing"]])


def values(wording: WordingVersion, **changed: Any) -> dict[str, Any]:
    given = {"name": "Theke links", "number": "+49 30 23125000", "wording": str(wording.wording.uid)}
    return given | {"headline": "Immer frisch informiert"} | changed


@pytest.fixture
def form(alice: Caller, wording: WordingVersion) -> dict[str, Any]:
    """A draft with a benefit, a question and an English headline, as the API answers it."""
    answer = alice.post(
        "forms/",
        values(
            wording,
            benefit="5 € Gutschein",
            benefit_terms="Ab 20 € Einkauf.",
            question="choice",
            question_label="Was magst du?",
            question_attribute="lieblings",
            question_answers=["Brot", "Kuchen"],
            translations={"en": {"headline": "Fresh news first", "question_answers": ["Bread", "Cake"]}},
            keyword="Brot",
        ),
    )
    assert answer.status_code == 201, answer.content
    return answer.json()


def test_a_form_is_made_and_tells_its_addresses(
    alice: Caller, form: dict[str, Any], wording: WordingVersion, settings: Any, bakery: Tenant
) -> None:
    assert (form["state"], form["slug"], form["number"]) == ("draft", "theke-links", "+493023125000")
    assert (form["wording"], form["wording_version"], form["extra_wording"]) == (str(wording.wording.uid), 1, None)
    assert form["page_url"] == f"{settings.PUBLIC_URL}/s/bakery/theke-links/"
    assert form["keyword_url"] == "https://wa.me/493023125000?text=BROT"
    assert form["translations"] == {"en": {"headline": "Fresh news first", "question_answers": ["Bread", "Cake"]}}
    assert form["codes"] == {"left": 0, "given": 0, "owed": 0}
    assert form["hindrances"] == []
    assert alice.get(f"forms/{form['uid']}/").json() == form
    [listed] = alice.get("forms/").json()["results"]
    assert listed == {name: value for name, value in form.items() if name != "hindrances"}
    assert alice.get("forms/", state="live").json()["results"] == []
    with tenant_scope(bakery):
        made = AuditEvent.objects.get(verb="signup_form.created")
        assert made.api_key is not None


def test_a_form_says_in_which_language_its_own_texts_are(
    alice: Caller, form: dict[str, Any], wording: WordingVersion
) -> None:
    assert form["language"] == "de"

    english = alice.post("forms/", values(wording, slug="news", headline="Fresh news first", language="en")).json()
    assert english["language"] == "en"
    refused = alice.patch(f"forms/{form['uid']}/", {"language": "en"})

    # Its translation into English would then say the same in the same language.
    assert refused.status_code == 400
    assert "translations" in refused.json()["errors"]
    assert alice.patch(f"forms/{form['uid']}/", {"language": "fr"}).status_code == 400


def test_a_form_is_opened_used_and_closed(alice: Caller, form: dict[str, Any], client: Client, bakery: Tenant) -> None:
    address = f"forms/{form['uid']}/"
    assert client.get("/s/bakery/theke-links/").status_code == 404

    assert alice.post(f"{address}open/").json()["state"] == "live"

    english = client.get("/s/bakery/theke-links/?lang=en").content.decode()
    assert "Fresh news first" in english
    assert '<option value="Kuchen">Cake</option>' in english
    with tenant_scope(bakery):
        anna = person(bakery)
        write(anna, "Brot")
        tap(anna)
    told = alice.get(address).json()
    assert (told["requests"], told["confirmed"], told["codes"]["owed"]) == (1, 1, 1)
    assert alice.post(f"{address}close/").json()["state"] == "closed"
    assert client.get("/s/bakery/theke-links/").status_code == 410


def test_codes_go_first_to_those_who_are_owed_one(alice: Caller, form: dict[str, Any], bakery: Tenant) -> None:
    alice.post(f"forms/{form['uid']}/open/")
    with tenant_scope(bakery):
        anna = person(bakery)
        write(anna, "Brot")
        tap(anna)
    body = {"codes": ["EINS", "ZWEI", "EINS"]}

    first = alice.post(f"forms/{form['uid']}/codes/", body, **{"Idempotency-Key": "pool-1"})
    again = alice.post(f"forms/{form['uid']}/codes/", body, **{"Idempotency-Key": "pool-1"})
    known_already = alice.post(f"forms/{form['uid']}/codes/", body)

    assert first.status_code == 201
    assert first.json() == again.json() == {"added": 2, "left": 1, "given": 1, "owed": 0}
    assert known_already.json()["added"] == 0
    assert alice.post(f"forms/{form['uid']}/codes/", {"codes": []}).status_code == 400
    assert alice.post(f"forms/{form['uid']}/codes/", {"codes": ["X" * 41]}).status_code == 400


def test_what_is_missing_is_told_and_keeps_the_form_closed(
    alice: Caller, wording: WordingVersion, bakery: Tenant
) -> None:
    with tenant_scope(bakery):
        known(bakery, imprint_url="")
    made = alice.post("forms/", values(wording, benefit="5 €")).json()
    assert len(made["hindrances"]) == 2

    refused = alice.post(f"forms/{made['uid']}/open/")

    assert refused.status_code == 409
    assert "address of the imprint" in refused.json()["detail"]
    assert alice.get(f"forms/{made['uid']}/").json()["state"] == "draft"


@pytest.mark.parametrize(
    ("field", "changed"),
    [
        ("number", {"number": "+4915100000000"}),
        ("wording", {"wording": "00000000-0000-4000-8000-000000000000"}),
        ("keyword", {"keyword": "stopp"}),
        ("headline", {"headline": "x" * 121}),
        ("slug", {"slug": "An der Theke"}),
        ("question_answers", {"question": "choice", "question_label": "Was?"}),
        ("translations", {"translations": {"fr": {"headline": "Bonjour"}}}),
        ("translations", {"translations": {"en": {"titel": "Hello"}}}),
        ("titel", {"titel": "x"}),
    ],
)
def test_what_is_wrong_is_told_by_field(
    alice: Caller, wording: WordingVersion, field: str, changed: dict[str, Any], bakery: Tenant
) -> None:
    answer = alice.post("forms/", values(wording) | changed)

    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == [field]
    with tenant_scope(bakery):
        assert not SignupForm.objects.exists()


def test_a_form_is_changed_in_part_and_its_address_stays_once_it_was_open(alice: Caller, form: dict[str, Any]) -> None:
    address = f"forms/{form['uid']}/"
    alice.post(f"{address}open/")

    changed = alice.patch(address, {"headline": "Frischer"}).json()
    refused = alice.patch(address, {"slug": "anders"})

    assert changed == form | {"headline": "Frischer", "state": "live"}
    assert refused.status_code == 400
    assert list(refused.json()["errors"]) == ["slug"]


def test_m_52_a_program_answers_for_words_that_look_like_a_benefit_for_signing_up(
    alice: Caller, wording: WordingVersion, bakery: Tenant
) -> None:
    address = f"forms/{alice.post('forms/', values(wording, headline='Jeden Freitag 20 % Rabatt')).json()['uid']}/"
    refused = alice.post(f"{address}open/")
    assert refused.status_code == 409
    assert "“20 % Rabatt” in “Headline” promises a benefit" in refused.json()["detail"]

    assert alice.post(f"{address}open/", {"promises_nothing": True}).status_code == 400
    assert alice.post(f"{address}open/", {"promises": ["20 % Rabatt"]}).status_code == 400
    assert alice.post(f"{address}open/", {"promises_nothing": ["20 %", "10 % Rabatt"]}).status_code == 409

    opened = alice.post(f"{address}open/", {"promises_nothing": ["20 % Rabatt", "10 % Rabatt"]}).json()

    assert (opened["state"], opened["hindrances"]) == ("live", [])
    lure = {"intro": "Jeden Montag ein Brot gratis zur Anmeldung"}
    refused = alice.patch(address, lure | {"promises_nothing": ["20 % Rabatt"]})
    assert refused.status_code == 400
    assert "“gratis zur Anmeldung” in “Introduction”" in refused.content.decode()
    assert alice.patch(address, lure | {"promises_nothing": ["gratis zur Anmeldung"]}).json()["intro"] == lure["intro"]
    # Only what stands there and was answered for.
    with tenant_scope(bakery):
        said = AuditEvent.objects.filter(changes__has_key="promises_nothing").order_by("pk")
        kept = [event.changes["promises_nothing"] for event in said]
    assert kept == [["20 % Rabatt"], ["gratis zur Anmeldung"]]


def test_a_place_has_addresses_codes_and_counts(
    alice: Caller, form: dict[str, Any], client: Client, settings: Any
) -> None:
    alice.post(f"forms/{form['uid']}/open/")
    places = f"forms/{form['uid']}/places/"

    made = alice.post(places, {"name": "Kasse"})

    assert made.status_code == 201
    place = made.json()
    assert place["page_url"] == f"{form['page_url']}?o={place['code']}"
    client.get(place["page_url"].removeprefix(settings.PUBLIC_URL), headers=PHONE)
    assert alice.get(places).json()["results"] == [place | {"scans": 1}]
    for name, said in (("qr_url", "page_url"), ("direct_qr_url", "direct_url")):
        qr = place[name].removeprefix(f"{settings.PUBLIC_URL}/api/v1/")
        assert alice.get(qr)["Content-Type"] == "image/svg+xml"
        assert text_in(alice.get(qr.replace(".svg", ".png")).content, quiet=4) == place[said]
        assert alice.get(qr.replace(".svg", ".gif")).status_code == 404
    assert list(alice.post(places, {"name": "Kasse"}).json()["errors"]) == ["name"]


def test_a_key_needs_the_scope_and_sees_its_own_company_only(
    alice: Caller, carol: Caller, form: dict[str, Any], wording: WordingVersion, bakery: Tenant
) -> None:
    with tenant_scope(bakery):
        _key, reads = tenancy.issue_key(tenant=bakery, name="reader", scopes=["consent:read"], by=None)

    assert Caller(reads).get("forms/").status_code == 200
    assert Caller(reads).post("forms/", values(wording)).status_code == 403
    assert Caller(reads).post(f"forms/{form['uid']}/open/").status_code == 403
    assert carol.get("forms/").json()["results"] == []
    for address in (f"forms/{form['uid']}/", f"forms/{form['uid']}/places/"):
        assert carol.get(address).status_code == 404
    assert carol.post(f"forms/{form['uid']}/codes/", {"codes": ["EINS"]}).status_code == 404
    assert carol.post(f"forms/{form['uid']}/places/", {"name": "Kasse"}).status_code == 404


def test_a_list_costs_the_same_for_any_number_of_forms(alice: Caller, wording: WordingVersion) -> None:
    def asked() -> int:
        alice.post("forms/", values(wording, name=f"Form {len(alice.get('forms/').json()['results'])}"))
        with CaptureQueriesContext(connection) as queries:
            alice.get("forms/")
        return len(queries)

    assert asked() == asked() == asked()


def test_m_21_the_questions_of_an_industry_are_listed_by_the_fields_of_a_form(
    alice: Caller, wording: WordingVersion, bakery: Tenant
) -> None:
    with tenant_scope(bakery):
        known(bakery, address_form="sie")

    industries = alice.get("forms/questions/").json()["industries"]

    hair = next(one for one in industries if one["industry"]["en"] == "Hair care")
    assert hair["industry"]["de"] == "Haarpflege"
    asked = next(one for one in hair["questions"] if one["key"] == "hair_type")
    assert asked == {
        "key": "hair_type",
        "label": {"de": "Haartyp", "en": "Hair type"},
        "question_label": {"de": "Welchen Haartyp haben Sie?", "en": "Which type of hair do you have?"},
        "question": "choice",
        "question_attribute": "haartyp",
        "question_answers": {
            "de": ["Glatt", "Wellig", "Lockig", "Kraus"],
            "en": ["Straight", "Wavy", "Curly", "Coily"],
        },
    }
    assert [one["key"] for industry in industries for one in industry["questions"]] == [*QUESTIONS]
    texts = ("question_label", "question_answers")
    taken = {name: asked[name]["de"] for name in texts} | {
        name: asked[name] for name in ("question", "question_attribute")
    }
    english = {name: asked[name]["en"] for name in texts}
    made = alice.post("forms/", values(wording, translations={"en": english}, **taken))
    assert made.status_code == 201, made.content


def test_a_key_without_the_scope_to_read_consent_is_not_told_the_questions(bakery: Tenant) -> None:
    with tenant_scope(bakery):
        _key, secret = tenancy.issue_key(tenant=bakery, name="shop", scopes=["contacts:read"], by=None)

    assert Caller(secret).get("forms/questions/").status_code == 403
