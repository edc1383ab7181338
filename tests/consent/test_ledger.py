"""The ledger: gapless, chained, append-only, idempotent, and verifiable by anybody."""

import hashlib
import threading
from collections.abc import Callable
from io import StringIO
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction

from consent import ledger
from consent.ledger import evidence, suppressing
from consent.models import Authority, ConsentEvent, ConsentEvidence, ConsentHead, ConsentState
from consent.queries import may_send
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.consent.factories import agree, entry, minutes, person, published, say, stop

TABLE = "consent_consentevent"
WORDINGS = "consent_wordingversion"


def rows(tenant: Tenant) -> list[ConsentEvent]:
    return list(ConsentEvent.objects.filter(tenant=tenant).order_by("seq"))


def verify(tenant: Tenant) -> str:
    out = StringIO()
    call_command("verify_ledger", tenant=tenant.slug, stdout=out, stderr=out, no_color=True)
    return out.getvalue()


def broken(tenant: Tenant) -> str:
    out = StringIO()
    with pytest.raises(CommandError):
        call_command("verify_ledger", tenant=tenant.slug, stdout=out, stderr=out, no_color=True)
    return out.getvalue()


def tamper(tenant: Tenant, sql: str, table: str = TABLE) -> None:
    """Change the ledger as only the owner of the database can."""
    with tenant_scope(tenant), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        cursor.execute(sql)
        cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


def test_the_chain_starts_at_the_tenant_and_links_every_row(in_bakery: Tenant) -> None:
    ledger.append(in_bakery, [entry(), entry()])
    ledger.append(in_bakery, [entry()])

    previous = hashlib.sha256(f"consent:{in_bakery.uid}".encode()).digest()
    for number, row in enumerate(rows(in_bakery), 1):
        assert (row.seq, bytes(row.prev_hash)) == (number, previous)
        previous = hashlib.sha256(previous + row.canonical.encode()).digest()
        assert bytes(row.row_hash) == previous
    head = ConsentHead.objects.get(tenant=in_bakery)
    assert (head.last_seq, bytes(head.last_hash)) == (3, previous)


def test_the_hashed_text_is_sorted_json_in_utc_that_names_nobody(in_bakery: Tenant) -> None:
    anna = person(in_bakery, phone="+493023125777", email="anna@example.com")
    agree(in_bakery, anna, evidence={"phone": anna.phone}, dedupe="wamid.HBgM")

    [row] = rows(in_bakery)

    said = orjson.loads(row.canonical)
    assert list(said) == sorted(said)
    assert said["occurred_at"] == "2026-11-20T12:00:00.000000Z"
    assert all(secret not in row.canonical for secret in ("23125777", "anna@example.com", "HBgM", str(anna.uid)))


def test_a_column_that_came_later_stands_in_the_text_only_where_it_says_something(in_bakery: Tenant) -> None:
    ledger.append(in_bakery, [entry(), entry(policy_sha256="c0ffee")])

    older, newer = rows(in_bakery)

    assert "policy_sha256" not in older.canonical
    assert orjson.loads(newer.canonical)["policy_sha256"] == newer.policy_sha256 == "c0ffee"


def test_evidence_is_encrypted_and_its_digest_stands_in_the_row(in_bakery: Tenant) -> None:
    done = ledger.append(in_bakery, [entry(evidence={"ip": "192.0.2.7"})])[0]

    kept = ConsentEvidence.objects.get(event_id=done.event_id)
    plain = evidence.unseal(kept)
    assert plain == {"ip": "192.0.2.7"}
    assert "192.0.2.7" not in kept.sealed
    digest = hashlib.sha256(bytes(kept.salt) + orjson.dumps(plain)).hexdigest()
    assert rows(in_bakery)[0].evidence_digest == digest


def test_a_known_key_adds_nothing_also_within_one_batch(in_bakery: Tenant) -> None:
    anna = uuid4()
    first, repeated = ledger.append(in_bakery, [entry(anna, key="k"), entry(anna, key="k")])
    [again] = ledger.append(in_bakery, [entry(anna, key="k")])

    assert (first.seq, repeated.seq, again.seq) == (1, None, None)
    assert {first.event_id, repeated.event_id, again.event_id} == {first.event_id}
    assert (repeated.skipped, again.skipped, again.state_after) == ("duplicate", "duplicate", "granted")
    assert ConsentHead.objects.get(tenant=in_bakery).last_seq == 1


def test_an_import_over_a_no_is_skipped_while_its_neighbours_go_in(in_bakery: Tenant) -> None:
    anna, bert = person(in_bakery), person(in_bakery)
    stop(in_bakery, anna)

    done = ledger.append(in_bakery, [entry(anna.subject_id, occurred_at=minutes(60)), entry(bert.subject_id)])

    assert [row.skipped for row in done] == ["suppressed", ""]
    assert [row.state_after for row in done] == ["withdrawn", "granted"]


