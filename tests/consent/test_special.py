"""Attributes of special categories of data (Art. 9 GDPR): of no use without a yes to exactly that (CG-08)."""

from collections.abc import Collection
from datetime import timedelta
from typing import Any

import orjson
import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils.timezone import now

from campaigns import actions as campaign_actions
from campaigns import freezing, preflight
from campaigns import queries as campaigns
from campaigns.models import Campaign
from consent.actions import hearing, wordings
from consent.actions.signups import Said
from consent.ledger import evidence
from consent.models import ConsentEvidence, ConsentState, Controller, SignupForm, SignupRequest, WordingVersion
from consent.queries import measured, usable_attributes
from consent.signups import message, token_in
from contacts.models import Contact
from messaging import actions as outbox
from messaging import claiming, links
from messaging.budget import Budget
from messaging.models import Message, Source
from segments import actions as segment_actions
from segments import compiling
from segments import queries as segments
from tenants.actions import NewTenant
from tenants.encryption import decrypt
from tenants.models import Tenant
from tests import factories
from tests.campaigns.cast import draft, launch, messages
from tests.consent.factories import agree, known, open_form, person, published
from whatsapp.models import Number

SPECIAL = [("whatsapp", "marketing"), ("whatsapp", "special_category")]
HAS_ALLERGY = {"attribute": "allergie", "op": "is", "value": "Nuss"}


@pytest.fixture
def marked(in_bakery: Tenant) -> Tenant:
    """The bakery, which knows of allergies."""
    known(in_bakery, special_attributes=["allergie"])
    return in_bakery


@pytest.fixture
def people(marked: Tenant) -> dict[str, Contact]:
    """Anna agreed to its use, Bert only to marketing; both have told their allergy."""
    told = {"allergie": "Nuss", "filiale": "Mitte"}
    made = {name: person(marked, first_name=name, attributes=told) for name in ("Anna", "Bert")}
    agree(marked, made["Anna"], pairs=SPECIAL)
    agree(marked, made["Bert"])
    return made


@pytest.mark.parametrize(
    ("rule", "found"),
    [
        (HAS_ALLERGY, 1),
        ({"op": "not", "rules": [{"attribute": "allergie", "op": "is", "value": "Milch"}]}, 1),
        ({"op": "or", "rules": [HAS_ALLERGY, {"attribute": "filiale", "op": "is", "value": "Mitte"}]}, 1),
        ({"attribute": "filiale", "op": "is", "value": "Mitte"}, 2),
    ],
)
def test_cg_08_a_segment_on_such_an_attribute_skips_who_has_not_agreed(
    marked: Tenant, people: dict[str, Contact], rule: dict[str, Any], found: int
) -> None:
    assert segments.count(marked, rule) == found
    assert segments.preview(marked, rule).count == found


def test_a_yes_that_denies_the_age_lets_nobody_use_it_and_measures_nothing(marked: Tenant) -> None:
    pairs = [*SPECIAL, ("whatsapp", "tracking")]
    child, adult = (person(marked, first_name=name, attributes={"allergie": "Nuss"}) for name in ("Carl", "Dora"))
    agree(marked, child, pairs=pairs, age_confirmed=False)
    agree(marked, adult, pairs=pairs)

    assert segments.count(marked, HAS_ALLERGY) == 1
    assert [usable_attributes(each) for each in (child, adult)] == [{}, {"allergie": "Nuss"}]
    assert [row.subject_id for row in measured(marked.pk)] == [adult.subject_id]


def test_a_text_that_is_being_declared_invalid_lets_nobody_use_it_and_measures_nothing(marked: Tenant) -> None:
    pairs = [*SPECIAL, ("whatsapp", "tracking")]
    anna, bert = (person(marked, attributes={"allergie": "Nuss"}) for _ in range(2))
    version = published(marked)
    agree(marked, anna, wording=version, pairs=pairs)
    agree(marked, bert, wording=published(marked, 2), pairs=pairs)

    wordings.declare_invalid(version=version, reason="Der Anbieter war nicht genannt.", by=None)

    assert ConsentState.objects.filter(subject_id=anna.subject_id, state="granted").count() == 3
    assert [row.subject_id for row in measured(marked.pk)] == [bert.subject_id]
    assert [usable_attributes(each) for each in (anna, bert)] == [{}, {"allergie": "Nuss"}]
    assert segments.count(marked, HAS_ALLERGY) == 1


