"""To whom no way back is offered, whatever an import claims, and from when a no counts that was said twice."""

from datetime import UTC, datetime

import pytest
from django.test import Client
from django.utils import timezone

from consent.actions import claims, declarations
from consent.importing.claims import may_be_offered
from consent.ledger import suppressing
from consent.models import ConsentState, ImportClaim, Suppression
from consent.rights import walking
from contacts.models import Contact
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.consent.factories import agree, person, stop
from tests.consent.imports import done
from tests.consent.test_imports_consent import PROVEN
from tests.consent.test_meeting import meanwhile
from tests.consent.views.test_claims import AFTER, BEFORE, PHONE, blocked, may, out, stored

BLOCK = {"phone": PHONE, "reason": "wish", "way": "letter"}


def test_cg_21_a_number_that_was_blocked_again_is_kept_out_from_then_on(alice: Client, bakery: Tenant) -> None:
    blocked(alice, bakery, BEFORE)
    assert alice.post("/bakery/contacts/block/", BLOCK).status_code == 302

    done(bakery, PROVEN)

    assert stored(bakery) == []


def test_art_18_a_restriction_counts_also_where_the_company_may_send_nothing_at_all(bakery: Tenant) -> None:
    anna = out(bakery, BEFORE)
    with tenant_scope(bakery):
        Tenant.objects.filter(pk=bakery.pk).update(is_active=False)
        assert may_be_offered(Contact.objects.get())
        Contact.objects.update(restricted_at=timezone.now())

        assert not may_be_offered(Contact.objects.get())
    assert may(anna) == "tenant_blocked"


def test_art_17_an_erasure_after_a_block_by_hand_counts(alice: Client, bakery: Tenant) -> None:
    assert alice.post("/bakery/contacts/block/", BLOCK).status_code == 302
    with tenant_scope(bakery):
        anna = person(bakery, phone=PHONE)
        assert may_be_offered(anna)
        names = Suppression.objects.values_list("kind", "digest").distinct()
        erased = [suppressing.Suppressed(k, bytes(key), "all", "all", "suppressed", timezone.now()) for k, key in names]
        suppressing.suppress(bakery, erased)

        assert not may_be_offered(anna)


@pytest.mark.parametrize("comes_back", [True, False])
def test_art_17_a_no_of_somebody_unknown_that_they_took_back_is_no_claim_against_their_erasure(
    bakery: Tenant, comes_back: bool
) -> None:
    with tenant_scope(bakery):
        stop(bakery, phone=PHONE, occurred_at=BEFORE)
        anna = person(bakery, phone=PHONE)
        if comes_back:
            agree(bakery, anna, occurred_at=datetime(2024, 6, 1, tzinfo=UTC))
        declarations.erased(tenant=bakery, contact=anna, dedupe="e", at=datetime(2024, 7, 1, tzinfo=UTC), by=None)
        walking.forget(anna)

    assert done(bakery, PROVEN).consent_counts == {"skipped_suppressed": 1}

    # Who never took it back has said no, which the erasure does not undo.
    assert len(stored(bakery)) == (0 if comes_back else 1)


def test_of_a_no_and_a_claim_of_the_same_instant_the_no_counts(bakery: Tenant) -> None:
    out(bakery, datetime(2025, 1, 31, 23, tzinfo=UTC))

    done(bakery, PROVEN)

    assert stored(bakery) == []


@pytest.mark.parametrize("other", [{"purpose": "survey"}, {"channel": "email"}])
def test_a_later_no_to_something_else_hides_no_claim(bakery: Tenant, other: dict[str, str]) -> None:
    anna = out(bakery, BEFORE)
    with tenant_scope(bakery):
        stop(bakery, anna, occurred_at=AFTER, **other)

    done(bakery, PROVEN)

    assert len(stored(bakery)) == 1


def test_cg_21_an_address_that_was_blocked_by_hand_is_reviewed_also_in_a_line_with_a_number(
    alice: Client, bakery: Tenant
) -> None:
    block = {"email": "anna@example.com", "reason": "wish", "way": "letter"}
    assert alice.post("/bakery/contacts/block/", block).status_code == 302
    with tenant_scope(bakery):
        Suppression.objects.update(since=BEFORE)
        ConsentState.objects.update(since=BEFORE)

    done(bakery, PROVEN.replace("Handy;", "Handy;E-Mail;").replace("0;01.", "0;anna@example.com;01."))

    assert len(stored(bakery)) == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_who_decide_about_a_claim_at_once_the_second_is_told(bakery: Tenant) -> None:
    out(bakery, BEFORE)
    done(bakery, PROVEN)
    with tenant_scope(bakery):
        claim = ImportClaim.objects.get()
    with tenant_scope(bakery):
        claims.decide(claim=claim, state="dismissed", by=None)
        [other] = meanwhile(bakery, lambda: claims.decide(claim=claim, state="offered", by=None))
    other.join(20)

    assert isinstance(other.failed, claims.NotNow)
    with tenant_scope(bakery):
        assert ImportClaim.objects.get().state == "dismissed"
