"""Why the last campaign reached somebody, as the answer in the chat and the access to one's data tell it."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from campaigns.models import Audience
from consent.rights import walking
from contacts.models import Contact, ContactList, Tag
from messaging.models import Message
from segments import actions as segments
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.consent.factories import known, stop
from tests.inbox.test_questions import NOW, SENT, answers, ask, sent
from whatsapp.models import Number

Deliver = Callable[..., None]


def test_the_last_campaign_is_told_by_its_day_its_purpose_and_kinds_of_data_and_by_no_name_of_the_companys(
    number: Number, anna: Contact, deliver: Deliver, client: Client
) -> None:
    with tenant_scope(number.tenant):
        tag = Tag.objects.create(tenant=number.tenant, name="Nörgler")
        rule = {
            "op": "or",
            "rules": [
                {"field": "language", "op": "is", "value": "de"},
                {"tag": str(tag.uid), "op": "has"},
                {"event": "order_placed", "op": "ever"},
                {"attribute": "kundenwert", "op": "is", "value": "niedrig"},
            ],
        }
    sent(number.tenant, rule)

    ask(deliver, number)

    [told] = answers(number.tenant)
    why = (
        "Die letzte Kampagne ging am 24.11.2026 00:30 Uhr an dich. Ihr Zweck: Werbung. Ausgewählt hat Bäckerei Sonne"
        " GmbH dich nach: deiner Sprache, Angaben, die Bäckerei Sonne GmbH zu dir gespeichert hat, deinen Bestellungen."
    )
    assert why in told
    for internal in ("Wackelkandidaten", "Geizige", "Nörgler", "kundenwert", "20 Prozent"):
        assert internal not in told
    [path] = re.findall(r"/p/[^\s]+", told)
    assert why in " ".join(client.get(f"{path}?lang=de").content.decode().split())


def accessed(contact: Contact) -> str:
    """By what the last campaign chose a person, as the access to their data tells it."""
    with tenant_scope(contact.tenant):
        told = {section.name: list(section.rows) for section in walking.told(contact)}["last_campaign"]
    return str(told[0]["by"])


def test_days_are_those_of_the_companys_time_zone(number: Number, anna: Contact, deliver: Deliver) -> None:
    sent(number.tenant, {})
    Tenant.objects.filter(pk=number.tenant_id).update(timezone="Pacific/Auckland")

    ask(deliver, number)

    [told] = answers(number.tenant)
    assert "Am 21.11.2026 in WhatsApp" in told
    assert "ging am 24.11.2026 12:30 Uhr an dich" in told


def test_the_access_to_ones_data_tells_the_same(number: Number, anna: Contact) -> None:
    sent(number.tenant, {"field": "language", "op": "is", "value": "de"})

    with tenant_scope(number.tenant):
        told = {section.name: list(section.rows) for section in walking.told(anna)}["last_campaign"]

    assert told == [{"at": SENT, "purpose": told[0]["purpose"], "by": "deiner Sprache"}]
    assert told[0]["purpose"]


@pytest.mark.parametrize(("rule", "said"), [(None, "nach: einer Liste von Bäckerei Sonne GmbH."), ({}, "an alle")])
def test_a_list_is_told_as_one_and_everybody_as_everybody(
    number: Number, anna: Contact, deliver: Deliver, rule: dict[str, Any] | None, said: str
) -> None:
    sent(number.tenant, rule)

    ask(deliver, number)

    assert said in answers(number.tenant)[0]


def test_a_segment_that_was_changed_since_explains_nothing(number: Number, anna: Contact, deliver: Deliver) -> None:
    campaign = sent(number.tenant, {"field": "language", "op": "is", "value": "de"})
    with tenant_scope(number.tenant):
        segment = campaign.audiences.get().segment
        segments.update(segment=segment, rule={"field": "postcode", "op": "is_set"}, by=None)

    ask(deliver, number)

    [told] = answers(number.tenant)
    assert "Die letzte Kampagne ging am 24.11.2026" in told
    assert "Ausgewählt" not in told


def test_cg_08_what_is_of_a_special_category_is_not_named(number: Number, anna: Contact, deliver: Deliver) -> None:
    rule = {"op": "or", "rules": [{"attribute": "diagnose", "op": "is_set"}, {"field": "language", "op": "is_set"}]}
    sent(number.tenant, rule)
    with tenant_scope(number.tenant):
        known(number.tenant, special_attributes=["diagnose"])

    ask(deliver, number)

    [told] = answers(number.tenant)
    assert "nach: deiner Sprache, weiteren Angaben (siehe die Auskunft über deine Daten)." in told
    assert "besondere" not in told
    assert accessed(anna) == "deiner Sprache, besonderen Kategorien von Daten (Art. 9 DSGVO)"


def test_cg_08_a_topic_that_is_of_a_special_category_is_not_named(
    number: Number, anna: Contact, deliver: Deliver
) -> None:
    sent(number.tenant, None)
    with tenant_scope(number.tenant):
        ContactList.objects.update(is_topic=True, title_de="Glutenfrei")
        known(number.tenant, special_attributes=["Schläfer"])

    ask(deliver, number)

    [told] = answers(number.tenant)
    assert "nach: weiteren Angaben" in told
    assert "Glutenfrei" not in told


def test_art_15_the_access_names_special_categories_even_where_nothing_else_chose_the_person(
    number: Number, anna: Contact, deliver: Deliver
) -> None:
    with tenant_scope(number.tenant):
        Contact.objects.update(attributes={"diagnose": "Heuschnupfen"})
    sent(number.tenant, {"attribute": "diagnose", "op": "is_set"})
    with tenant_scope(number.tenant):
        known(number.tenant, special_attributes=["diagnose"])

    ask(deliver, number)

    assert "nach: weiteren Angaben" in answers(number.tenant)[0]
    assert accessed(anna) == "besonderen Kategorien von Daten (Art. 9 DSGVO)"


def test_art_15_the_access_tells_everybody_from_nobody_knows(number: Number, anna: Contact) -> None:
    campaign = sent(number.tenant, {})
    assert accessed(anna) == "alle, die zugestimmt haben"

    with tenant_scope(number.tenant):
        segments.update(segment=campaign.audiences.get().segment, rule={"field": "postcode", "op": "is_set"}, by=None)
    assert accessed(anna) == "nicht mehr bekannt"


def test_who_has_left_meanwhile_reads_what_allowed_the_campaign_then(
    number: Number, anna: Contact, deliver: Deliver
) -> None:
    sent(number.tenant, {})
    with tenant_scope(number.tenant):
        stop(number.tenant, anna, occurred_at=NOW - timedelta(hours=1))

    ask(deliver, number)

    [told] = answers(number.tenant)
    assert "hat keine Zustimmung von dir" in told
    assert "eine Zustimmung, die nicht mehr gilt: Am 20.11.2026 in WhatsApp" in told
    assert "STOPP" not in told


def test_who_got_no_campaign_is_told_of_none_that_others_got(number: Number, anna: Contact, deliver: Deliver) -> None:
    sent(number.tenant, {})

    ask(deliver, number, sender="493023125009")

    [told] = answers(number.tenant)
    assert "Kampagne" not in told


@pytest.mark.parametrize("became", [{"state": Message.State.FAILED}, {"accepted_at": None}])
def test_a_campaign_that_did_not_reach_the_person_is_not_told(
    number: Number, anna: Contact, deliver: Deliver, became: dict[str, Any]
) -> None:
    sent(number.tenant, {})
    with tenant_scope(number.tenant):
        Message.objects.update(**became)

    ask(deliver, number)

    [told] = answers(number.tenant)
    assert "Kampagne" not in told


def test_of_two_campaigns_the_later_one_is_told(number: Number, anna: Contact, deliver: Deliver) -> None:
    sent(number.tenant, {})
    with tenant_scope(number.tenant):
        Message.objects.update(accepted_at=SENT - timedelta(days=2))
    sent(number.tenant, None)

    ask(deliver, number)

    [told] = answers(number.tenant)
    assert "ging am 24.11.2026 00:30 Uhr an dich" in told
    assert "nach: einer Liste von" in told


def test_whom_a_campaign_left_out_is_no_reason_why_it_reached_somebody(
    number: Number, anna: Contact, deliver: Deliver
) -> None:
    campaign = sent(number.tenant, {"field": "language", "op": "is", "value": "de"})
    with tenant_scope(number.tenant):
        away = ContactList.objects.create(tenant=number.tenant, name="Gesperrt")
        Audience.objects.create(tenant=number.tenant, campaign=campaign, list=away, is_excluded=True)

    ask(deliver, number)

    assert "nach: deiner Sprache." in answers(number.tenant)[0]