def test_a_message_says_nothing_of_it_to_who_has_not_agreed(marked: Tenant, people: dict[str, Contact]) -> None:
    bodies = sent_to(marked, people.values())

    assert '"Nuss"' in bodies[people["Anna"].phone or ""]
    assert '"alle"' in bodies[people["Bert"].phone or ""]
    assert "Nuss" not in bodies[people["Bert"].phone or ""]


def test_nor_to_whose_yes_rests_on_a_text_that_is_being_declared_invalid(
    marked: Tenant, people: dict[str, Contact]
) -> None:
    version = published(marked, name="Gesundheit", covers=[["whatsapp", "special_category"]])
    agree(marked, people["Bert"], wording=version, pairs=SPECIAL[1:])
    wordings.declare_invalid(version=version, reason="Der Anbieter war nicht genannt.", by=None)

    bodies = sent_to(marked, people.values())

    assert '"Nuss"' in bodies[people["Anna"].phone or ""]
    assert "Nuss" not in bodies[people["Bert"].phone or ""]


def test_nor_to_whose_yes_is_for_e_mail(marked: Tenant, people: dict[str, Contact]) -> None:
    agree(marked, people["Bert"], pairs=[("email", "special_category"), ("email", "tracking")])

    assert segments.count(marked, HAS_ALLERGY) == 1
    assert usable_attributes(people["Bert"]) == {"filiale": "Mitte"}
    assert not measured(marked.pk).exists()
    assert "Nuss" not in sent_to(marked, people.values())[people["Bert"].phone or ""]


def sent_to(marked: Tenant, people: Collection[Contact]) -> dict[str, str]:
    """What each of these people gets of a message that names the allergy, by phone."""
    number: Number = factories.number(marked)
    source = outbox.open_source(
        tenant=marked, kind=Source.Kind.CAMPAIGN, name="Ohne Nuss", number=number, purpose="marketing"
    )
    values = {**factories.VARIABLES, "body": [
        {"name": "1", "from": "attribute:allergie", "fallback": "alle"},
        {"name": "2", "from": "text", "text": "Sonntag"},
    ]}  # fmt: skip
    outbox.add_content(source=source, variant=0, template=factories.template(marked), variables=values)
    for contact in people:
        Message.objects.create(
            tenant=marked, source=source, contact=contact, next_attempt_at=now() - timedelta(minutes=1)
        )
    claimed = claiming.claim(number=number, source_id=source.pk, most=5, budget=Budget(number))
    return {orjson.loads(one.content)["to"]: one.content.decode() for one in claimed}


def form(tenant: Tenant, wording: WordingVersion, extra: WordingVersion | None = None) -> SignupForm:
    return open_form(
        tenant,
        wording,
        extra_wording=extra and extra.wording,
        question="choice",
        question_label="Verträgst du alles?",
        question_attribute="allergie",
        question_answers=["Ja", "Nuss"],
    )


def test_a_form_that_asks_for_it_needs_a_text_that_covers_it(marked: Tenant) -> None:
    with pytest.raises(ValidationError) as refused:
        form(marked, published(marked, covers=[["whatsapp", "marketing"]]))

    assert "question_attribute" in refused.value.message_dict


