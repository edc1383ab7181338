"""What people declare takes effect at once, once, and for every identity they are known by."""

from datetime import timedelta

import pytest
from django.utils import timezone

from consent import queries
from consent.actions import declarations
from consent.models import Authority, ConsentEvent, Source, Suppression
from consent.queries import may_send
from contacts import identities
from contacts.models import Contact
from tenants.models import AuditEvent, Tenant, User
from tests.consent.factories import NUMBER, PHONE, agree, minutes, person, stop


def reason(contact: Contact, purpose: str = "marketing", channel: str = "whatsapp") -> str:
    return may_send(contact=contact, channel=channel, purpose=purpose).reason


def test_without_a_yes_nobody_is_messaged(in_bakery: Tenant) -> None:
    answer = may_send(contact=person(in_bakery), channel="whatsapp", purpose="marketing")

    assert (answer.allowed, answer.reason, answer.seq) == (False, "no_consent", None)


def test_a_yes_allows_exactly_what_it_names(in_bakery: Tenant) -> None:
    anna = person(in_bakery)

    granted = agree(in_bakery, anna)

    answer = may_send(contact=anna, channel="whatsapp", purpose="marketing")
    assert (answer.allowed, answer.reason, answer.seq) == (True, "", granted[0].seq)
    assert reason(anna, channel="email") == "no_consent"
    assert reason(anna, channel="sms") == "no_consent"
    assert reason(anna, purpose="tracking") == "no_consent"


def test_stopp_ends_marketing_tracking_and_profiling_but_no_other_channel(in_bakery: Tenant) -> None:
    anna = person(in_bakery)
    covered = [("whatsapp", "marketing"), ("whatsapp", "tracking"), ("whatsapp", "profiling"), ("email", "marketing")]
    agree(in_bakery, anna, pairs=covered)

    stop(in_bakery, anna)

    assert [reason(anna, purpose) for purpose in ("marketing", "tracking", "profiling")] == ["withdrawn"] * 3
    assert reason(anna, channel="email") == ""


def test_stop_all_ends_every_channel_but_not_what_a_contract_needs(in_bakery: Tenant) -> None:
    anna = person(in_bakery)
    agree(in_bakery, anna, pairs=[("whatsapp", "marketing"), ("email", "marketing"), ("whatsapp", "transactional")])

    stop(in_bakery, anna, is_all=True)

    assert reason(anna) == reason(anna, channel="email") == reason(anna, "survey") == "withdrawn"
    assert reason(anna, "transactional") == ""


def test_the_same_stopp_twice_writes_one_withdrawal(in_bakery: Tenant) -> None:
    anna = person(in_bakery)
    agree(in_bakery, anna)
    stop(in_bakery, anna, dedupe="wamid.1")
    rows, entries = ConsentEvent.objects.count(), Suppression.objects.count()

    again = stop(in_bakery, anna, dedupe="wamid.1")

    assert [row.skipped for row in again] == ["duplicate"] * 3
    assert (ConsentEvent.objects.count(), Suppression.objects.count()) == (rows, entries)


def test_a_wamid_is_stored_nowhere_in_the_ledger(in_bakery: Tenant) -> None:
    stop(in_bakery, person(in_bakery), dedupe="wamid.HBgNNDkxNTEyMzQ1Njc4")

    assert not ConsentEvent.objects.filter(canonical__contains="HBgN").exists()


def test_every_identity_of_the_person_is_suppressed(in_bakery: Tenant) -> None:
    anna = person(in_bakery, phone=PHONE, bsuid="DE.1349", email="anna@example.com")

    stop(in_bakery, anna)

    assert set(Suppression.objects.values_list("kind", flat=True)) == {"phone", "bsuid", "email"}


def test_a_person_deleted_and_imported_again_stays_suppressed(in_bakery: Tenant) -> None:
    anna = person(in_bakery, phone=PHONE)
    agree(in_bakery, anna)
    stop(in_bakery, anna)
    anna.delete()
    returned = person(in_bakery, phone=PHONE)

    done = agree(in_bakery, returned, authority=Authority.IMPORT, source=Source.IMPORT, occurred_at=timezone.now())

    assert (done[0].seq, done[0].skipped) == (None, "suppressed")
    assert reason(returned) == "suppressed"


