"""A wording declared invalid: its yeses end, nobody else's do, and no killed worker changes that."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.utils import timezone

from consent import invalidating, tasks
from consent.actions import declarations, wordings
from consent.actions.wordings import NotNow
from consent.ledger.verifying import verify
from consent.models import ConsentEvent, ConsentState, Invalidation, WordingVersion
from consent.queries import may_send, resting_on
from contacts.models import Contact
from messaging.engine import Engine
from tenants.actions import NewTenant
from tenants.models import AuditEvent, Tenant
from tenants.scope import tenant_scope
from tests import factories
from tests.consent.factories import NUMBER, agree, minutes, person, published, stop
from tests.consent.imports import done
from tests.consent.test_imports_consent import PROVEN
from whatsapp.emulator import Running

REASON = "Der Anbieter war nicht genannt."
BOTH = [("whatsapp", "marketing"), ("whatsapp", "tracking")]


class Killed(BaseException):
    """The process ends here, as far as its code can tell."""


def dying_at(statement: int) -> Callable[..., Any]:
    """A wrapper of database statements that kills the worker before the n-th of them."""
    seen = 0

    def execute(run: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        nonlocal seen
        seen += 1
        if seen == statement:
            raise Killed
        return run(sql, params, many, context)

    return execute


@pytest.fixture
def small_stretches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(invalidating, "ROWS_PER_STRETCH", 3)
    monkeypatch.setattr(invalidating, "STRETCHES_PER_RUN", 2)


def declared(version: WordingVersion, **given: Any) -> Invalidation:
    return wordings.declare_invalid(version=version, **{"reason": REASON, "by": None, **given})


def ended(invalidation: Invalidation) -> Invalidation:
    """The same after workers have gone through it."""
    while invalidating.run(invalidation.tenant_id, invalidation.pk):
        pass
    with tenant_scope(invalidation.tenant_id):
        return Invalidation.objects.get(pk=invalidation.pk)


def refusal(contact: Contact, purpose: str = "marketing") -> str:
    return may_send(contact=contact, channel="whatsapp", purpose=purpose).reason


def state(contact: Contact, purpose: str = "marketing") -> str:
    found = ConsentState.objects.filter(subject_id=contact.subject_id, channel="whatsapp", purpose=purpose)
    return found.get().state


def test_its_yeses_end_and_the_ledger_says_why(in_bakery: Tenant, bakery_made: NewTenant) -> None:
    anna, version = person(in_bakery), published(in_bakery)
    agree(in_bakery, anna, wording=version, pairs=BOTH)

    over = ended(declared(version, by=bakery_made.owner))

    assert (state(anna), state(anna, "tracking")) == ("invalidated", "invalidated")
    row = ConsentEvent.objects.filter(state="invalidated").order_by("seq")[0]
    assert (row.wording_version, row.wording_sha256, row.source) == (version, version.sha256, "system")
    assert (row.actor_type, row.actor_id) == ("user", str(bakery_made.owner.pk))
    assert (over.ended, over.percent, bool(over.finished_at)) == (2, 100, True)
    assert AuditEvent.objects.get(verb="wording.declared_invalid").object_name == "Ladenformular v1"
    assert verify(in_bakery).broken_seq is None


def test_nothing_is_sent_on_its_strength_before_the_rows_are_written(in_bakery: Tenant) -> None:
    anna, bert = person(in_bakery), person(in_bakery)
    version = published(in_bakery)
    agree(in_bakery, anna, wording=version)
    agree(in_bakery, bert, wording=published(in_bakery, 2))

    declared(version)

    assert state(anna) == "granted"
    assert (refusal(anna), refusal(bert)) == ("invalidated", "")
    # Order updates rest on the same yes where nothing else was said about them.
    assert refusal(anna, "transactional") == "invalidated"


def test_another_companys_invalid_wording_stops_nobody_here(bakery: Tenant, shop: Tenant) -> None:
    with tenant_scope(bakery):
        anna = person(bakery)
        agree(bakery, anna, wording=published(bakery))
    with tenant_scope(shop):
        theirs = published(shop)
        over = declared(theirs)
    ended(over)

    with tenant_scope(bakery):
        assert (refusal(anna), state(anna)) == ("", "granted")


@pytest.mark.django_db(transaction=True)
def test_messages_that_wait_are_left_out(meta: Running, engine: Engine, bakery: Tenant) -> None:
    number = factories.number(bakery)
    with tenant_scope(bakery):
        version = published(bakery)
        people = [person(bakery), person(bakery)]
        agree(bakery, people[0], wording=version)
        agree(bakery, people[1], wording=published(bakery, 2))
    row = factories.source(number, people)
    with tenant_scope(bakery):
        declared(version)

    engine.run(5)

    assert factories.states(row) == {"ACCEPTED": 1, "SKIPPED": 1}


def test_people_with_another_valid_yes_keep_it(in_bakery: Tenant) -> None:
    anna, bert, carla = (person(in_bakery) for _ in range(3))
    old, new = published(in_bakery), published(in_bakery, 2)
    agree(in_bakery, anna, wording=old)
    agree(in_bakery, anna, wording=new, occurred_at=minutes(1))
    agree(in_bakery, bert, wording=new)
    agree(in_bakery, bert, wording=old, occurred_at=minutes(1))
    agree(in_bakery, carla)

    over = ended(declared(old))

    assert [state(one) for one in (anna, bert, carla)] == ["granted"] * 3
    assert [refusal(one) for one in (anna, bert, carla)] == [""] * 3
    assert over.ended == 2


def test_an_invalid_yes_beneath_a_newer_one_does_not_come_back(in_bakery: Tenant) -> None:
    anna, old, new = person(in_bakery), published(in_bakery), published(in_bakery, 2)
    agree(in_bakery, anna, wording=old)
    agree(in_bakery, anna, wording=new, occurred_at=minutes(1))

    ended(declared(old))
    ended(declared(new))

    assert state(anna) == "invalidated"


def test_a_resume_in_whatsapp_opens_no_invalid_yes(in_bakery: Tenant) -> None:
    anna, version = person(in_bakery), published(in_bakery)
    agree(in_bakery, anna, wording=version)
    signal = {"tenant": in_bakery, "contact": anna, "phone_number_id": NUMBER}
    declarations.meta_stopped(**signal, occurred_at=minutes(1), dedupe="stop")

    ended(declared(version))
    declarations.meta_resumed(**signal, occurred_at=timezone.now(), dedupe="resume")

    assert (state(anna), refusal(anna)) == ("invalidated", "invalidated")


def test_who_has_withdrawn_already_gets_no_row(in_bakery: Tenant) -> None:
    anna, version = person(in_bakery), published(in_bakery)
    agree(in_bakery, anna, wording=version)
    stop(in_bakery, anna)

    over = ended(declared(version))

    assert over.ended == 0
    assert (state(anna), refusal(anna)) == ("withdrawn", "withdrawn")


def test_people_may_agree_anew_to_a_valid_text(in_bakery: Tenant) -> None:
    anna, version = person(in_bakery), published(in_bakery)
    agree(in_bakery, anna, wording=version)
    ended(declared(version))

    agree(in_bakery, anna, wording=published(in_bakery, 2), occurred_at=timezone.now())

    assert (state(anna), refusal(anna)) == ("granted", "")


def test_nobody_can_agree_to_it_any_more(in_bakery: Tenant) -> None:
    anna, version = person(in_bakery), published(in_bakery)
    over = declared(version)

    before, after = agree(in_bakery, anna, wording=version)[0], agree(in_bakery, anna, wording=version, dedupe="x")[0]
    ended(over)

    assert (before.seq, before.skipped, after.skipped) == (None, "invalid_wording", "invalid_wording")
    assert refusal(anna) == "no_consent"


@pytest.mark.django_db(transaction=True)
def test_a_yes_that_comes_while_it_is_being_declared_waits_and_is_refused(bakery: Tenant) -> None:
    with tenant_scope(bakery):
        anna, version = person(bakery), published(bakery)
    started, answers = threading.Event(), []

    def say_yes() -> None:
        with tenant_scope(bakery):
            started.set()
            answers.extend(agree(bakery, anna, wording=version))
        connection.close()

    writer = threading.Thread(target=say_yes)
    with tenant_scope(bakery):
        over = declared(version)
        writer.start()
        started.wait(5)
        writer.join(0.3)
        assert answers == []
    writer.join()

    assert [answer.skipped for answer in answers] == ["invalid_wording"]
    ended(over)
    with tenant_scope(bakery):
        assert refusal(anna) == "no_consent"


def test_an_import_under_it_records_nothing(bakery: Tenant) -> None:
    first = done(bakery, PROVEN)
    with tenant_scope(bakery):
        over = declared(WordingVersion.objects.get())
    ended(over)

    again = done(bakery, PROVEN.replace("Blatt", "Bogen") + "\n")

    assert first.consent_counts["granted"] > 0
    assert set(again.consent_counts) == {"wording_invalid"}
    with tenant_scope(bakery):
        assert set(ConsentState.objects.values_list("state", flat=True)) == {"invalidated"}


def test_the_same_text_under_another_name_is_as_invalid(in_bakery: Tenant) -> None:
    anna, bert = person(in_bakery), person(in_bakery)
    version = published(in_bakery)
    twin = wordings.create(tenant=in_bakery, name="Zwilling", texts=version.texts, covers=BOTH, by=None)
    WordingVersion.objects.filter(pk=twin.pk).update(sha256=version.sha256, published_at=timezone.now())
    twin.refresh_from_db()
    agree(in_bakery, anna, wording=version)
    agree(in_bakery, bert, wording=twin)

    ended(declared(version))

    twin.refresh_from_db()
    assert twin.state == "invalid"
    assert (state(anna), state(bert)) == ("invalidated", "invalidated")


def test_it_is_declared_once_with_a_reason_and_not_as_a_draft(in_bakery: Tenant) -> None:
    version, draft = published(in_bakery), published(in_bakery, 2, published_at=None)

    with pytest.raises(ValidationError) as refused:
        declared(version, reason="  ")
    assert list(refused.value.message_dict) == ["reason"]
    with pytest.raises(NotNow):
        declared(draft)
    declared(version)
    with pytest.raises(NotNow):
        declared(version)


def test_how_many_people_it_concerns_is_counted_up_to_a_bound(in_bakery: Tenant) -> None:
    version = published(in_bakery)
    for _ in range(3):
        agree(in_bakery, person(in_bakery), wording=version, pairs=BOTH)
    gone = person(in_bakery)
    agree(in_bakery, gone, wording=version)
    stop(in_bakery, gone)

    assert resting_on(version) == 3
    assert resting_on(version, most=1) == 2


# Workers


def crowd(tenant: Tenant) -> tuple[WordingVersion, list[Contact]]:
    """Seven people: five under the text, one of them withdrawn, one under another one too, two under none."""
    version, other = published(tenant), published(tenant, 2)
    people = [person(tenant) for _ in range(7)]
    for one in people[:5]:
        agree(tenant, one, wording=version, pairs=BOTH)
    stop(tenant, people[0])
    agree(tenant, people[1], wording=other, occurred_at=minutes(1))
    for one in people[5:]:
        agree(tenant, one)
    return version, people


def outcome(people: list[Contact]) -> list[str]:
    return [f"{state(one)}/{refusal(one)}" for one in people]


@pytest.mark.usefixtures("small_stretches")
@pytest.mark.parametrize("first", [1, 2, 5])
def test_a_worker_killed_before_any_statement_leaves_nothing_half_done(
    bakery: Tenant, shop: Tenant, first: int
) -> None:
    with tenant_scope(shop):
        version, people = crowd(shop)
        expected_over = declared(version)
    expected_over = ended(expected_over)
    with tenant_scope(shop):
        expected = outcome(people)
    assert expected_over.ended == 8
    with tenant_scope(bakery):
        version, people = crowd(bakery)
        over = declared(version)

    for statement in range(first, 4000, 3):
        try:
            with connection.execute_wrapper(dying_at(statement)):
                while invalidating.run(bakery.pk, over.pk):
                    pass
        except Killed:
            continue
        break

    with tenant_scope(bakery):
        over.refresh_from_db()
        assert (over.ended, bool(over.finished_at)) == (8, True)
        assert outcome(people) == expected
        ends = ConsentEvent.objects.filter(state="invalidated")
        assert ends.count() == 8
    assert verify(bakery).broken_seq is None


@pytest.mark.usefixtures("small_stretches")
def test_beat_finds_what_a_lost_worker_left_and_nothing_else(bakery: Tenant) -> None:
    with tenant_scope(bakery):
        version, _people = crowd(bakery)
        over = declared(version)
    assert invalidating.due() == []
    with tenant_scope(bakery):
        Invalidation.objects.update(worked_at=timezone.now() - timedelta(minutes=1))
    assert invalidating.due() == [(bakery.pk, over.pk)]

    assert invalidating.run(bakery.pk, over.pk)
    assert invalidating.due() == []

    ended(over)
    with tenant_scope(bakery):
        Invalidation.objects.update(worked_at=timezone.now() - timedelta(minutes=1))
    assert invalidating.due() == []
    assert not invalidating.run(bakery.pk, over.pk)


@pytest.mark.usefixtures("small_stretches")
def test_a_task_that_is_not_done_rings_for_the_next(bakery: Tenant) -> None:
    tasks.invalidate.app.conf.task_always_eager = True
    with tenant_scope(bakery):
        version, people = crowd(bakery)
        over = declared(version)
        Invalidation.objects.update(worked_at=timezone.now() - timedelta(minutes=1))

    try:
        tasks.resume_invalidations()
    finally:
        tasks.invalidate.app.conf.task_always_eager = False

    with tenant_scope(bakery):
        over.refresh_from_db()
        assert over.finished_at is not None
        assert state(people[2]) == "invalidated"


def test_progress_says_how_far_it_is(bakery: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(invalidating, "ROWS_PER_STRETCH", 8)
    monkeypatch.setattr(invalidating, "STRETCHES_PER_RUN", 1)
    with tenant_scope(bakery):
        version, _people = crowd(bakery)
        over = declared(version)
        assert over.percent == 0

    invalidating.run(bakery.pk, over.pk)

    with tenant_scope(bakery):
        over.refresh_from_db()
        assert 0 < over.percent < 100
