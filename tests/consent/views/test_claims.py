"""An import claims a newer yes of somebody who said no: nothing opens, and people review it with its proof (§ 8)."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from consent import personal, reasons, tasks
from consent.actions import declarations, signup_forms
from consent.ledger import suppressing
from consent.models import Channel, ConsentEvent, ConsentState, ImportClaim, Purpose, Suppression
from consent.queries import may_send
from consent.rights import keeping
from contacts.models import Contact, Import
from messaging.models import Message
from tenants.actions import NewTenant
from tenants.models import AuditEvent, Tenant
from tenants.roles import Role
from tenants.scope import tenant_scope
from tests import factories
from tests.consent.factories import agree, known, open_form, person, stop
from tests.consent.imports import done
from tests.consent.test_imports_consent import OPTOUT, PROVEN, SENTENCE
from tests.consent.views.pages import URL, as_role, shown

PHONE = "+4915123456780"
# The file says that Anna agreed on 1 February 2025.
BEFORE, AFTER = datetime(2024, 5, 1, tzinfo=UTC), datetime(2025, 5, 1, tzinfo=UTC)


@pytest.fixture
def anna(bakery: Tenant) -> Contact:
    """Who wrote STOPP a year before the file says that she agreed."""
    return out(bakery, BEFORE)


def out(bakery: Tenant, at: datetime) -> Contact:
    with tenant_scope(bakery):
        found = person(bakery, phone=PHONE, first_name="Anna")
        stop(bakery, found, occurred_at=at)
    return found


def stored(bakery: Tenant) -> list[ImportClaim]:
    with tenant_scope(bakery):
        return list(ImportClaim.objects.order_by("pk"))


def may(contact: Contact) -> str:
    with tenant_scope(contact.tenant):
        return may_send(contact=contact, channel=Channel.WHATSAPP, purpose=Purpose.MARKETING).reason


def opened(bakery: Tenant) -> None:
    """The bakery has an open form."""
    factories.number(bakery)
    with tenant_scope(bakery):
        open_form(bakery, number="+493023125000", keyword="Brot")


def claimed(imported: Import, path: str = "") -> str:
    return f"{URL}{imported.uid}/claims/{path}"


def test_a_claim_with_proof_opens_nothing_and_waits_for_a_review_with_all_that_the_file_says(
    alice: Client, bakery: Tenant, anna: Contact
) -> None:
    with tenant_scope(bakery):
        before = ConsentEvent.objects.count()
    imported = done(bakery, PROVEN)

    assert imported.consent_counts == {"skipped_suppressed": 1}
    assert may(anna) == "withdrawn"
    assert f'href="{claimed(imported)}"' in shown(alice, f"{URL}{imported.uid}/")
    listed = shown(alice, claimed(imported))
    assert "Anna" in listed
    assert claimed(imported, "2/") in listed
    page = shown(alice, claimed(imported, "2/"))
    for said in ("Ladenformular", SENTENCE, "Blatt 1"):
        assert said in page
    [claim] = stored(bakery)
    assert "Blatt" not in claim.sealed
    with tenant_scope(bakery):
        assert ConsentEvent.objects.count() == before


def test_the_way_back_is_a_code_and_an_address_and_nothing_is_sent(
    alice: Client, bakery: Tenant, bakery_made: NewTenant, anna: Contact
) -> None:
    imported = done(bakery, PROVEN)
    assert "There is no open sign-up form" in shown(alice, claimed(imported, "2/"))
    opened(bakery)

    page = shown(alice, claimed(imported, "2/"))
    offered = alice.post(claimed(imported, "2/offer/"), follow=True).content.decode()

    assert "/s/bakery/theke/" in page
    assert "https://wa.me/493023125000?text=BROT" in page
    assert "<svg" in page
    assert "way back offered" in offered
    assert may(anna) == "withdrawn"
    with tenant_scope(bakery):
        assert not Message.objects.exists()
        noted = AuditEvent.objects.get(verb="import.claim_offered")
    assert (noted.user, noted.changes) == (bakery_made.owner, {"line": 2})
    assert "claim of a newer consent" not in shown(alice, f"{URL}{imported.uid}/")


@pytest.mark.parametrize("by", ["the company", "a duty"])
def test_a_form_that_was_closed_is_no_way_back(alice: Client, bakery: Tenant, anna: Contact, by: str) -> None:
    imported = done(bakery, PROVEN)
    opened(bakery)
    with tenant_scope(bakery):
        if by == "a duty":
            known(bakery, imprint_url="")
        else:
            signup_forms.close(form=bakery.signup_forms.get(), by=None)

    assert "There is no open sign-up form" in shown(alice, claimed(imported, "2/"))


def test_once_the_person_says_yes_themselves_the_claim_says_so(alice: Client, bakery: Tenant, anna: Contact) -> None:
    imported = done(bakery, PROVEN)
    with tenant_scope(bakery):
        agree(bakery, anna)

    assert may(anna) == ""
    assert "The person has said yes again in WhatsApp" in shown(alice, claimed(imported, "2/"))


def test_a_dismissed_claim_is_decided_once(alice: Client, bakery: Tenant, anna: Contact) -> None:
    imported = done(bakery, PROVEN)

    alice.post(claimed(imported, "2/dismiss/"))
    again = alice.post(claimed(imported, "2/offer/"), follow=True).content.decode()

    assert "Somebody has decided about this claim already." in again
    assert [claim.state for claim in stored(bakery)] == ["dismissed"]


@pytest.mark.parametrize("missing", ["01.02.2025", "Ladenformular", SENTENCE, "Blatt 1"])
def test_without_all_of_the_proof_there_is_nothing_to_review(bakery: Tenant, anna: Contact, missing: str) -> None:
    done(bakery, PROVEN.replace(missing, ""))

    assert stored(bakery) == []


def test_a_claim_that_is_older_than_the_no_is_none(alice: Client, bakery: Tenant) -> None:
    out(bakery, AFTER)

    imported = done(bakery, PROVEN)

    assert imported.consent_counts == {"skipped_suppressed": 1}
    assert stored(bakery) == []
    assert "Nothing to review" in shown(alice, claimed(imported))


def test_a_check_keeps_no_claim_and_running_it_twice_keeps_each_once(bakery: Tenant, anna: Contact) -> None:
    done(bakery, PROVEN, is_dry_run=True)
    assert stored(bakery) == []

    imported = done(bakery, PROVEN)
    done(bakery, PROVEN)

    assert [claim.imported_id for claim in stored(bakery)] == [imported.pk]


def test_what_somebody_has_dismissed_does_not_come_back_with_the_next_file(
    alice: Client, bakery: Tenant, anna: Contact
) -> None:
    imported = done(bakery, PROVEN)
    alice.post(claimed(imported, "2/dismiss/"))

    done(bakery, PROVEN.replace("Blatt 1", "Blatt 2"))
    assert [claim.state for claim in stored(bakery)] == ["dismissed"]

    done(bakery, PROVEN.replace("01.02.2025", "03.02.2025"))
    assert [claim.state for claim in stored(bakery)] == ["dismissed", "open"]


def test_art_18_of_who_is_restricted_nothing_is_kept(bakery: Tenant, anna: Contact) -> None:
    with tenant_scope(bakery):
        Contact.objects.update(restricted_at=timezone.now())

    done(bakery, PROVEN)

    assert stored(bakery) == []


def listed_only(bakery: Tenant, since: datetime) -> None:
    """The bakery knows the number by its suppression list only."""
    done(bakery, OPTOUT)
    with tenant_scope(bakery):
        Contact.objects.all().delete()
        Suppression.objects.update(since=since)


@pytest.mark.parametrize("scope", [{}, {"channel": "all", "purpose": "all"}])
def test_a_number_that_is_only_on_the_suppression_list_is_reviewed_as_well(
    alice: Client, bakery: Tenant, scope: dict[str, str]
) -> None:
    listed_only(bakery, BEFORE)
    with tenant_scope(bakery):
        Suppression.objects.exclude(purpose="marketing").delete()
        Suppression.objects.update(**scope)

    imported = done(bakery, PROVEN)

    assert imported.consent_counts == {"skipped_suppressed": 1}
    assert "Blatt 1" in shown(alice, claimed(imported, "2/"))


def test_a_no_on_the_suppression_list_that_is_newer_than_the_claim_counts_as_well(
    bakery: Tenant, anna: Contact
) -> None:
    with tenant_scope(bakery):
        Suppression.objects.update(since=AFTER)

    done(bakery, PROVEN)
    assert stored(bakery) == []

    with tenant_scope(bakery):
        Contact.objects.all().delete()
    done(bakery, PROVEN)
    assert stored(bakery) == []


def test_art_17_over_an_erasure_alone_nothing_is_claimed(bakery: Tenant) -> None:
    listed_only(bakery, BEFORE)
    with tenant_scope(bakery):
        Suppression.objects.exclude(purpose="marketing").delete()
        Suppression.objects.update(reason=suppressing.BLOCKED, channel="all", purpose="all")

    imported = done(bakery, PROVEN)

    assert imported.consent_counts == {"skipped_suppressed": 1}
    assert stored(bakery) == []


@pytest.mark.parametrize("reason", ["objected", "restricted"])
def test_art_21_to_who_has_objected_no_way_back_is_shown(
    alice: Client, bakery: Tenant, anna: Contact, reason: str
) -> None:
    opened(bakery)
    imported = done(bakery, PROVEN)
    with tenant_scope(bakery):
        if reason == "objected":
            declarations.object_(tenant=bakery, contact=anna, source="agent", dedupe="no", occurred_at=AFTER)
        else:
            Contact.objects.update(restricted_at=timezone.now())

    page = shown(alice, claimed(imported, "2/"))

    assert may(anna) == reason
    assert "nothing may be offered" in page
    for way in ("/s/bakery/theke/", "wa.me", "<svg xmlns", "The way back was offered"):
        assert way not in page
    assert str(reasons.of(reason).remedy)[:20] in page
    refused(alice, bakery, imported)


def refused(alice: Client, bakery: Tenant, imported: Import) -> None:
    """The page holds out no way back, the server notes none, and the claim can be dismissed."""
    assert "nothing may be offered" in shown(alice, claimed(imported, "2/"))

    answer = alice.post(claimed(imported, "2/offer/"), follow=True).content.decode()

    assert "Not noted: to this person nothing may be offered." in answer
    assert [claim.state for claim in stored(bakery)] == ["open"]
    with tenant_scope(bakery):
        assert not AuditEvent.objects.filter(verb="import.claim_offered").exists()
    alice.post(claimed(imported, "2/dismiss/"))
    assert [claim.state for claim in stored(bakery)] == ["dismissed"]


def test_art_21_an_objection_from_before_they_were_a_contact_counts_and_one_that_they_said_stopp_after(
    alice: Client, bakery: Tenant
) -> None:
    opened(bakery)
    with tenant_scope(bakery):
        declarations.object_(tenant=bakery, phone=PHONE, source="agent", dedupe="no", occurred_at=BEFORE)
    imported = done(bakery, PROVEN)
    with tenant_scope(bakery):
        anna = Contact.objects.get()
    assert may(anna) == "suppressed"
    with tenant_scope(bakery):
        stop(bakery, anna)
    assert may(anna) == "withdrawn"

    refused(alice, bakery, imported)


def test_art_17_to_who_had_said_stopp_before_the_erasure_nothing_is_offered_either(
    alice: Client, bakery: Tenant
) -> None:
    opened(bakery)
    listed_only(bakery, BEFORE)
    with tenant_scope(bakery):
        names = Suppression.objects.values_list("kind", "digest").distinct()
        entries = [suppressing.Suppressed(kind, bytes(key), "all", "all", "suppressed", BEFORE) for kind, key in names]
        suppressing.suppress(bakery, entries)

    refused(alice, bakery, done(bakery, PROVEN))


def test_cg_21_a_number_that_somebody_has_blocked_by_hand_is_reviewed_as_well(alice: Client, bakery: Tenant) -> None:
    opened(bakery)
    blocked(alice, bakery, AFTER)
    assert done(bakery, PROVEN).consent_counts == {"skipped_suppressed": 1}
    assert stored(bakery) == []
    with tenant_scope(bakery):
        Contact.objects.all().delete()
    blocked(alice, bakery, BEFORE)

    imported = done(bakery, PROVEN)

    assert "claim of a newer consent" in shown(alice, f"{URL}{imported.uid}/")
    page = shown(alice, claimed(imported, "2/"))
    assert "Blatt 1" in page
    assert "/s/bakery/theke/" in page
    assert "way back offered" in alice.post(claimed(imported, "2/offer/"), follow=True).content.decode()
    with tenant_scope(bakery):
        assert may_send(contact=Contact.objects.get(), channel="whatsapp", purpose="marketing").reason == "suppressed"


def blocked(alice: Client, bakery: Tenant, at: datetime) -> None:
    """Somebody of the team has blocked the number at this time, when nobody was known by it."""
    assert alice.post("/bakery/contacts/block/", {"phone": PHONE, "reason": "wish", "way": "letter"}).status_code == 302
    with tenant_scope(bakery):
        Suppression.objects.update(since=at, said_again_at=None)
        ConsentState.objects.update(since=at)


def test_uwg_7_nobody_is_told_to_ask_for_it_by_phone_or_mail(alice: Client, bakery: Tenant, anna: Contact) -> None:
    opened(bakery)
    imported = done(bakery, PROVEN)

    page = " ".join(shown(alice, claimed(imported, "2/")).split())

    assert "Only if the person turns to you" in page
    assert "on the phone" not in page
    assert "Do not call, mail or text anybody" in page
    assert "do not call, mail or text anybody" in shown(alice, claimed(imported))


def test_claims_go_with_the_file_after_thirty_days(bakery: Tenant, anna: Contact) -> None:
    imported = done(bakery, PROVEN)
    with tenant_scope(bakery):
        old = timezone.now() - timedelta(days=30, minutes=1)
        Import.objects.filter(pk=imported.pk).update(created_at=old, finished_at=old)
    keeping.keep(bakery)
    assert len(stored(bakery)) == 1
    with tenant_scope(bakery):
        # Whatever somebody has decided about it.
        ImportClaim.objects.update(state=ImportClaim.State.DISMISSED, decided_at=old)

    tasks.forget_imports()
    keeping.keep(bakery)

    assert stored(bakery) == []


def test_the_person_is_told_of_it_and_an_erasure_takes_it_along(bakery: Tenant, anna: Contact) -> None:
    done(bakery, PROVEN)
    with tenant_scope(bakery):
        told = {section.name: list(section.rows) for section in personal.tell(anna)}["import_claims"]
        assert told[0]["claim"]["proof"] == "Blatt 1"

        personal.forget(anna)

    assert stored(bakery) == []


def test_who_may_not_write_consent_sees_no_claim_and_another_company_none_at_all(
    alice: Client, bakery: Tenant, bakery_made: NewTenant, anna: Contact, shop: Tenant
) -> None:
    imported = done(bakery, PROVEN)
    theirs = done(shop, PROVEN)
    assert alice.get(claimed(theirs)).status_code == 404
    assert alice.post(claimed(theirs, "2/offer/")).status_code == 404

    as_role(bakery_made, Role.ANALYST)

    assert alice.get(claimed(imported)).status_code == 403
    assert alice.post(claimed(imported, "2/dismiss/")).status_code == 403
    assert "claims/" not in shown(alice, f"{URL}{imported.uid}/")


def test_the_database_keeps_open_and_decided_apart(bakery: Tenant, anna: Contact) -> None:
    done(bakery, PROVEN)
    with tenant_scope(bakery), pytest.raises(IntegrityError, match="claim_is_open_or_decided"), transaction.atomic():
        ImportClaim.objects.update(state=ImportClaim.State.OFFERED)