@pytest.mark.parametrize("authority", [Authority.IMPORT, Authority.AGENT])
def test_no_import_agent_or_api_lifts_a_withdrawal_even_with_a_newer_date(
    in_bakery: Tenant, authority: Authority
) -> None:
    anna = person(in_bakery)
    stop(in_bakery, anna)

    done = agree(in_bakery, anna, authority=authority, occurred_at=minutes(60))

    assert done[0].skipped == "suppressed"
    assert reason(anna) == "withdrawn"
    assert not ConsentEvent.objects.filter(state="granted").exists()


def test_the_person_opens_again_what_they_closed(in_bakery: Tenant) -> None:
    anna = person(in_bakery, phone=PHONE, bsuid="DE.1349")
    agree(in_bakery, anna)
    stop(in_bakery, anna)

    done = agree(in_bakery, anna, occurred_at=minutes(20))

    assert (done[0].state_after, reason(anna)) == ("granted", "")
    assert reason(anna, "tracking") == "withdrawn"
    lifted = ConsentEvent.objects.get(state="suppression_lifted")
    assert {row.lifted_seq for row in Suppression.objects.exclude(lifted_at=None)} == {lifted.seq}


def test_a_yes_after_stop_all_opens_one_channel_only(in_bakery: Tenant) -> None:
    anna = person(in_bakery, phone=PHONE)
    agree(in_bakery, anna, pairs=[("whatsapp", "marketing"), ("email", "marketing")])
    stop(in_bakery, anna, is_all=True)

    agree(in_bakery, anna, occurred_at=minutes(20))

    assert reason(anna) == ""
    assert reason(anna, channel="email") == "withdrawn"
    anna.delete()
    returned = person(in_bakery, phone=PHONE)
    assert (reason(returned), reason(returned, channel="email")) == ("no_consent", "suppressed")


def test_a_late_yes_from_before_the_stopp_opens_nothing(in_bakery: Tenant) -> None:
    anna = person(in_bakery)
    stop(in_bakery, anna, occurred_at=minutes(10))

    agree(in_bakery, anna, occurred_at=minutes(5))

    assert reason(anna) == "withdrawn"
    assert not Suppression.objects.exclude(lifted_at=None).exists()


def test_a_late_stopp_from_before_a_new_yes_closes_nothing(in_bakery: Tenant) -> None:
    anna = person(in_bakery)
    agree(in_bakery, anna, occurred_at=minutes(20), pairs=[("whatsapp", "marketing"), ("whatsapp", "tracking")])

    stop(in_bakery, anna, occurred_at=minutes(10))

    assert reason(anna) == reason(anna, "tracking") == ""
    assert reason(anna, "profiling") == "withdrawn"


def test_a_strangers_stopp_counts_without_making_a_contact(in_bakery: Tenant) -> None:
    stop(in_bakery, phone=PHONE.lstrip("+"), bsuid="DE.1349")

    assert not Contact.objects.exists()
    assert reason(person(in_bakery, phone=PHONE)) == "suppressed"
    assert reason(person(in_bakery, bsuid="DE.1349")) == "suppressed"


def test_a_stopp_by_number_reaches_the_contact_who_has_it(in_bakery: Tenant) -> None:
    anna = person(in_bakery, phone=PHONE)
    agree(in_bakery, anna)

    stop(in_bakery, phone=PHONE)

    assert reason(anna) == "withdrawn"


def test_a_declaration_about_nobody_is_refused(in_bakery: Tenant) -> None:
    with pytest.raises(ValueError, match="needs a contact"):
        stop(in_bakery)


