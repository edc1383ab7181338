"""The sender: what is due goes out once, at the allowed rate, and every answer finds its row."""

import threading
from datetime import timedelta

import pytest
import redis
from django.db import IntegrityError, connection
from django.db.models import F
from django.utils.timezone import now
from pytest_django import Settings

from benchmarks.fleet import wait_until
from consent import ledger
from consent.ledger import Entry
from contacts.models import Contact
from messaging import claiming, queries
from messaging.engine import Engine
from messaging.models import Message, Source
from tenants.models import AuditEvent, Tenant
from tenants.scope import tenant_scope
from tests import factories
from whatsapp import bulk
from whatsapp.emulator import Running
from whatsapp.models import Account, Number

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("as_runtime")]


def withdraw(contact: Contact) -> None:
    with tenant_scope(contact.tenant_id):
        ledger.append(
            contact.tenant,
            [
                Entry(
                    subject_id=contact.subject_id,
                    channel="whatsapp",
                    purpose="marketing",
                    state="withdrawn",
                    authority=3,
                    source="wa_keyword",
                    occurred_at=now(),
                    key=f"no:{contact.subject_id}",
                )
            ],
        )


def wait_for_the_brake(source: Source, redis_url: str) -> None:
    """Until the number may be asked again: no process waits for that, in production beat calls the next sender."""
    cache = redis.Redis.from_url(redis_url)
    wait_until(lambda: not cache.exists(f"zusage:brake:{source.number_id}"), "the end of the brake", 10)


def test_everyone_queued_gets_one_message(bakery: Tenant, meta: Running, engine: Engine) -> None:
    source = factories.source(factories.number(bakery), factories.contacts(bakery, 300))

    engine.run(10)

    assert factories.states(source) == {"ACCEPTED": 300}
    assert len(meta.ledger) == 300
    assert meta.duplicates() == {}


def test_rows_that_nobody_can_read_or_build_are_set_aside_and_the_others_go(
    bakery: Tenant, meta: Running, engine: Engine
) -> None:
    people = factories.contacts(bakery, 5)
    source = factories.source(factories.number(bakery), people)
    with tenant_scope(bakery), connection.cursor() as cursor:
        cursor.execute("UPDATE contacts_contact SET attributes = '{\"points\": 1e400}' WHERE id = %s", [people[1].pk])
        Message.objects.filter(contact=people[2]).update(variant=9)

    engine.run(5)

    assert factories.states(source) == {"ACCEPTED": 3, "SKIPPED": 1, "FAILED": 1}
    with tenant_scope(bakery):
        reasons = Message.objects.filter(source=source).exclude(reason="").values_list("contact", "reason")
        assert set(reasons) == {(people[1].pk, "invalid_payload"), (people[2].pk, "invalid_payload")}


def test_the_message_carries_values_image_and_a_tracked_link(bakery: Tenant, meta: Running, engine: Engine) -> None:
    factories.source(factories.number(bakery), factories.contacts(bakery, 1))

    engine.run(5)

    with tenant_scope(bakery):
        message = Message.objects.get(tenant=bakery)
    assert message.wamid
    assert message.accepted_at
    assert message.market == "DE"
    assert message.consent_seq


@pytest.mark.parametrize(
    ("shared", "own", "state"), [("app", "", "ACCEPTED"), ("x", "app", "ACCEPTED"), ("x", "", "FAILED")]
)
def test_messages_prove_with_the_accounts_own_secret_or_else_the_shared_one(
    bakery: Tenant, meta: Running, engine: Engine, settings: Settings, shared: str, own: str, state: str
) -> None:
    settings.WHATSAPP_APPSECRET_PROOF, settings.WHATSAPP_APP_SECRET = True, shared
    meta.point_webhooks("", "app")
    number = factories.number(bakery)
    meta.add_number(number.phone_number_id, number.account.waba_id)
    with tenant_scope(bakery):
        number.account.app_secret = own
        number.account.save()

    source = factories.source(number, factories.contacts(bakery, 1))
    engine.run(5)

    assert factories.states(source) == {state: 1}


