"""Two contacts who turn out to be one person: whatever either side has refused or restricted holds for both."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from consent.actions import declarations
from consent.models import ConsentEvent
from consent.queries import history, may_send
from contacts import identities
from contacts.models import Contact
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.inbox import meta
from tests.inbox.test_moves import moved
from tests.inbox.test_opt_outs import TODAY, agree
from whatsapp.models import Number

Deliver = Callable[..., None]


@pytest.fixture
def pair(number: Number) -> tuple[Contact, Contact]:
    """Ada by her user id, who wrote without showing her number, and by her number from the shop; both said yes."""
    tenant = number.tenant
    with tenant_scope(tenant):
        by_id = Contact.objects.create(tenant=tenant, bsuid="DE.1")
        by_phone = Contact.objects.create(tenant=tenant, phone="+493023125001")
        identities.record(tenant, [by_id, by_phone])
    agree(tenant)
    return by_id, by_phone


def together(number: Number) -> bytes:
    """A message that shows both."""
    return meta.body(number, messages=[meta.text("Hallo", at=TODAY, from_user_id="DE.1")])


def reasons(tenant: Tenant, *people: Contact) -> list[str]:
    with tenant_scope(tenant):
        again = [Contact.objects.get(pk=one.pk) for one in people]
        return [may_send(contact=one, channel="whatsapp", purpose="marketing").reason for one in again]


def merged(tenant: Tenant) -> list[ConsentEvent]:
    with tenant_scope(tenant):
        return list(ConsentEvent.objects.filter(state="merged"))


def test_the_ledger_says_so_once_and_shows_both_histories(
    number: Number, pair: tuple[Contact, Contact], deliver: Deliver
) -> None:
    by_id, by_phone = pair

    deliver(together(number), together(number))
    deliver(together(number))

    [row] = merged(number.tenant)
    assert (row.subject_id, row.source_ref, row.source) == (by_id.subject_id, str(by_phone.subject_id), "system")
    assert reasons(number.tenant, by_id, by_phone) == ["", ""]
    with tenant_scope(number.tenant):
        assert {event.subject_id for event in history(by_id)} == {by_id.subject_id, by_phone.subject_id}


@pytest.mark.parametrize("which", [0, 1])
def test_a_no_of_either_side_holds_for_both_whatever_its_date(
    number: Number, pair: tuple[Contact, Contact], deliver: Deliver, which: int
) -> None:
    with tenant_scope(number.tenant):
        declarations.withdraw(
            tenant=number.tenant,
            contact=pair[which],
            dedupe="no",
            source="agent",
            occurred_at=TODAY - timedelta(days=9),
        )

    deliver(together(number))

    assert "" not in reasons(number.tenant, *pair)


@pytest.mark.parametrize("which", [0, 1])
def test_a_restriction_of_either_side_holds_for_both_until_it_is_lifted_for_one(
    number: Number, pair: tuple[Contact, Contact], deliver: Deliver, which: int
) -> None:
    with tenant_scope(number.tenant):
        declarations.restrict(tenant=number.tenant, contact=pair[which], dedupe="art18", by=None)

    deliver(together(number))

    assert reasons(number.tenant, *pair) == ["restricted", "restricted"]
    with tenant_scope(number.tenant):
        declarations.unrestrict(tenant=number.tenant, contact=pair[1 - which], dedupe="over", by=None)
    assert reasons(number.tenant, *pair) == ["", ""]


def test_a_restriction_after_the_merge_holds_for_both(
    number: Number, pair: tuple[Contact, Contact], deliver: Deliver
) -> None:
    deliver(together(number))

    with tenant_scope(number.tenant):
        declarations.restrict(tenant=number.tenant, contact=pair[1], dedupe="art18", by=None)

    assert reasons(number.tenant, *pair) == ["restricted", "restricted"]


def test_the_next_owner_of_a_number_is_not_restricted_with_the_last(number: Number, deliver: Deliver) -> None:
    tenant = number.tenant
    with tenant_scope(tenant):
        last = Contact.objects.create(tenant=tenant, phone="+493023125001", email="ada@example.com")
        identities.record(tenant, [last])
        Contact.objects.filter(pk=last.pk).update(phone=None)
        last.refresh_from_db()
        identities.record(tenant, [last])
        newcomer = Contact.objects.create(tenant=tenant, phone="+493023125001")
        identities.record(tenant, [newcomer])
    agree(tenant)

    with tenant_scope(tenant):
        declarations.restrict(tenant=tenant, contact=last, dedupe="art18", by=None)

    assert reasons(tenant, newcomer) == [""]


def test_who_is_being_erased_restricts_nobody_else(
    number: Number, pair: tuple[Contact, Contact], deliver: Deliver
) -> None:
    with tenant_scope(number.tenant):
        declarations.erased(tenant=number.tenant, contact=pair[1], dedupe="art17", by=None)

    deliver(together(number))

    with tenant_scope(number.tenant):
        assert Contact.objects.get(pk=pair[0].pk).restricted_at is None
    # The keyed hash keeps them out until they come by themselves.
    assert reasons(number.tenant, pair[0]) == ["suppressed"]


def test_moving_to_the_number_of_another_contact_merges_both(number: Number, deliver: Deliver) -> None:
    tenant = number.tenant
    with tenant_scope(tenant):
        old, new = (Contact.objects.create(tenant=tenant, phone=f"+4930231250{n}") for n in ("01", "99"))
        identities.record(tenant, [old, new])
        declarations.restrict(tenant=tenant, contact=old, dedupe="art18", by=None)
    agree(tenant)

    deliver(meta.body(number, messages=[moved()]))

    [row] = merged(tenant)
    assert (row.subject_id, row.source_ref) == (new.subject_id, str(old.subject_id))
    assert reasons(tenant, new) == ["restricted"]