def test_a_meta_stop_blocks_until_the_same_number_resumes(in_bakery: Tenant) -> None:
    anna = person(in_bakery)
    agree(in_bakery, anna)
    signal = {"tenant": in_bakery, "contact": anna}

    declarations.meta_stopped(**signal, phone_number_id=NUMBER, occurred_at=minutes(1), dedupe="pref:1")
    assert reason(anna) == "meta_stop"
    declarations.meta_resumed(**signal, phone_number_id="another", occurred_at=minutes(2), dedupe="pref:2")
    assert reason(anna) == "meta_stop"
    declarations.meta_resumed(**signal, phone_number_id=NUMBER, occurred_at=minutes(3), dedupe="pref:3")
    assert reason(anna) == ""


def test_a_resume_leaves_a_stopp_by_text_in_force(in_bakery: Tenant) -> None:
    anna = person(in_bakery)
    agree(in_bakery, anna)
    stop(in_bakery, anna)
    signal = {"tenant": in_bakery, "contact": anna, "phone_number_id": NUMBER}

    declarations.meta_stopped(**signal, occurred_at=minutes(11), dedupe="pref:1")
    declarations.meta_resumed(**signal, occurred_at=minutes(12), dedupe="pref:2")

    assert reason(anna) == "withdrawn"


def test_an_old_stop_that_arrives_after_its_resume_closes_nothing(in_bakery: Tenant) -> None:
    anna = person(in_bakery)
    agree(in_bakery, anna)
    signal = {"tenant": in_bakery, "contact": anna, "phone_number_id": NUMBER}

    declarations.meta_resumed(**signal, occurred_at=minutes(5), dedupe="pref:2")
    declarations.meta_stopped(**signal, occurred_at=minutes(4), dedupe="pref:1")

    assert reason(anna) == ""


def test_error_131050_adds_nothing_to_a_stop_already_known(in_bakery: Tenant) -> None:
    anna = person(in_bakery)
    agree(in_bakery, anna)
    signal = {"tenant": in_bakery, "contact": anna, "phone_number_id": NUMBER, "occurred_at": minutes(1)}

    declarations.meta_stopped(**signal, source=Source.META_ERROR, source_ref="131050", dedupe="131050:1")
    repeated = declarations.meta_stopped(**signal, source=Source.META_ERROR, source_ref="131050", dedupe="131050:2")

    assert repeated == []
    assert ConsentEvent.objects.filter(state="meta_stopped").count() == 1


def test_a_strangers_meta_stop_and_resume_add_up(in_bakery: Tenant) -> None:
    stranger = {"tenant": in_bakery, "bsuid": "DE.1349", "phone_number_id": NUMBER}

    declarations.meta_stopped(**stranger, occurred_at=minutes(1), dedupe="pref:1")
    assert Suppression.objects.filter(lifted_at=None, reason="meta_stop").count() == 1
    declarations.meta_resumed(**stranger, occurred_at=minutes(2), dedupe="pref:2")

    assert not Suppression.objects.filter(lifted_at=None).exists()
    assert not Contact.objects.exists()


def test_an_objection_ends_advertising_on_all_channels(in_bakery: Tenant) -> None:
    anna = person(in_bakery)
    agree(in_bakery, anna, pairs=[("whatsapp", "marketing"), ("email", "marketing"), ("email", "transactional")])

    declarations.object_(tenant=in_bakery, contact=anna, dedupe="letter", source=Source.AGENT, authority=1)

    assert reason(anna) == reason(anna, channel="email") == reason(anna, "profiling") == "objected"
    assert reason(anna, "transactional", "email") == ""


def test_someone_blocked_by_an_agent_is_on_the_suppression_list(in_bakery: Tenant) -> None:
    anna = person(in_bakery)
    agree(in_bakery, anna)

    declarations.suppress(tenant=in_bakery, contact=anna, dedupe="blocked")

    assert reason(anna) == "suppressed"
    agree(in_bakery, anna, occurred_at=timezone.now() + timedelta(seconds=5))
    assert reason(anna) == ""


def test_restriction_stores_only_and_can_be_ended(in_bakery: Tenant, bakery_made) -> None:
    anna = person(in_bakery)
    agree(in_bakery, anna)

    declarations.restrict(tenant=in_bakery, contact=anna, dedupe="art18", by=bakery_made.owner)
    assert reason(anna) == reason(anna, "transactional") == "restricted"
    declarations.unrestrict(tenant=in_bakery, contact=anna, dedupe="art18 over", by=bakery_made.owner)

    assert reason(anna) == ""


