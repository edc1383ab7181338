"""After any sequence of changes the KPI tables equal a recount; where they do not, the command says so and repairs."""

from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from itertools import count

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analytics import recounting
from analytics.models import HourlyKpi, Kpi, OrderCredit, ReasonKpi
from analytics.recounting import REACHED, Drift
from contacts.models import Event
from messaging.models import Click, Message, Source
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.analytics.cast import NOON, State, click, contacts_of, event, link_of, messages_of, order, reached, source_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("as_runtime")]

numbers = st.integers(0, 11)
offsets = st.integers(-3, 40).map(lambda steps: NOON + timedelta(hours=9 * steps))
step = st.sampled_from([*REACHED, "failed"])
changes = st.one_of(
    st.tuples(st.just("state"), st.sets(numbers), st.sampled_from(list(State))),
    st.tuples(st.just("time"), st.sets(numbers), step, st.none() | offsets),
    st.tuples(st.just("reason"), st.sets(numbers), st.sampled_from(["", "withdrawn"]), st.sampled_from([None, 131026])),
    st.tuples(st.just("bill"), st.sets(numbers), st.sampled_from(["DE", "AT"]), st.sampled_from(["", "marketing"])),
    st.tuples(st.just("delete"), st.sets(numbers, max_size=2)),
    st.tuples(st.just("add"), st.integers(1, 3), st.integers(0, 2)),
    st.tuples(st.just("click"), numbers, offsets, st.booleans()),
    st.tuples(st.just("unmask"), st.booleans()),
    st.tuples(st.just("unclick"), numbers),
    st.tuples(st.just("order"), numbers, offsets, st.integers(0, 50), st.integers(0, 4)),
    st.tuples(st.just("refund"), numbers, offsets, st.integers(0, 50), st.integers(0, 4)),
    st.tuples(st.just("reprice"), st.integers(0, 4), st.integers(0, 50), st.sampled_from(["", "CHF"])),
    st.tuples(st.just("forget"), st.integers(0, 4)),
)


