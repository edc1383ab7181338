"""Whoever reads, decides and writes waits for the ledger first, so that what was said while they waited counts."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from consent.actions import declarations
from consent.ledger import suppressing
from consent.ledger.suppressing import Suppressed
from consent.models import Authority, ConsentEvent, ConsentState, Disposal, ImportClaim, Source
from consent.rights import keeping
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.consent.factories import agree, minutes, person, say, stop
from tests.consent.imports import started, worked
from tests.consent.test_imports_consent import SENTENCE
from tests.consent.test_meeting import ended, meanwhile
from tests.consent.test_signups import may

pytestmark = pytest.mark.django_db(transaction=True)

# The first line claims a yes of 1 February 2025, the second says no.
BOTH = (
    "Handy;Einwilligung am;Einwilligungsquelle;Wortlaut;Nachweis;Abgemeldet\n"
    f"0151 23456780;01.02.2025;Ladenformular;{SENTENCE};Blatt 1;\n"
    "0151 23456781;;;;;ja\n"
)
BEFORE = datetime(2024, 5, 1, tzinfo=UTC)


def test_what_people_say_while_an_import_waits_counts_for_their_lines(bakery: Tenant) -> None:
    with tenant_scope(bakery):
        anna, ben = (person(bakery, phone=f"+491512345678{number}") for number in range(2))
    imported = started(bakery, BOTH)
    with tenant_scope(bakery):
        stop(bakery, anna, occurred_at=BEFORE)
        stop(bakery, ben, occurred_at=BEFORE)
        others = meanwhile(bakery, lambda: worked(imported))
        assert others[0].is_alive()
    [over] = ended(others)

    # The claim waits for people to look at it, and a no is not said twice.
    assert over.consent_counts == {"skipped_suppressed": 1, "already_withdrawn": 1}
    with tenant_scope(bakery):
        assert ImportClaim.objects.get().contact == anna
        assert not ConsentEvent.objects.filter(source=Source.IMPORT).exists()
        assert (may(anna), may(ben)) == ("withdrawn", "withdrawn")


def test_nothing_is_kept_open_that_somebody_closes_just_then(bakery: Tenant) -> None:
    with tenant_scope(bakery):
        anna = person(bakery)
        agree(bakery, anna)
        # An older no of whoever had the number before, which became hers only after her yes.
        names = suppressing.names_of(anna)
        scope = ("whatsapp", "marketing", suppressing.WITHDRAWN, minutes(-10))
        suppressing.suppress(bakery, [Suppressed(*name, *scope) for name in names])
    with tenant_scope(bakery):
        declarations.suppress(tenant=bakery, contact=anna, dedupe="block", by=None)
        given: dict[str, Any] = {"tenant": bakery, "contact": anna, "dedupe": "proven", "source": Source.SIGNUP_PAGE}
        others = meanwhile(bakery, lambda: declarations.keep_open(**given))
        assert others[0].is_alive()
    ended(others)

    with tenant_scope(bakery):
        assert not ConsentEvent.objects.filter(state="suppression_lifted").exists()
        state = ConsentState.objects.get(subject_id=anna.subject_id, channel="whatsapp", purpose="marketing")
        assert state.state == "suppressed"


def test_cg_14_a_request_that_is_confirmed_while_the_nights_round_waits_does_not_lapse(bakery: Tenant) -> None:
    now = timezone.now()
    asked = {"authority": Authority.PERSON, "source": Source.WA_KEYWORD, "occurred_at": now - timedelta(days=8)}
    with tenant_scope(bakery):
        anna = person(bakery)
        say(bakery, anna, "requested", **asked)
    with tenant_scope(bakery):
        # A tap in time that arrives late.
        agree(bakery, anna, occurred_at=now - timedelta(days=2))
        others = meanwhile(bakery, lambda: keeping.keep(bakery))
        assert others[0].is_alive()
    ended(others)

    with tenant_scope(bakery):
        assert not ConsentEvent.objects.filter(state="expired").exists()
        assert not Disposal.objects.exists()
        assert may(anna) == ""