def test_a_no_earlier_in_the_same_batch_holds_against_a_later_import(in_bakery: Tenant) -> None:
    anna = person(in_bakery)

    done = ledger.append(in_bakery, [entry(anna.subject_id, state="withdrawn"), entry(anna.subject_id)])

    assert (done[1].skipped, done[1].state_after) == ("suppressed", "withdrawn")


def test_nobody_but_the_person_lifts_a_suppression(in_bakery: Tenant) -> None:
    done = say(in_bakery, person(in_bakery), "suppression_lifted", authority=1)

    assert (done.seq, done.skipped) == (None, "not_permitted")


def test_a_clock_that_runs_ahead_cannot_outlast_later_words(in_bakery: Tenant) -> None:
    anna = person(in_bakery)
    stop(in_bakery, anna, occurred_at=minutes(60 * 24 * 3650))

    [row] = rows(in_bakery)[:1]

    assert row.occurred_at == row.recorded_at


def test_each_row_names_the_one_it_follows(in_bakery: Tenant) -> None:
    anna = person(in_bakery)
    say(in_bakery, anna, "granted")
    say(in_bakery, anna, "granted", purpose="survey")
    say(in_bakery, anna, "withdrawn")

    assert [row.supersedes_seq for row in rows(in_bakery)] == [None, None, 1]


def test_a_suppression_of_everything_leaves_what_a_contract_needs() -> None:
    assert suppressing.covers([("all", "all")], "email", "survey")
    assert not suppressing.covers([("all", "all")], "whatsapp", "transactional")
    assert not suppressing.covers([("whatsapp", "marketing")], "email", "marketing")


@pytest.mark.parametrize(
    "sql", [f"UPDATE {TABLE} SET state = 'granted'", f"DELETE FROM {TABLE}", f"TRUNCATE {TABLE} CASCADE"]
)
def test_the_database_refuses_to_change_the_ledger(in_bakery: Tenant, sql: str) -> None:
    ledger.append(in_bakery, [entry()])

    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            cursor.execute(sql)

    assert len(rows(in_bakery)) == 1


def test_verifying_an_untouched_ledger_succeeds(bakery: Tenant, shop: Tenant) -> None:
    with tenant_scope(bakery):
        entries = [entry(evidence={"n": n}, valid_until=minutes(n)) for n in range(10)]
        ledger.append(bakery, [*entries, *(entry(policy_version="3", policy_sha256="c0ffee") for _ in range(10))])

    assert verify(bakery) == "bakery: 20 rows, chain intact, 0 signed heads fit\n"
    assert verify(shop) == "shop: 0 rows, chain intact, 0 signed heads fit\n"
    out = StringIO()
    call_command("verify_ledger", stdout=out, no_color=True)
    assert out.getvalue().count("chain intact") == 2


@pytest.mark.parametrize(
    ("sql", "first_broken"),
    [
        ("UPDATE {t} SET state = 'granted' WHERE seq = 3", 3),
        ("UPDATE {t} SET occurred_at = occurred_at + interval '1 microsecond' WHERE seq = 2", 2),
        ("UPDATE {t} SET canonical = replace(canonical, 'withdrawn', 'granted') WHERE seq = 4", 4),
        ("UPDATE {t} SET policy_sha256 = 'c0ffee' WHERE seq = 2", 2),
        ("UPDATE {t} SET row_hash = sha256(row_hash) WHERE seq = 5", 5),
        ("DELETE FROM {t} WHERE seq = 2", 2),
        ("DELETE FROM {t} WHERE seq = 5", 5),
        ("UPDATE {t} SET seq = 7 - seq WHERE seq IN (3, 4)", 3),
        ("UPDATE consent_consenthead SET last_hash = sha256('x')", 5),
        ("UPDATE consent_consenthead SET last_seq = 6", 6),
        ("DELETE FROM consent_consenthead", 5),
    ],
)
@pytest.mark.django_db(transaction=True)
def test_verifying_names_the_first_row_that_was_tampered_with(bakery: Tenant, sql: str, first_broken: int) -> None:
    with tenant_scope(bakery):
        ledger.append(bakery, [entry(state="withdrawn") for _ in range(5)])

    if "7 - seq" in sql:
        # Swapping needs a detour around the unique key.
        tamper(bakery, f"UPDATE {TABLE} SET seq = seq + 100 WHERE seq IN (3, 4)")
        sql = "UPDATE {t} SET seq = 107 - seq WHERE seq > 100"
    tamper(bakery, sql.format(t=TABLE))

    assert f"bakery: row {first_broken} is broken" in broken(bakery)