@pytest.mark.parametrize(("url", "secret"), [("https://graph.facebook.com", "app"), ("http://127.0.0.1:9", "")])
def test_meta_gets_a_proof_and_a_stub_none(bakery: Tenant, settings: Settings, url: str, secret: str) -> None:
    settings.WHATSAPP_API_URL, settings.WHATSAPP_APP_SECRET = url, "app"

    assert factories.number(bakery).account.proof_secret == secret


def test_who_withdrew_after_the_freeze_gets_nothing(bakery: Tenant, meta: Running, engine: Engine) -> None:
    people = factories.contacts(bakery, 3)
    source = factories.source(factories.number(bakery), people)
    withdraw(people[1])

    engine.run(5)

    assert factories.states(source) == {"ACCEPTED": 2, "CANCELLED": 1}
    with tenant_scope(bakery):
        assert Message.objects.get(tenant=bakery, contact=people[1]).reason == "withdrawn"


def test_a_paused_source_sends_nothing_more(bakery: Tenant, meta: Running, engine: Engine) -> None:
    source = factories.source(factories.number(bakery), factories.contacts(bakery, 3))
    with tenant_scope(bakery):
        Source.objects.filter(pk=source.pk).update(state="paused")

    engine.run(3)

    assert factories.states(source) == {"QUEUED": 3}
    assert len(meta.ledger) == 0


def test_nothing_is_sent_after_the_end_even_if_nobody_has_swept(bakery: Tenant, meta: Running, engine: Engine) -> None:
    source = factories.source(factories.number(bakery), factories.contacts(bakery, 3))
    with tenant_scope(bakery):
        Source.objects.filter(pk=source.pk).update(expires_at=now() - timedelta(seconds=1))
        number = Number.objects.get()

    assert queries.numbers_with_due_messages() == []
    assert claiming.due_sources(number) == []
    engine.run(3)

    assert factories.states(source) == {"QUEUED": 3}
    assert len(meta.ledger) == 0


def test_the_bucket_holds_the_numbers_rate(bakery: Tenant, meta: Running, engine: Engine) -> None:
    source = factories.source(factories.number(bakery, throughput=40), factories.contacts(bakery, 200))

    engine.run(2)

    sent = factories.states(source).get("ACCEPTED", 0)
    # Two seconds at 40 a second, and what was claimed when the time was over.
    assert 60 <= sent <= 130


def test_the_next_sender_is_called_and_the_number_free_before_the_last_answers_are_there(
    bakery: Tenant, meta: Running, engine: Engine, settings: Settings
) -> None:
    number = factories.number(bakery, throughput=40)
    source = factories.source(number, factories.contacts(bakery, 100))
    # So long that no busy machine makes the sender's time outlast it.
    meta.configure(latency_s=6.0)
    found: list[tuple[int, bool]] = []

    def called() -> None:
        is_leased = redis.Redis.from_url(settings.REDIS_URL).exists(f"zusage:lane:{number.pk}")
        found.append((factories.states(source).get("ACCEPTED", 0), bool(is_leased)))

    engine.run(2, call_next=called)

    assert found == [(0, False)]
    assert factories.states(source)["ACCEPTED"] > 0