@pytest.mark.parametrize(("boxes", "kept"), [({"extra": "on"}, {"allergie": "Nuss"}), ({}, {})])
def test_an_answer_is_kept_only_with_the_second_box(
    client: Client, marked: Tenant, boxes: dict[str, str], kept: dict[str, str]
) -> None:
    form(
        marked,
        published(marked, covers=[["whatsapp", "marketing"]]),
        published(marked, name="Gesundheit", covers=[["whatsapp", "special_category"]]),
    )
    page = client.post("/s/bakery/theke/", {"agree": "on", "answer": "Nuss", **boxes}).content.decode()
    anna = person(marked)
    token = token_in(page)
    assert token

    said = Said("wamid.1", message(token), now(), "1", "")
    hearing.hear(tenant=marked, contact=anna, said=said, is_start=True, named=())

    anna.refresh_from_db()
    assert anna.attributes == kept
    # Nor does the proof hold what was answered, whatever was agreed to.
    proofs = [evidence.unseal(row) for row in ConsentEvidence.objects.all()]
    assert proofs
    assert "Nuss" not in str(proofs)


def test_cg_08_an_excluded_segment_leaves_out_everybody_whose_value_may_not_be_looked_at(
    marked: Tenant, people: dict[str, Contact]
) -> None:
    carla = person(marked, first_name="Carla", attributes={"allergie": "Milch"})
    agree(marked, carla, pairs=SPECIAL)
    dora = person(marked, first_name="Dora")
    agree(marked, dora)
    campaign = draft(marked, [*people.values(), carla, dora])
    chosen = campaign.audiences.get().list
    spared = segment_actions.create(tenant=marked, name="Nuss", rule=HAS_ALLERGY, by=None)
    assert chosen
    campaign_actions.set_audience(campaign=campaign, by=None, include_lists=[chosen], exclude_segments=[spared])

    launch(campaign)
    checks = {check.code: check for check in preflight.checks(campaign)}
    freezing.freeze(marked.pk, campaign.pk)

    # Anna has the allergy. Of Bert and Dora nobody may know, so neither a message nor its absence tells their value.
    found = {message.contact_id: message.reason for message in messages(campaign)}
    assert found == {
        people["Anna"].pk: "excluded",
        people["Bert"].pk: "no_special",
        carla.pk: "",
        dora.pk: "no_special",
    }
    assert checks["warning.special"].ok
    assert "Nuss" in checks["warning.special"].text


@pytest.mark.parametrize(
    "rule",
    [
        {"op": "not", "rules": [HAS_ALLERGY]},
        {"op": "or", "rules": [HAS_ALLERGY, {"field": "first_name", "op": "is", "value": "Bert"}]},
        {"op": "and", "rules": [HAS_ALLERGY, {"field": "first_name", "op": "is", "value": "Nobody"}]},
    ],
)
def test_no_rule_treats_people_who_have_not_agreed_by_their_value(
    marked: Tenant, people: dict[str, Contact], rule: dict[str, Any]
) -> None:
    bert, twin = people["Bert"], person(marked, first_name="Bert", attributes={"allergie": "Milch"})

    for is_excluding in (False, True):
        holds = compiling.condition(rule, tenant_id=marked.pk, is_excluding=is_excluding)
        found = {contact.pk for contact in selected(marked, holds)}
        assert (bert.pk in found) is (twin.pk in found) is is_excluding


def selected(tenant: Tenant, holds: compiling.Compiled) -> list[Contact]:
    sql = f"SELECT c.* FROM contacts_contact c WHERE c.tenant_id = %s AND {holds.sql}"
    return list(Contact.objects.raw(sql, [tenant.pk, *holds.params]))


@pytest.mark.parametrize("name", ["Allergie", "ALLERGIE ", "allergie", "\uff21llergie"])
def test_names_are_the_same_however_they_are_spelled(in_bakery: Tenant, name: str) -> None:
    Controller.objects.create(tenant=in_bakery, special_attributes=[name])
    bert = person(in_bakery, attributes={"allergie": "Nuss"})
    agree(in_bakery, bert)

    assert segments.count(in_bakery, HAS_ALLERGY) == 0
    assert usable_attributes(bert) == {}