@pytest.mark.parametrize(
    "sql",
    [
        """UPDATE {t} SET texts = '{{"de": "Ja zu allem"}}' WHERE number > 1""",
        """UPDATE {t} SET covers = covers || '[["email", "marketing"]]' WHERE number > 1""",
        "UPDATE {t} SET sha256 = repeat(number::text, 64) WHERE number > 1",
    ],
)
@pytest.mark.django_db(transaction=True)
def test_verifying_names_the_first_wording_that_was_changed(bakery: Tenant, shop: Tenant, sql: str) -> None:
    for tenant in (bakery, shop):
        with tenant_scope(tenant):
            for number in (1, 2, 3):
                published(tenant, number)
            ledger.append(tenant, [entry()])
    assert verify(bakery) == "bakery: 1 rows, chain intact, 0 signed heads fit\n"

    tamper(bakery, sql.format(t=WORDINGS), WORDINGS)

    told = broken(bakery)
    assert "bakery: wording “Ladenformular” version 2 was changed after it was published" in told
    assert "bakery: 1 rows, chain intact" in told
    assert "chain intact" in verify(shop)


def test_verifying_an_unknown_tenant_says_so(db: None) -> None:
    with pytest.raises(CommandError, match="no tenant named nowhere"):
        call_command("verify_ledger", tenant="nowhere")


def test_states_are_rebuilt_from_the_ledger(bakery: Tenant) -> None:
    with tenant_scope(bakery):
        anna, bert = person(bakery), person(bakery)
        agree(bakery, anna)
        agree(bakery, bert)
        stop(bakery, bert)
        # Of all columns something: an age, an end, a reason, a number that Meta stopped.
        ledger.append(
            bakery,
            [
                entry(authority=Authority.PERSON, valid_until=minutes(60), age_confirmed=True),
                entry(state="meta_stopped", authority=Authority.META, phone_number_id="1060"),
            ],
        )
        before = states()
        ConsentState.objects.filter(subject_id=anna.subject_id).delete()
        ConsentState.objects.filter(subject_id=bert.subject_id).update(state="granted")
        ConsentState.objects.create(
            tenant=bakery, subject_id=uuid4(), channel="sms", purpose="survey", state="granted", since=minutes(0), seq=1
        )

    call_command("rebuild_consent_state", tenant="bakery", stdout=StringIO())

    with tenant_scope(bakery):
        assert states() == before


def states() -> list[tuple[Any, ...]]:
    """Everything that is stored, but for the rows' own ids."""
    columns = [field.attname for field in ConsentState._meta.concrete_fields if not field.primary_key]
    return sorted(ConsentState.objects.values_list(*columns), key=str)


def in_threads(count: int, work: Callable[[int], None]) -> list[BaseException]:
    """Run the same work in that many threads, each with its own connection; returns what went wrong."""
    errors: list[BaseException] = []

    def run(number: int) -> None:
        try:
            work(number)
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return errors


@pytest.mark.django_db(transaction=True)
def test_sixteen_writers_at_once_make_one_gapless_chain(bakery: Tenant, shop: Tenant) -> None:
    people = [uuid4() for _ in range(6)]

    def write(number: int) -> None:
        tenant = shop if number == 16 else bakery
        for turn in range(6):
            with tenant_scope(tenant):
                # Opposite orders, so that writers would deadlock if locks had no order.
                chosen = people if number % 2 else people[::-1]
                states = ("granted", "withdrawn", "meta_stopped")
                ledger.append(
                    tenant,
                    [entry(one, state=states[turn % 3], authority=3, key=f"{number}:{turn}:{one}") for one in chosen],
                )

    # And another company's beside them.
    assert in_threads(17, write) == []
    with tenant_scope(bakery):
        assert [row.seq for row in rows(bakery)] == list(range(1, 16 * 6 * 6 + 1))
    assert "chain intact" in verify(bakery)
    assert "36 rows, chain intact" in verify(shop)


@pytest.mark.django_db(transaction=True)
def test_the_same_cause_from_eight_workers_is_recorded_once(bakery: Tenant) -> None:
    with tenant_scope(bakery):
        anna = person(bakery)
        agree(bakery, anna)

    def write(number: int) -> None:
        with tenant_scope(bakery):
            stop(bakery, anna, dedupe="wamid.1")

    assert in_threads(8, write) == []
    with tenant_scope(bakery):
        assert ConsentEvent.objects.filter(state="withdrawn").count() == 3
        assert may_send(contact=anna, channel="whatsapp", purpose="marketing").reason == "withdrawn"


def test_one_tenants_ledger_is_invisible_to_another(bakery: Tenant, shop: Tenant) -> None:
    subject = UUID("6f1c2f3e-0000-4000-8000-000000000001")
    with tenant_scope(bakery):
        ledger.append(bakery, [entry(subject, key="same")])
    with tenant_scope(shop):
        assert ConsentEvent.objects.count() == 0
        done = ledger.append(shop, [entry(subject, key="same")])

    assert done[0].seq == 1