def test_what_waits_too_long_for_a_connection_is_asked_for_consent_again(
    bakery: Tenant, meta: Running, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = factories.contacts(bakery, 6)
    source = factories.source(factories.number(bakery), people)
    monkeypatch.setattr(bulk, "CONNECTIONS", 2)
    # Longer than a claim lasts.
    meta.configure(latency_s=2.0)
    sending = threading.Thread(target=engine.run, args=(8,))
    sending.start()
    wait_until(lambda: len(meta.ledger) == 2, "the first two", 10)
    withdraw(people[5])
    sending.join()

    assert factories.states(source) == {"ACCEPTED": 5, "SKIPPED": 1}
    assert meta.duplicates() == {}
    with tenant_scope(bakery):
        sent = Message.objects.filter(tenant=bakery, source=source, state=Message.State.ACCEPTED)
        assert set(sent.values_list("attempt", flat=True)) == {1}


def test_a_number_of_few_messages_a_second_sends_too(bakery: Tenant, meta: Running, engine: Engine) -> None:
    source = factories.source(factories.number(bakery, throughput=4), factories.contacts(bakery, 4))

    engine.run(4)

    assert factories.states(source) == {"ACCEPTED": 4}


def test_a_throttled_message_waits_and_goes_again(
    bakery: Tenant, meta: Running, engine: Engine, settings: Settings
) -> None:
    meta.configure(refused={"130429": 0.3})
    source = factories.source(factories.number(bakery), factories.contacts(bakery, 20))

    engine.run(3)
    meta.configure(refused={})
    with tenant_scope(bakery):
        Message.objects.filter(tenant=bakery, queue=0).update(next_attempt_at=now())
    wait_for_the_brake(source, settings.REDIS_URL)
    engine.run(5)

    assert factories.states(source) == {"ACCEPTED": 20}
    assert meta.duplicates() == {}


def test_what_meta_refuses_three_times_fails_however_often_it_could_not_leave_before(
    bakery: Tenant, meta: Running, engine: Engine
) -> None:
    meta.configure(refused={"131000": 1.0})
    source = factories.source(factories.number(bakery), factories.contacts(bakery, 2))
    seen = []
    for _ in range(3):
        with tenant_scope(bakery):
            Message.objects.filter(queue=0).update(next_attempt_at=now(), attempt=F("attempt") + 6)
        engine.run(3)
        seen.append(factories.states(source))

    assert seen == [{"QUEUED": 2}, {"QUEUED": 2}, {"FAILED": 2}]


def test_while_the_apps_quota_is_used_up_a_few_ask_again_when_meta_said(
    bakery: Tenant, meta: Running, engine: Engine, settings: Settings
) -> None:
    meta.configure(refused={"4": 1.0})
    source = factories.source(factories.number(bakery, throughput=80), factories.contacts(bakery, 400))
    began = now()

    engine.run(5)

    assert factories.states(source) == {"QUEUED": 400}
    with tenant_scope(bakery):
        refused = list(Message.objects.filter(error_code=4).values_list("next_attempt_at", flat=True))
    assert 0 < len(refused) < 80
    # The rule of this code says five minutes, Meta's answer one.
    assert all(timedelta(seconds=59) < due - began < timedelta(seconds=90) for due in refused)
    # No process waits for that.
    assert redis.Redis.from_url(settings.REDIS_URL).ttl(f"zusage:brake:{source.number_id}") > 5


def test_no_process_waits_for_a_number_that_rests(
    bakery: Tenant, shop: Tenant, meta: Running, engine: Engine, settings: Settings
) -> None:
    resting, other = (factories.source(factories.number(one), factories.contacts(one, 20)) for one in (bakery, shop))
    cache, brake = redis.Redis.from_url(settings.REDIS_URL), f"zusage:brake:{resting.number_id}"
    cache.set(brake, 1, ex=600)

    engine.run(300)

    assert factories.states(resting) == {"QUEUED": 20}
    assert factories.states(other) == {"ACCEPTED": 20}
    assert cache.ttl(brake) > 300


def test_an_expired_token_stops_the_account_and_loses_nobody(bakery: Tenant, meta: Running, engine: Engine) -> None:
    meta.configure(refused={"190": 1.0})
    source = factories.source(factories.number(bakery), factories.contacts(bakery, 5))

    engine.run(3)

    assert factories.states(source) == {"QUEUED": 5}
    with tenant_scope(bakery):
        account = Account.objects.get(tenant=bakery)
        assert account.pause_code == 190
        assert account.paused_at
        assert AuditEvent.objects.filter(verb="account.paused").count() == 1


def test_a_paused_template_pauses_the_source(bakery: Tenant, meta: Running, engine: Engine) -> None:
    meta.configure(refused={"132015": 1.0})
    source = factories.source(factories.number(bakery), factories.contacts(bakery, 5))

    engine.run(3)

    assert factories.states(source) == {"QUEUED": 5}
    with tenant_scope(bakery):
        source.refresh_from_db()
    assert (source.state, source.pause_code) == ("paused", 132015)


def test_an_unreachable_recipient_fails_alone(bakery: Tenant, meta: Running, engine: Engine) -> None:
    meta.configure(refused={"131026": 1.0})
    source = factories.source(factories.number(bakery), factories.contacts(bakery, 2))

    engine.run(3)

    assert factories.states(source) == {"FAILED": 2}
    with tenant_scope(bakery):
        assert set(Message.objects.values_list("error_code", flat=True)) == {131026}


def test_no_answer_makes_it_uncertain_and_never_sends_again(
    bakery: Tenant, meta: Running, engine: Engine, settings: Settings
) -> None:
    settings.WHATSAPP_TIMEOUT_S = 0.3
    meta.configure(hangs=1.0, hang_s=2.0)
    source = factories.source(factories.number(bakery), factories.contacts(bakery, 4))

    engine.run(3)
    meta.configure(hangs=0.0)
    engine.run(2)

    assert factories.states(source) == {"UNCERTAIN": 4}
    assert len(meta.ledger) == 4
    assert meta.duplicates() == {}


def test_when_nothing_left_the_machine_it_is_sent_again(
    bakery: Tenant, meta: Running, engine: Engine, settings: Settings
) -> None:
    source = factories.source(factories.number(bakery), factories.contacts(bakery, 3))
    there, settings.WHATSAPP_API_URL = settings.WHATSAPP_API_URL, "http://127.0.0.1:9"

    engine.run(2)
    assert factories.states(source) == {"QUEUED": 3}
    settings.WHATSAPP_API_URL = there
    with tenant_scope(bakery):
        Message.objects.filter(tenant=bakery).update(next_attempt_at=now())
    wait_for_the_brake(source, settings.REDIS_URL)
    engine.run(5)

    assert factories.states(source) == {"ACCEPTED": 3}


def test_two_tenants_send_side_by_side(bakery: Tenant, shop: Tenant, meta: Running, engine: Engine) -> None:
    first = factories.source(factories.number(bakery), factories.contacts(bakery, 50))
    second = factories.source(factories.number(shop), factories.contacts(shop, 50))

    engine.run(10)

    assert factories.states(first) == {"ACCEPTED": 50}
    assert factories.states(second) == {"ACCEPTED": 50}


def test_a_token_that_cannot_be_read_stops_its_own_number_only(
    bakery: Tenant, shop: Tenant, meta: Running, engine: Engine
) -> None:
    broken = factories.source(factories.number(bakery), factories.contacts(bakery, 2))
    with tenant_scope(bakery):
        Account.objects.update(token_encrypted="lost-key:AAAA")
    whole = factories.source(factories.number(shop), factories.contacts(shop, 2))

    engine.run(3)

    assert factories.states(broken) == {"QUEUED": 2}
    assert factories.states(whole) == {"ACCEPTED": 2}


def test_m_45_the_database_lets_nothing_be_claimed_that_names_no_row_which_allows_it(bakery: Tenant) -> None:
    source = factories.source(factories.number(bakery), factories.contacts(bakery, 1))

    with tenant_scope(bakery), pytest.raises(IntegrityError, match="message_sent_with_a_yes"):
        Message.objects.filter(source=source).update(queue=1, state=1)
