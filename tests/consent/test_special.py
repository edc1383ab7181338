"""Attributes of special categories of data (Art. 9 GDPR): of no use without a yes to exactly that (CG-08)."""

from datetime import timedelta
from typing import Any

import orjson
import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils.timezone import now

from consent.actions import signup_forms, signups
from consent.actions.signups import Said
from consent.ledger import evidence
from consent.models import ConsentEvidence, SignupForm, WordingVersion
from consent.signups import message, token_in
from contacts.models import Contact
from messaging import actions as outbox
from messaging import claiming
from messaging.budget import Budget
from messaging.models import Message, Source
from segments import queries as segments
from tenants.models import Tenant
from tests import factories
from tests.consent.factories import agree, known, person, published
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


def test_a_message_says_nothing_of_it_to_who_has_not_agreed(marked: Tenant, people: dict[str, Contact]) -> None:
    number: Number = factories.number(marked)
    source = outbox.open_source(
        tenant=marked, kind=Source.Kind.CAMPAIGN, name="Ohne Nuss", number=number, purpose="marketing"
    )
    values = {**factories.VARIABLES, "body": [
        {"name": "1", "from": "attribute:allergie", "fallback": "alle"},
        {"name": "2", "from": "text", "text": "Sonntag"},
    ]}  # fmt: skip
    outbox.add_content(source=source, variant=0, template=factories.template(marked), variables=values)
    for contact in people.values():
        Message.objects.create(
            tenant=marked, source=source, contact=contact, next_attempt_at=now() - timedelta(minutes=1)
        )

    claimed = claiming.claim(number=number, source_id=source.pk, most=5, budget=Budget(number))

    bodies = {orjson.loads(one.content)["to"]: one.content.decode() for one in claimed}
    assert '"Nuss"' in bodies[people["Anna"].phone or ""]
    assert '"alle"' in bodies[people["Bert"].phone or ""]
    assert "Nuss" not in bodies[people["Bert"].phone or ""]


def form(tenant: Tenant, wording: WordingVersion, extra: WordingVersion | None = None) -> SignupForm:
    made = signup_forms.create(
        tenant=tenant,
        by=None,
        name="Theke",
        slug="theke",
        number="+4930231250",
        wording=wording.wording,
        extra_wording=extra and extra.wording,
        headline="Frisch",
        question="choice",
        question_label="Verträgst du alles?",
        question_attribute="allergie",
        question_answers=["Ja", "Nuss"],
    )
    signup_forms.open_(form=made, by=None)
    return made


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

    signups.hear(tenant=marked, contact=anna, said=Said("wamid.1", message(token), now(), "1", ""), is_start=True)

    anna.refresh_from_db()
    assert anna.attributes == kept
    # Nor does the proof hold what was answered, whatever was agreed to.
    proofs = [evidence.unseal(row) for row in ConsentEvidence.objects.all()]
    assert proofs
    assert "Nuss" not in str(proofs)