class Play:
    """Applies random changes to a source, with plain SQL statements as any writer may."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.link = link_of(source)
        self.contacts = [message.contact_id for message in messages_of(source, 12)]
        self.event_ids = count()

    def apply(self, verb: str, *details: object) -> None:
        change: Callable[..., object] = getattr(self, verb)
        change(*details)

    def some(self, numbers: set[int]) -> "Message.objects":  # type: ignore[valid-type]
        return Message.objects.filter(source=self.source, contact__in=[self.contacts[n] for n in numbers])

    def state(self, numbers: set[int], state: int) -> None:
        self.some(numbers).update(state=state)

    def time(self, numbers: set[int], step: str, at: object) -> None:
        self.some(numbers).update(**{f"{step}_at": at})

    def reason(self, numbers: set[int], reason: str, code: int | None) -> None:
        self.some(numbers).update(reason=reason, error_code=code)

    def bill(self, numbers: set[int], market: str, category: str) -> None:
        self.some(numbers).update(market=market, price_type=category and "regular", price_category=category)

    def delete(self, numbers: set[int]) -> None:
        self.some(numbers).delete()

    def add(self, number: int, variant: int) -> None:
        messages_of(self.source, number, variant=variant, accepted_at=NOON, state=State.ACCEPTED)

    def click(self, number: int, at: object, is_counted: bool) -> None:
        for message in self.some({number}):
            click(message, at=at, link=self.link, is_counted=is_counted)

    def unmask(self, is_counted: bool) -> None:
        newest = Click.objects.order_by("-id").values("id")[:2]
        Click.objects.filter(id__in=newest).update(is_counted=is_counted)

    def unclick(self, number: int) -> None:
        Click.objects.filter(contact=self.contacts[number]).delete()

    def order(self, number: int, at: object, value: int, order_id: int, name: str = "order_placed") -> None:
        event(
            self.contacts[number], self.source.tenant_id, name, str(value),
            occurred_at=at, order_id=f"A{order_id}" if order_id else "", event_id=f"e{next(self.event_ids)}",
        )  # fmt: skip

    def refund(self, number: int, at: object, value: int, order_id: int) -> None:
        self.order(number, at, value, order_id, "order_refunded")

    def reprice(self, order_id: int, value: int, currency: str) -> None:
        Event.objects.filter(order_id=f"A{order_id}").update(value=value, currency=currency)

    def forget(self, order_id: int) -> None:
        Event.objects.filter(order_id=f"A{order_id}").delete()


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(sequence=st.lists(changes, max_size=12))
def test_kpis_equal_a_recount_after_any_changes(bakery: Tenant, sequence: list[tuple]) -> None:
    with tenant_scope(bakery):
        point = transaction.savepoint()
        play = Play(source_of(bakery))

        for change in sequence:
            play.apply(*change)

        assert recounting.drifts(bakery.pk) == []
        states = [name for name in recounting.KPI.columns if name.startswith("in_")]
        audience = sum(sum(row) for row in Kpi.objects.values_list(*states))
        assert audience == Message.objects.count()
        transaction.savepoint_rollback(point)


def test_every_kind_of_drift_is_named(in_bakery: Tenant) -> None:
    source = source_of(in_bakery)
    message = messages_of(source, 2)[0]
    Message.objects.exclude(pk=message.pk).update(state=State.SKIPPED, reason="withdrawn")
    reached([message], "accepted")
    click(message)
    order(message, "50")

    Kpi.objects.update(in_skipped=7)
    HourlyKpi.objects.filter(hour=NOON).update(accepted=5)
    ReasonKpi.objects.all().delete()

    hour = f"hour {NOON:%Y-%m-%d %H:%M:%S+00:00}"
    assert recounting.drifts(in_bakery.pk, source.pk) == [
        Drift("analytics_kpi", source.pk, 0, (), "in_skipped", 7, 1),
        Drift("analytics_hourlykpi", source.pk, 0, (hour,), "accepted", 5, 1),
        Drift("analytics_reasonkpi", source.pk, 0, ("state 9", "reason withdrawn", "error_code 0"), "messages", 0, 1),
    ]


def test_a_lost_credit_is_drift(in_bakery: Tenant) -> None:
    message = messages_of(source_of(in_bakery))[0]
    click(message)
    placed = order(message, "50")

    OrderCredit.objects.all().delete()

    found = recounting.drifts(in_bakery.pk)
    assert found == [Drift("analytics_ordercredit", message.source_id, 0, (f"event {placed.pk}",), "value", 0, 50)]


def test_verify_kpis_is_content_when_everything_agrees(bakery: Tenant) -> None:
    with tenant_scope(bakery):
        reached(messages_of(source_of(bakery), 2), "accepted")
    out = StringIO()

    call_command("verify_kpis", stdout=out)

    assert "All KPIs equal the recount." in out.getvalue()


def test_verify_kpis_names_the_source_and_column_that_drifted_and_repairs_them(bakery: Tenant, shop: Tenant) -> None:
    with tenant_scope(bakery):
        messages = messages_of(source_of(bakery, "Sommer"), 3)
        reached(messages, "accepted", "sent")
        click(messages[0])
        order(messages[0], "50")
        Kpi.objects.update(sent=99)
        OrderCredit.objects.all().delete()
    out = StringIO()

    with pytest.raises(CommandError, match="2 numbers differ"):
        call_command("verify_kpis", tenant="bakery", stdout=out)
    assert "bakery · Sommer · analytics_kpi (variant 0) · sent: stored 99, counted 3" in out.getvalue()
    call_command("verify_kpis", tenant="shop", stdout=out)
    call_command("verify_kpis", repair=True, stdout=out)

    with tenant_scope(bakery):
        row = Kpi.objects.get()
        assert (row.sent, row.orders, row.revenue, row.last_accepted_at) == (3, 1, 50, NOON)
        assert recounting.drifts(bakery.pk) == []


def test_repairing_one_source_leaves_the_others_alone(in_bakery: Tenant) -> None:
    wrong, other = source_of(in_bakery, "A"), source_of(in_bakery, "B")
    messages_of(wrong, 2)
    messages_of(other, 3)
    Kpi.objects.update(in_queued=0)

    recounting.rewrite(in_bakery.pk, wrong.pk)

    assert {drift.source_id for drift in recounting.drifts(in_bakery.pk)} == {other.pk}


def test_an_unknown_workspace_is_refused_by_name(db: None) -> None:
    with pytest.raises(CommandError, match="no workspace named 'nobody'"):
        call_command("verify_kpis", tenant="nobody")


def test_the_click_window_of_the_trigger_is_the_one_that_is_printed(db: None) -> None:
    from analytics.kpi import CLICK_WINDOW_DAYS

    with connection.cursor() as cursor:
        cursor.execute("SELECT prosrc FROM pg_proc WHERE proname = 'analytics_credits_due'")
        assert f"interval '{CLICK_WINDOW_DAYS} days'" in cursor.fetchone()[0]


def test_messages_to_contacts_of_many_sources_are_counted_once_each(in_bakery: Tenant) -> None:
    contacts = contacts_of(in_bakery, 3)
    for name in ("A", "B"):
        source = source_of(in_bakery, name)
        Message.objects.bulk_create(Message(tenant=in_bakery, source=source, contact=contact) for contact in contacts)

    assert sum(Kpi.objects.values_list("in_queued", flat=True)) == 6
    assert recounting.drifts(in_bakery.pk) == []
