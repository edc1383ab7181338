"""What a person's rows add up to: the rules one by one, and the projection against the pure function."""

import itertools
from datetime import timedelta
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from consent import ledger
from consent.ledger import Entry, Happened, fold
from consent.models import ConsentEvent, ConsentState, State
from tenants.models import Tenant
from tests.consent.factories import NOON, entry, minutes

MARKETING = ("whatsapp", "marketing")
sequence = itertools.count(1)


def happened(state: str, minute: float = 0, **fields: object) -> Happened:
    """One row of somebody's history: by default said by the person about marketing by WhatsApp."""
    defaults = {"channel": "whatsapp", "purpose": "marketing", "authority": 3, "occurred_at": minutes(minute)}
    return Happened(**{"seq": next(sequence), "state": state, **defaults, **fields})


def state(*events: Happened, pair: tuple[str, str] = MARKETING) -> str:
    folded = fold(events).get(pair)
    return folded.state if folded else ""


def test_the_order_of_arrival_does_not_matter() -> None:
    yes, no, again = happened("granted", 1), happened("withdrawn", 2), happened("granted", 3)

    assert {state(*order) for order in itertools.permutations([yes, no, again])} == {"granted"}


def test_at_the_same_instant_the_no_wins() -> None:
    assert state(happened("withdrawn", 1), happened("granted", 1)) == "withdrawn"
    assert state(happened("granted", 1), happened("withdrawn", 1)) == "withdrawn"


@pytest.mark.parametrize("no", ["withdrawn", "objected", "suppressed", "refused"])
def test_only_the_person_lifts_a_no(no: str) -> None:
    assert state(happened("granted", 1), happened(no, 2), happened("granted", 3, authority=1)) == no
    assert state(happened("granted", 1), happened(no, 2), happened("granted", 3, authority=0)) == no
    assert state(happened("granted", 1), happened(no, 2), happened("granted", 3)) == "granted"


def test_an_imported_yes_under_a_later_known_older_no_counts_nothing() -> None:
    assert state(happened("granted", 5, authority=0), happened("withdrawn", 1)) == "withdrawn"


def test_a_request_is_not_a_yes() -> None:
    assert state(happened("requested", 1)) == "requested"
    assert state(happened("granted", 1), happened("requested", 2)) == "granted"
    assert state(happened("withdrawn", 1), happened("requested", 2)) == "withdrawn"


def test_an_expiry_ends_the_request_that_it_names_and_nothing_else() -> None:
    asked = happened("requested", 1)
    over = happened("expired", 10, authority=1, doi_request_seq=asked.seq)

    assert state(asked, over) == "expired"
    assert state(asked, over, happened("requested", 11)) == "requested"
    # A tap in time that arrives when the expiry is written already, and one of before.
    assert state(asked, over, happened("granted", 9)) == "granted"
    assert state(happened("granted", 0), asked, over) == "granted"
    # Asked again in between: that question still waits.
    assert state(asked, happened("requested", 9), over) == "requested"
    assert state(happened("withdrawn", 0), asked, over) == "withdrawn"
    assert state(over) == ""


def test_withdrawing_marketing_ends_tracking_and_profiling_of_that_channel_only() -> None:
    yeses = [happened("granted", 1, purpose=p) for p in ("marketing", "tracking", "profiling", "survey")]
    by_mail = happened("granted", 1, channel="email", purpose="tracking")

    folded = fold([*yeses, by_mail, happened("withdrawn", 2)])

    assert [folded["whatsapp", p].state for p in ("tracking", "profiling", "survey")] == ["withdrawn"] * 2 + ["granted"]
    assert folded["email", "tracking"].state == "granted"


def test_withdrawing_tracking_leaves_marketing() -> None:
    events = [happened("granted", 1), happened("granted", 1, purpose="tracking")]

    assert state(*events, happened("withdrawn", 2, purpose="tracking")) == "granted"


def test_marketing_opens_again_when_no_number_is_stopped() -> None:
    yes, stop_a, stop_b = happened("granted", 1), happened("meta_stopped", 2, phone_number_id="a"), None
    stop_b = happened("meta_stopped", 3, phone_number_id="b")
    resume_a = happened("meta_resumed", 4, phone_number_id="a")
    resume_b = happened("meta_resumed", 5, phone_number_id="b")

    assert state(yes, stop_a, stop_b, resume_a) == "meta_stopped"
    assert fold([yes, stop_a, stop_b, resume_a])[MARKETING].stopped_numbers == ("b",)
    assert state(yes, stop_a, stop_b, resume_a, resume_b) == "granted"


def test_a_resume_without_a_yes_beneath_allows_nothing() -> None:
    stop = happened("meta_stopped", 2, phone_number_id="a")

    assert state(stop, happened("meta_resumed", 4, phone_number_id="a")) == ""


