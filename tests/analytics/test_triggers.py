"""KPI tables change in the transaction that changes a message or a click, whoever writes it."""

import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.db.models import Sum

from analytics.models import HourlyKpi, Kpi, ReasonKpi
from contacts.models import Contact
from messaging.models import Click, Message, Source
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.analytics.cast import NOON, State, click, link_of, messages_of, reached, source_of

pytestmark = pytest.mark.django_db


def kpi(source: Source) -> dict[str, int]:
    """The source's counts over all variants and shards."""
    names = [field.name for field in Kpi._meta.fields if field.name.startswith("in_")]
    names += ["accepted", "sent", "delivered", "read", "clicked", "replied", "opted_out", "clicks"]
    return Kpi.objects.filter(source=source).aggregate(**{name: Sum(name) for name in names})


def hours(source: Source, step: str) -> dict[int, int]:
    """How many messages reached the step, by hours after noon."""
    rows = HourlyKpi.objects.filter(source=source).values("hour").annotate(messages=Sum(step))
    return {(row["hour"] - NOON) // timedelta(hours=1): row["messages"] for row in rows if row["messages"]}


def reasons(source: Source) -> dict[tuple[int, str, int], int]:
    """Messages by (state, reason, error code)."""
    rows = ReasonKpi.objects.filter(source=source).values("state", "reason", "error_code")
    found = rows.annotate(count=Sum("messages")).order_by()
    return {(r["state"], r["reason"], r["error_code"]): r["count"] for r in found if r["count"]}


def execute(sql: str, *params: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)


def test_inserted_messages_are_counted_in_their_state(in_bakery: Tenant) -> None:
    source = source_of(in_bakery)

    messages_of(source, 3)
    messages_of(source, 2, state=State.SKIPPED, reason="no_consent")

    assert (kpi(source)["in_queued"], kpi(source)["in_skipped"]) == (3, 2)
    assert reasons(source) == {(State.SKIPPED, "no_consent", 0): 2}


def test_a_message_moves_between_states_and_keeps_what_it_reached(in_bakery: Tenant) -> None:
    source = source_of(in_bakery)
    messages = messages_of(source, 4)

    reached(messages, "accepted", "sent", "delivered")
    reached(messages[:1], "read", at=NOON + timedelta(hours=2))

    counts = kpi(source)
    assert (counts["in_queued"], counts["in_delivered"], counts["in_read"]) == (0, 3, 1)
    assert (counts["accepted"], counts["delivered"], counts["read"]) == (4, 4, 1)
    assert hours(source, "delivered") == {0: 4}
    assert hours(source, "read") == {2: 1}


def test_hours_are_cut_in_utc_by_the_events_own_time(in_bakery: Tenant) -> None:
    source = source_of(in_bakery)
    messages = messages_of(source, 2)

    reached(messages[:1], "accepted", at=NOON + timedelta(minutes=59, seconds=59))
    reached(messages[1:], "accepted", at=NOON + timedelta(hours=1))

    assert hours(source, "accepted") == {0: 1, 1: 1}


def test_a_corrected_time_moves_the_message_to_its_hour(in_bakery: Tenant) -> None:
    source = source_of(in_bakery)
    messages = messages_of(source, 1)
    reached(messages, "accepted", at=NOON)

    reached(messages, "accepted", at=NOON - timedelta(hours=3))

    assert hours(source, "accepted") == {-3: 1}
    assert kpi(source)["accepted"] == 1


def test_a_failure_is_counted_by_its_error_code_until_it_is_tried_again(in_bakery: Tenant) -> None:
    source = source_of(in_bakery)
    messages = messages_of(source, 2)

    Message.objects.update(state=State.FAILED, error_code=131026, failed_at=NOON)
    assert reasons(source) == {(State.FAILED, "", 131026): 2}
    assert hours(source, "failed") == {0: 2}

    Message.objects.filter(pk=messages[0].pk).update(state=State.QUEUED, error_code=None, failed_at=None)
    assert reasons(source) == {(State.FAILED, "", 131026): 1}
    assert hours(source, "failed") == {0: 1}


def test_a_changed_reason_alone_moves_the_count(in_bakery: Tenant) -> None:
    source = source_of(in_bakery)
    messages_of(source, 2, state=State.SKIPPED, reason="pending")

    Message.objects.update(reason="withdrawn")

    assert reasons(source) == {(State.SKIPPED, "withdrawn", 0): 2}


def test_variants_are_counted_apart(in_bakery: Tenant) -> None:
    source = source_of(in_bakery)
    messages_of(source, 3, variant=0)
    b = messages_of(source, 2, variant=1)

    reached(b[:1], "accepted")

    rows = Kpi.objects.filter(source=source).values_list("variant").annotate(Sum("in_queued"), Sum("accepted"))
    assert sorted(rows) == [(0, 3, 0), (1, 1, 1)]


def test_an_upsert_counts_its_inserted_and_its_updated_rows(in_bakery: Tenant) -> None:
    source = source_of(in_bakery)
    known = messages_of(source, 1)[0]
    new = Contact.objects.create(tenant=in_bakery, phone="+4930999999")

    execute(
        "INSERT INTO messaging_message (tenant_id, source_id, contact_id, state)"
        " VALUES (%s, %s, %s, 9), (%s, %s, %s, 9)"
        " ON CONFLICT (tenant_id, source_id, contact_id) DO UPDATE SET state = excluded.state",
        *(in_bakery.pk, source.pk, known.contact_id, in_bakery.pk, source.pk, new.pk),
    )

    assert (kpi(source)["in_queued"], kpi(source)["in_skipped"]) == (0, 2)


def test_inserting_what_is_already_there_counts_nothing(in_bakery: Tenant) -> None:
    source = source_of(in_bakery)
    messages_of(source, 3)

    execute(
        "INSERT INTO messaging_message (tenant_id, source_id, contact_id)"
        " SELECT tenant_id, source_id, contact_id FROM messaging_message ON CONFLICT DO NOTHING"
    )

    assert kpi(source)["in_queued"] == 3


def test_deleted_messages_leave_the_counts(in_bakery: Tenant) -> None:
    source = source_of(in_bakery)
    messages = messages_of(source, 3)
    reached(messages, "accepted", "sent")

    Message.objects.filter(pk=messages[0].pk).delete()

    assert (kpi(source)["in_sent"], kpi(source)["sent"]) == (2, 2)
    assert hours(source, "sent") == {0: 2}


def test_deleting_a_contact_keeps_its_message_in_the_counts(in_bakery: Tenant) -> None:
    source = source_of(in_bakery)
    messages = messages_of(source, 2)
    reached(messages, "accepted", "sent")

    Contact.objects.get(pk=messages[0].contact_id).delete()

    assert kpi(source)["in_sent"] == 2 == Message.objects.count()


def test_a_statement_that_changes_nothing_countable_touches_no_kpi_row(in_bakery: Tenant) -> None:
    source = source_of(in_bakery)
    messages_of(source, 3)
    versions = list(Kpi.objects.extra(select={"version": "ctid"}).values_list("id", "version"))

    Message.objects.update(wamid="w", price_type="regular", attempt=2)

    assert list(Kpi.objects.extra(select={"version": "ctid"}).values_list("id", "version")) == versions


@pytest.mark.django_db(transaction=True)
def test_a_rolled_back_change_is_not_counted(bakery: Tenant) -> None:
    with tenant_scope(bakery):
        source = source_of(bakery)
        messages = messages_of(source, 2)

    with tenant_scope(bakery):
        reached(messages, "accepted")
        transaction.set_rollback(True)

    with tenant_scope(bakery):
        assert (kpi(source)["in_queued"], kpi(source)["accepted"]) == (2, 0)


def test_kpi_remember_the_first_and_last_acceptance(in_bakery: Tenant) -> None:
    source = source_of(in_bakery)
    messages = messages_of(source, 3)

    for minute, message in enumerate(messages):
        reached([message], "accepted", at=NOON + timedelta(minutes=minute))

    row = Kpi.objects.get(source=source)
    assert (row.first_accepted_at, row.last_accepted_at) == (NOON, NOON + timedelta(minutes=2))


def test_counted_clicks_add_up_and_previews_do_not(in_bakery: Tenant) -> None:
    source = source_of(in_bakery)
    message = messages_of(source)[0]

    click(message, is_counted=False)
    assert (kpi(source)["clicks"], kpi(source)["clicked"]) == (0, 0)

    click(message)
    click(message, at=NOON + timedelta(hours=1))
    assert (kpi(source)["clicks"], kpi(source)["clicked"]) == (2, 1)


def test_a_click_unmasked_as_a_robot_no_longer_counts(in_bakery: Tenant) -> None:
    source = source_of(in_bakery)
    click(messages_of(source)[0])

    Click.objects.update(is_counted=False)

    assert kpi(source)["clicks"] == 0


def test_an_anonymous_click_counts_for_the_variant_of_its_link(in_bakery: Tenant) -> None:
    source = source_of(in_bakery)
    link = link_of(source, variant=1)

    Click.objects.create(tenant=in_bakery, link=link, source=source, at=NOON, is_counted=True)

    assert Kpi.objects.get(source=source, variant=1).clicks == 1


def test_deleted_clicks_leave_the_counts(in_bakery: Tenant) -> None:
    source = source_of(in_bakery)
    message = messages_of(source)[0]
    click(message)
    click(message).delete()

    assert kpi(source)["clicks"] == 1


def test_another_tenant_sees_none_of_the_counts(bakery: Tenant, shop: Tenant) -> None:
    with tenant_scope(bakery):
        messages_of(source_of(bakery), 2, state=State.SKIPPED, reason="no_consent")

    with tenant_scope(shop):
        assert not Kpi.objects.exists()
        assert not ReasonKpi.objects.exists()
        assert not HourlyKpi.objects.exists()


def test_a_statement_over_many_sources_counts_each(in_bakery: Tenant) -> None:
    sources = [source_of(in_bakery, name=f"s{i}") for i in range(5)]
    for i, source in enumerate(sources):
        messages_of(source, i + 1)

    Message.objects.update(state=State.CANCELLED, reason="campaign_cancelled")

    assert [kpi(source)["in_cancelled"] for source in sources] == [1, 2, 3, 4, 5]


@pytest.mark.django_db(transaction=True)
def test_sessions_changing_one_campaign_at_once_lose_no_count(bakery: Tenant) -> None:
    with tenant_scope(bakery):
        source = source_of(bakery)
        messages = messages_of(source, 400)
    groups = [messages[i::4] for i in range(4)]
    at_once = threading.Barrier(4)

    def deliver(group: list[Message]) -> None:
        try:
            at_once.wait(timeout=30)
            for start in range(0, 100, 10):
                with tenant_scope(bakery):
                    reached(group[start : start + 10], "accepted", "sent", "delivered")
        finally:
            connection.close()

    threads = [threading.Thread(target=deliver, args=(group,)) for group in groups]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with tenant_scope(bakery):
        counts = kpi(source)
        assert (counts["in_queued"], counts["in_delivered"], counts["delivered"]) == (0, 400, 400)
        assert hours(source, "delivered") == {0: 400}


@pytest.mark.django_db(transaction=True)
def test_an_open_transaction_does_not_hold_up_another_ones_counts(bakery: Tenant) -> None:
    with tenant_scope(bakery):
        source = source_of(bakery)
        messages = messages_of(source, 40)
    failures: list[BaseException] = []

    def accept_without_waiting(message: Message) -> None:
        try:
            with tenant_scope(bakery):
                execute("SET LOCAL lock_timeout = '2s'")
                reached([message], "accepted")
        except BaseException as error:
            failures.append(error)
        finally:
            connection.close()

    # Ever new sessions come to every shard, the open transaction's too.
    with tenant_scope(bakery):
        reached(messages[:1], "accepted")
        for message in messages[1:]:
            thread = threading.Thread(target=accept_without_waiting, args=(message,))
            thread.start()
            thread.join()

    assert failures == []
    with tenant_scope(bakery):
        assert kpi(source)["accepted"] == 40