def test_names_in_other_scripts_are_compared_too(in_bakery: Tenant) -> None:
    Controller.objects.create(tenant=in_bakery, special_attributes=["Аллергия"])

    assert usable_attributes(person(in_bakery, attributes={"аллергия": "1", "город": "2"})) == {"город": "2"}


def campaign_about(tenant: Tenant, people: list[Contact]) -> Campaign:
    values = {**factories.VARIABLES, "body": [
        {"name": "1", "from": "attribute:allergie", "fallback": "alle"},
        {"name": "2", "from": "text", "text": "Sonntag"},
    ]}  # fmt: skip
    return draft(tenant, people, variables=values)


def test_the_preview_shows_the_team_no_value_of_people_who_have_not_agreed(
    marked: Tenant, people: dict[str, Contact]
) -> None:
    campaign = campaign_about(marked, list(people.values()))

    shown = {name: str(campaigns.preview(campaign, contact)) for name, contact in people.items()}

    assert "Hallo Nuss" in shown["Anna"]
    assert "Hallo alle" in shown["Bert"]
    assert "Nuss" not in shown["Bert"]
    [missing, *_others] = campaigns.missing_values(campaign)
    assert missing.people == 1


def test_a_yes_whose_time_is_over_allows_neither_its_use_nor_measuring(marked: Tenant) -> None:
    pairs = [("whatsapp", "marketing"), ("whatsapp", "special_category"), ("whatsapp", "tracking")]
    anna = person(marked, attributes={"allergie": "Nuss"})
    agree(marked, anna, pairs=pairs[:1])
    agree(marked, anna, pairs=pairs[1:], valid_until=now() - timedelta(minutes=1))
    campaign = campaign_about(marked, [anna])
    launch(campaign)
    freezing.freeze(marked.pk, campaign.pk)
    Message.objects.update(next_attempt_at=now() - timedelta(minutes=1))
    number, source = marked.numbers.get(), messages(campaign)[0].source_id

    [claimed] = claiming.claim(number=number, source_id=source, most=5, budget=Budget(number))

    body = orjson.loads(claimed.content)
    [token] = [part["parameters"][0]["text"] for part in body["template"]["components"] if part["type"] == "button"]
    target = links.target(token)
    assert target
    assert target.message_id is None
    assert "Nuss" not in claimed.content.decode()
    assert segments.count(marked, HAS_ALLERGY) == 0


def test_a_form_stops_asking_once_its_attribute_is_marked(
    client: Client, bakery_made: NewTenant, in_bakery: Tenant
) -> None:
    known(in_bakery)
    made = form(in_bakery, published(in_bakery, covers=[["whatsapp", "marketing"]]))
    assert "Verträgst du alles?" in client.get("/s/bakery/theke/").content.decode()

    Controller.objects.filter(tenant=in_bakery).update(special_attributes=["Allergie"])

    page = client.get("/s/bakery/theke/")
    assert page.status_code == 200
    assert "Verträgst du alles?" not in page.content.decode()
    client.post("/s/bakery/theke/", {"agree": "on", "answer": "Nuss"})
    stored = SignupRequest.objects.get()
    assert "Nuss" not in decrypt(stored.sealed, binding=f"SignupRequest:{in_bakery.pk}:{stored.token_digest}")
    client.force_login(bakery_made.owner)
    client.cookies["django_language"] = "en"
    assert "marked as special" in client.get(f"/bakery/signups/{made.uid}/").content.decode()


def test_what_is_typed_before_the_second_box_is_ticked_is_not_stored(client: Client, marked: Tenant) -> None:
    form(
        marked,
        published(marked, covers=[["whatsapp", "marketing"]]),
        published(marked, name="Gesundheit", covers=[["whatsapp", "special_category"]]),
    )

    client.post("/s/bakery/theke/", {"agree": "on", "answer": "Nuss"})

    stored = SignupRequest.objects.get()
    assert "Nuss" not in decrypt(stored.sealed, binding=f"SignupRequest:{marked.pk}:{stored.token_digest}")
