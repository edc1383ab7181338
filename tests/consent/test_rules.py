"""May we? One statement for one person and for many, and locked where a message is claimed."""

import threading

import pytest
from django.db import connection

from consent import rules
from consent.actions import controllers, declarations
from consent.models import Source
from consent.queries import may_send
from contacts.models import Contact
from segments import queries as segments
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests import factories
from tests.consent.factories import NUMBER, agree, minutes, person, published, say, stop
from tests.consent.test_invalidating import declared
from tests.plans import rows_looked_at


def reasons(tenant: Tenant, channel: str = "whatsapp", purpose: str = "marketing") -> dict[int, str | None]:
    """The refusal of every contact of a tenant, in one statement."""
    refusal = rules.refusal(tenant_id=tenant.pk, channel=channel, purpose=purpose)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT c.id, {refusal.reason} FROM contacts_contact c {refusal.joins} WHERE c.tenant_id = %s",
            [*refusal.params, tenant.pk],
        )
        return dict(cursor.fetchall())


def everybody(tenant: Tenant) -> dict[str, Contact]:
    """One person for each answer that the rules can give about marketing."""
    people = {
        reason: person(tenant)
        for reason in (
            *("allowed", "no_consent", "pending", "withdrawn", "objected", "meta_stop", "suppressed", "restricted"),
            *("expired", "invalidated", "minor", "age_unknown"),
        )
    }
    for reason, contact in people.items():
        if reason not in ("no_consent", "pending", "minor", "age_unknown"):
            agree(tenant, contact)
    agree(tenant, people["minor"], age_confirmed=False)
    agree(tenant, people["age_unknown"], age_confirmed=None)
    controllers.update(tenant=tenant, by=None, demands_age=True)
    declarations.request(tenant=tenant, contact=people["pending"], dedupe="r", source=Source.SIGNUP_PAGE)
    stop(tenant, people["withdrawn"])
    declarations.object_(tenant=tenant, contact=people["objected"], dedupe="o", source=Source.AGENT)
    declarations.meta_stopped(
        tenant=tenant, contact=people["meta_stop"], phone_number_id=NUMBER, occurred_at=minutes(1), dedupe="m"
    )
    declarations.suppress(tenant=tenant, contact=people["suppressed"], dedupe="s")
    declarations.restrict(tenant=tenant, contact=people["restricted"], dedupe="x", by=None)
    say(tenant, people["expired"], "expired", occurred_at=minutes(5))
    say(tenant, people["invalidated"], "invalidated", occurred_at=minutes(5))
    return people


def test_every_refusal_has_its_reason(in_bakery: Tenant) -> None:
    people = everybody(in_bakery)

    found = reasons(in_bakery)

    assert {reason: found[contact.pk] or "allowed" for reason, contact in people.items()} == {r: r for r in people}


def test_one_person_is_judged_as_in_the_crowd(in_bakery: Tenant) -> None:
    people = everybody(in_bakery)

    for purpose in ("marketing", "transactional", "tracking"):
        crowd = reasons(in_bakery, purpose=purpose)
        for contact in people.values():
            alone = may_send(contact=contact, channel="whatsapp", purpose=purpose)
            assert alone.reason == (crowd[contact.pk] or "")


def test_a_blocked_tenant_sends_nothing(in_bakery: Tenant) -> None:
    anna = person(in_bakery)
    agree(in_bakery, anna)
    in_bakery.is_active = False
    in_bakery.save()

    assert may_send(contact=anna, channel="whatsapp", purpose="marketing").reason == "tenant_blocked"


def test_order_updates_need_a_yes_to_whatsapp_of_their_own_or_to_marketing(in_bakery: Tenant) -> None:
    own, by_marketing, nothing, declined = (person(in_bakery) for _ in range(4))
    agree(in_bakery, own, pairs=[("whatsapp", "transactional")])
    agree(in_bakery, by_marketing)
    agree(in_bakery, declined)
    stop(in_bakery, declined, purpose="transactional")

    found = reasons(in_bakery, purpose="transactional")

    assert [found[contact.pk] for contact in (own, by_marketing, nothing, declined)] == [
        None,
        None,
        "no_consent",
        "withdrawn",
    ]


def test_order_updates_go_on_after_stopp_where_they_have_their_own_yes(in_bakery: Tenant) -> None:
    anna = person(in_bakery)
    agree(in_bakery, anna, pairs=[("whatsapp", "marketing"), ("whatsapp", "transactional")])

    stop(in_bakery, anna)

    assert reasons(in_bakery, purpose="transactional")[anna.pk] is None


@pytest.mark.parametrize(
    ("purpose", "category", "reason"),
    [
        ("marketing", "MARKETING", ""),
        ("marketing", "UTILITY", "category_mismatch"),
        ("transactional", "UTILITY", ""),
        ("transactional", "MARKETING", "category_mismatch"),
    ],
)
def test_a_template_must_fit_its_purpose(in_bakery: Tenant, purpose: str, category: str, reason: str) -> None:
    anna = person(in_bakery)
    agree(in_bakery, anna, pairs=[("whatsapp", "marketing"), ("whatsapp", "transactional")])

    answer = may_send(contact=anna, channel="whatsapp", purpose=purpose, category=category)

    assert (answer.allowed, answer.reason) == (not reason, reason)


def test_the_neighbours_people_are_not_judged_here(bakery: Tenant, shop: Tenant) -> None:
    with tenant_scope(bakery):
        anna = person(bakery)
        agree(bakery, anna)

    with tenant_scope(shop):
        assert reasons(shop) == reasons(bakery) == {}


def test_locking_some_states_looks_at_everybody_once_even_where_statistics_know_nobody(in_bakery: Tenant) -> None:
    everyone = factories.contacts(in_bakery, 400)

    with rows_looked_at(by=rules.LOCK) as looked_at:
        rules.lock_states(in_bakery.pk, [contact.pk for contact in everyone[:50]], "whatsapp", "marketing")

    assert looked_at[0] < 4 * len(everyone)


@pytest.mark.django_db(transaction=True)
def test_a_withdrawal_waits_for_a_claim_that_came_before_it(bakery: Tenant) -> None:
    with tenant_scope(bakery):
        anna = person(bakery)
        agree(bakery, anna)
    started, committed = threading.Event(), threading.Event()

    def withdraw() -> None:
        with tenant_scope(bakery):
            started.set()
            stop(bakery, anna)
        committed.set()
        connection.close()

    writer = threading.Thread(target=withdraw)
    with tenant_scope(bakery):
        rules.lock_states(bakery.pk, [anna.pk], "whatsapp", "marketing")
        allowed = may_send(contact=anna, channel="whatsapp", purpose="marketing").allowed
        writer.start()
        started.wait(5)
        came_through = committed.wait(0.3)
    writer.join()

    assert (allowed, came_through) == (True, False)
    with tenant_scope(bakery):
        assert not may_send(contact=anna, channel="whatsapp", purpose="marketing").allowed


def test_no_segment_finds_who_agreed_to_it_before_the_rows_are_written(in_bakery: Tenant) -> None:
    anna, bert = person(in_bakery), person(in_bakery)
    version = published(in_bakery)
    agree(in_bakery, anna, wording=version)
    agree(in_bakery, bert, wording=published(in_bakery, 2))
    rule = {"consent": {"channel": "whatsapp", "purpose": "marketing"}, "op": "granted"}
    before = segments.count(in_bakery, rule)

    declared(version)

    assert (before, segments.count(in_bakery, rule)) == (2, 1)
    assert segments.preview(in_bakery, rule).sample == [bert]