def test_a_new_number_keeps_the_yes_and_the_no(in_bakery: Tenant) -> None:
    anna, bert = person(in_bakery), person(in_bakery, phone=PHONE)
    agree(in_bakery, anna)
    stop(in_bakery, bert)
    for contact, new in ((anna, "+493023125901"), (bert, "+493023125902")):
        old, contact.phone = contact.phone, new
        contact.save()
        identities.record(in_bakery, [contact])
        declarations.moved(tenant=in_bakery, contact=contact, old_phone=old, dedupe=f"moved {new}")

    assert (reason(anna), reason(bert)) == ("", "withdrawn")
    bert.delete()
    assert reason(person(in_bakery, phone="+493023125902")) == "suppressed"


def test_a_number_edited_by_an_agent_needs_a_new_yes(in_bakery: Tenant, bakery_made) -> None:
    anna = person(in_bakery)
    agree(in_bakery, anna, pairs=[("whatsapp", "marketing"), ("email", "marketing")])

    declarations.moved(
        tenant=in_bakery, contact=anna, old_phone=PHONE, dedupe="edit", source=Source.AGENT, authority=1,
        by=bakery_made.owner,
    )  # fmt: skip

    assert (reason(anna), reason(anna, channel="email")) == ("expired", "")


def test_the_next_owner_of_a_number_does_not_speak_for_the_last(in_bakery: Tenant) -> None:
    anna = person(in_bakery, phone=PHONE)
    agree(in_bakery, anna)
    anna.phone = "+493023125902"
    anna.save()
    identities.record(in_bakery, [anna])
    newcomer = person(in_bakery, phone=PHONE)

    stop(in_bakery, newcomer, occurred_at=timezone.now())

    assert reason(anna) == ""


def test_merging_keeps_every_no_and_copies_no_yes(in_bakery: Tenant) -> None:
    kept, gone = person(in_bakery), person(in_bakery)
    agree(in_bakery, kept, occurred_at=minutes(30))
    agree(in_bakery, gone, pairs=[("email", "marketing")])
    stop(in_bakery, gone, occurred_at=minutes(1))

    declarations.merged(tenant=in_bakery, kept=kept, gone=gone)

    assert (reason(kept), reason(kept, channel="email")) == ("withdrawn", "no_consent")
    said = {(row.subject_id, row.state) for row in queries.history(kept)}
    assert (gone.subject_id, "granted") in said
    assert (kept.subject_id, "merged") in said


def test_who_acts_for_a_person_leaves_an_audit_row(in_bakery: Tenant, bakery_made) -> None:
    anna = person(in_bakery)
    alice: User = bakery_made.owner

    stop(in_bakery, anna, source=Source.AGENT, authority=Authority.AGENT, by=alice)

    row = AuditEvent.objects.get(verb="consent.withdrawn")
    assert (row.user_id, row.object_uid) == (alice.pk, str(anna.uid))
    assert ConsentEvent.objects.filter(actor_type="user", actor_id=str(alice.pk)).count() == 3


def test_a_yes_that_names_no_adult_allows_nothing(in_bakery: Tenant) -> None:
    anna = person(in_bakery)

    agree(in_bakery, anna, age_confirmed=False)

    assert reason(anna) == "minor"


def test_a_request_alone_is_no_consent(in_bakery: Tenant) -> None:
    anna = person(in_bakery)

    declarations.request(tenant=in_bakery, contact=anna, dedupe="form", source=Source.SIGNUP_PAGE)

    assert reason(anna) == "pending"


def test_a_yes_ends_when_its_time_is_over(in_bakery: Tenant) -> None:
    anna = person(in_bakery)
    agree(in_bakery, anna, valid_until=timezone.now() + timedelta(days=1))

    assert reason(anna) == ""
    tomorrow = timezone.now() + timedelta(days=2)
    assert may_send(contact=anna, channel="whatsapp", purpose="marketing", at=tomorrow).reason == "expired"