def test_a_yes_by_the_person_does_not_lift_metas_stop() -> None:
    assert state(happened("meta_stopped", 1, phone_number_id="a"), happened("granted", 2)) == "meta_stopped"


def test_an_invalid_wording_takes_only_its_own_yeses_along() -> None:
    old, new = happened("granted", 1, wording_sha256="old"), happened("granted", 2, wording_sha256="new")

    assert state(old, happened("invalidated", 3, wording_sha256="old")) == "invalidated"
    assert state(old, new, happened("invalidated", 3, wording_sha256="old")) == "granted"
    assert state(old, new, happened("invalidated", 3)) == "invalidated"


def test_an_expired_yes_may_be_given_again_by_import() -> None:
    events = [happened("granted", 1), happened("expired", 2)]

    assert state(*events) == "expired"
    assert state(*events, happened("granted", 3, authority=0)) == "granted"


def test_validity_and_age_come_from_the_yes() -> None:
    yes = happened("granted", 1, valid_until=minutes(90), age_confirmed=True)

    folded = fold([yes])[MARKETING]

    assert (folded.valid_until, folded.age_confirmed, folded.seq) == (minutes(90), True, yes.seq)


def test_everything_stopped_leaves_what_a_contract_needs() -> None:
    orders = happened("granted", 1, purpose="transactional")

    folded = fold([orders, happened("withdrawn", 2, channel="all", purpose="all")])

    assert folded["whatsapp", "transactional"].state == "granted"
    assert folded["sms", "survey"].state == "withdrawn"


def test_erasure_is_final() -> None:
    assert state(happened("granted", 1), happened("erased", 2, purpose="all"), happened("granted", 3)) == "erased"


STATES = [s.value for s in State]
histories = st.lists(
    st.fixed_dictionaries(
        {
            "person": st.integers(0, 2),
            "channel": st.sampled_from(["whatsapp", "whatsapp", "email", "all"]),
            "purpose": st.sampled_from(["marketing", "marketing", "tracking", "transactional", "all"]),
            "state": st.sampled_from([*STATES, "granted", "granted", "withdrawn", "meta_stopped"]),
            "authority": st.integers(0, 3),
            "minute": st.integers(0, 12),
            "phone_number_id": st.sampled_from(["a", "b"]),
            "wording_sha256": st.sampled_from(["", "w1", "w2"]),
            "age_confirmed": st.sampled_from([None, True, False]),
            "batch": st.integers(0, 3),
        }
    ),
    max_size=14,
)


@pytest.mark.django_db
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(history=histories)
def test_the_projection_equals_the_fold_of_any_history_in_any_order_of_arrival(
    in_bakery: Tenant, history: list[dict]
) -> None:
    people = [uuid4() for _ in range(3)]
    entries = [(one["batch"], _entry(people[one["person"]], one)) for one in history]

    for batch in range(4):
        ledger.append(in_bakery, [said for number, said in entries if number == batch])

    assert _stored(people) == {
        (person, *pair): folded[:7] for person in people for pair, folded in fold(_recorded(person)).items()
    }


@pytest.mark.django_db
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(history=histories, data=st.data())
def test_what_people_said_themselves_means_the_same_in_any_order_of_arrival(
    in_bakery: Tenant, history: list[dict], data: st.DataObject
) -> None:
    said = [{**one, "authority": 3, "minute": number} for number, one in enumerate(history)]
    first, second = uuid4(), uuid4()

    ledger.append(in_bakery, [_entry(first, one) for one in said])
    ledger.append(in_bakery, [_entry(second, one) for one in data.draw(st.permutations(said))])

    assert _meanings(first) == _meanings(second)


def _entry(person: object, one: dict) -> Entry:
    fields = {name: value for name, value in one.items() if name not in ("person", "minute", "batch")}
    return entry(person, occurred_at=NOON + timedelta(minutes=one["minute"]), **fields)


def _recorded(person: object) -> list[Happened]:
    return [Happened(*row) for row in ConsentEvent.objects.filter(subject_id=person).values_list(*Happened._fields)]


def _stored(people: list) -> dict:
    return {
        (row.subject_id, row.channel, row.purpose): (
            row.state, row.since, row.seq, row.reason, row.age_confirmed, row.valid_until, tuple(row.stopped_numbers),
        )
        for row in ConsentState.objects.filter(subject_id__in=people)
    }  # fmt: skip


def _meanings(person: object) -> set:
    rows = ConsentState.objects.filter(subject_id=person)
    return {(r.channel, r.purpose, r.state, r.since, r.age_confirmed, tuple(r.stopped_numbers)) for r in rows}
