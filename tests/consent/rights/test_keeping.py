"""Nothing is kept longer than needed, every round says what it did, and reports stay as they were."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db.models import F
from django.utils import timezone

from analytics.models import Kpi
from consent import queries, tasks
from consent.actions import declarations
from consent.models import ConsentEvent, ConsentEvidence, Controller, DataRequest, Disposal, ImportClaim
from consent.rights import keeping, periods
from contacts.models import Contact, Event, Import
from inbox.models import Conversation, InboundMessage
from messaging.models import Click, Content, Message, Source
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.analytics import cast
from tests.consent.factories import NUMBER, agree, altered, minutes, person, say, stop
from tests.consent.rights.traces import worked
from tests.contacts.calls import Caller

pytestmark = pytest.mark.usefixtures("as_runtime")

WHATSAPP, EMAIL, TRACKING = ("whatsapp", "marketing"), ("email", "marketing"), ("whatsapp", "tracking")
OLD = timedelta(days=750)
YOUNG = timedelta(days=700)


def ago(age: timedelta) -> datetime:
    return timezone.now() - age


def rounds(tenant: Tenant) -> dict[str, int]:
    """What a day's round has let go of."""
    assert keeping.keep(tenant) is False
    with tenant_scope(tenant):
        return dict(Disposal.objects.values_list("what", "count"))


def campaign(tenant: Tenant, age: timedelta, *, count: int = 2, kind: str = "campaign") -> list[Message]:
    """A closed source of this age whose messages were read, clicked and followed by an order."""
    source = cast.source_of(tenant, kind=kind)
    messages = cast.messages_of(source, count, queue=2, wamid="wamid.x")
    cast.reached(messages, "accepted", "sent", "delivered", "read", at=ago(age))
    Message.objects.filter(source=source).update(created_at=ago(age))
    Source.objects.filter(pk=source.pk).update(created_at=ago(age), state="closed")
    for message in messages:
        cast.click(message, at=ago(age))
        cast.order(message, occurred_at=ago(age) + timedelta(hours=1), order_id=f"B{message.pk}")
    return messages


def kpis(tenant: Tenant) -> list[dict[str, Any]]:
    return list(Kpi.objects.filter(tenant=tenant).order_by("source_id", "variant", "shard").values())


def test_messages_of_24_months_ago_forget_their_people_and_reports_stay(in_bakery: Tenant) -> None:
    old, young = campaign(in_bakery, OLD), campaign(in_bakery, YOUNG)
    before = kpis(in_bakery)

    assert rounds(in_bakery) == {"messages": 2, "clicks": 2}

    kept = Message.objects.filter(pk__in=[m.pk for m in old]).order_by("pk")
    assert [(m.contact_id, m.wamid) for m in kept] == [(-m.pk, "erased") for m in old]
    assert set(Message.objects.filter(pk__in=[m.pk for m in young]).values_list("wamid", flat=True)) == {"wamid.x"}
    assert Click.objects.filter(contact=None).count() == 2
    assert kpis(in_bakery) == before
    call_command("verify_kpis")
    assert Event.objects.count() == 4


def test_a_company_may_keep_messages_for_a_shorter_time(in_bakery: Tenant) -> None:
    Controller.objects.create(tenant=in_bakery, message_months=6)
    old, young = campaign(in_bakery, timedelta(days=200)), campaign(in_bakery, timedelta(days=150))

    assert rounds(in_bakery) == {"messages": 2, "clicks": 2}

    forgotten = Message.objects.filter(wamid="erased").values_list("pk", flat=True)
    assert set(forgotten) == {message.pk for message in old}
    assert {message.wamid for message in young} == {"wamid.x"}


def test_an_answer_to_one_person_loses_its_text_with_its_time(in_bakery: Tenant) -> None:
    [message] = campaign(in_bakery, OLD, count=1, kind="reply")
    said = {"type": "text", "text": {"body": "Dear Anna"}}
    Content.objects.create(tenant=in_bakery, source=message.source, free_form=said)

    rounds(in_bakery)

    assert Content.objects.get().free_form == {"type": "text", "text": {"body": ""}}


def test_what_people_wrote_goes_after_24_months(in_bakery: Tenant) -> None:
    number = cast.number_of(in_bakery)
    thread = Conversation.objects.create(tenant=in_bakery, number=number, contact=person(in_bakery))
    for n, age in enumerate((OLD, YOUNG)):
        InboundMessage.objects.create(
            tenant=in_bakery, conversation=thread, wamid=f"w{n}", type="text", text=f"{age}", sent_at=ago(age)
        )

    assert rounds(in_bakery) == {"inbound": 1}
    assert list(InboundMessage.objects.values_list("wamid", flat=True)) == ["w1"]


def test_many_are_let_go_batch_by_batch(in_bakery: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "AT_A_TIME", 2)
    campaign(in_bakery, OLD, count=5)

    assert keeping.keep(in_bakery) is False

    assert not Message.objects.filter(contact_id__gt=0).exists()
    found = list(Disposal.objects.filter(what="messages").order_by("pk").values_list("count", flat=True))
    assert found == [2, 2, 1]
    call_command("verify_kpis")


def test_a_consent_that_nobody_used_for_24_months_expires_and_one_in_use_does_not(in_bakery: Tenant) -> None:
    silent, sent, wrote, bought, recent = (person(in_bakery) for _ in range(5))
    for contact in (silent, sent, wrote, bought):
        agree(in_bakery, contact, occurred_at=ago(OLD), pairs=[("whatsapp", "marketing"), ("whatsapp", "tracking")])
    agree(in_bakery, recent, occurred_at=ago(YOUNG))
    source = cast.source_of(in_bakery)
    Message.objects.create(tenant=in_bakery, source=source, contact=sent, accepted_at=ago(YOUNG), queue=2, state=4)
    Conversation.objects.create(tenant=in_bakery, number=source.number, contact=wrote, last_inbound_at=ago(YOUNG))
    cast.event(bought.pk, in_bakery.pk, "visited", None, occurred_at=ago(YOUNG))

    assert rounds(in_bakery) == {"consents": 1}

    assert _reasons(silent, sent, wrote, bought, recent) == ["expired", "", "", "", ""]
    expired = ConsentEvent.objects.filter(state="expired").order_by("seq")
    assert [(row.purpose, row.source, row.actor_type) for row in expired] == [
        ("marketing", "system", "system"), ("tracking", "system", "system"),
    ]  # fmt: skip
    assert rounds(in_bakery) == {"consents": 1}
    assert expired.count() == 2
    call_command("verify_ledger")


def test_cg_27_a_yes_to_e_mail_stays_because_nobody_here_sees_its_use(in_bakery: Tenant) -> None:
    anna = person(in_bakery, email="anna@example.com")
    agree(in_bakery, anna, occurred_at=ago(OLD), pairs=[EMAIL, WHATSAPP])

    assert rounds(in_bakery) == {"consents": 1}

    told = [queries.may_send(contact=anna, channel=channel, purpose="marketing") for channel in ("email", "whatsapp")]
    assert [answer.reason for answer in told] == ["", "expired"]


def test_who_says_yes_again_after_that_is_asked_for_nothing_more(in_bakery: Tenant) -> None:
    anna = person(in_bakery)
    agree(in_bakery, anna, occurred_at=ago(OLD))
    rounds(in_bakery)

    agree(in_bakery, anna, occurred_at=timezone.now())

    assert _reasons(anna) == [""]
    rounds(in_bakery)
    assert _reasons(anna) == [""]


def _reasons(*people: Contact) -> list[str]:
    return [queries.may_send(contact=each, channel="whatsapp", purpose="marketing").reason for each in people]


def recorded(contact: Contact, years: int, **rows: str) -> None:
    """These rows about somebody were written so many years ago, or in so many years where that is negative."""
    about = ConsentEvent.objects.filter(subject_id=contact.subject_id, **rows)
    altered(lambda: about.update(recorded_at=F("recorded_at") - timedelta(days=366 * years)))


def proofs_of(*people: Contact) -> list[list[tuple[str, str]]]:
    """What each of these people has agreed to that is still proven: channel and purpose."""
    kept = ConsentEvidence.objects.values_list("event_id", flat=True)
    rows = ConsentEvent.objects.filter(event_id__in=set(kept)).order_by("seq")
    return [list(rows.filter(subject_id=each.subject_id).values_list("channel", "purpose")) for each in people]


def test_a_proof_goes_when_the_third_year_after_its_last_use_is_over(
    in_bakery: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    over, used, live = (person(in_bakery) for _ in range(3))
    for contact in (over, used, live):
        agree(in_bakery, contact, occurred_at=timezone.now(), evidence={"form": "4711"})
    for contact in (over, used):
        stop(in_bakery, contact, occurred_at=timezone.now() + timedelta(minutes=1))
    # Until then she got messages.
    recorded(used, -1, state="withdrawn")
    this_year = timezone.localdate().year

    monkeypatch.setattr(timezone, "localdate", lambda *_: datetime(this_year + 3, 12, 31).date())
    assert "proofs" not in rounds(in_bakery)
    monkeypatch.setattr(timezone, "localdate", lambda *_: datetime(this_year + 4, 1, 1).date())

    assert rounds(in_bakery)["proofs"] == 1
    assert proofs_of(over, used, live) == [[], [WHATSAPP], [WHATSAPP]]


def test_each_consent_has_its_own_time_whatever_else_the_person_agrees_to(in_bakery: Tenant) -> None:
    anna, berta = person(in_bakery), person(in_bakery)
    for contact in (anna, berta):
        agree(in_bakery, contact, pairs=[WHATSAPP, EMAIL], evidence={"form": "4711"})
        stop(in_bakery, contact, channel="email", purpose="marketing")
    recorded(anna, 5)
    cast.event(anna.pk, in_bakery.pk, "visited", None, occurred_at=timezone.now())

    assert rounds(in_bakery) == {"proofs": 1}

    assert proofs_of(anna, berta) == [[WHATSAPP], [WHATSAPP, EMAIL]]
    assert _reasons(anna) == [""]


def test_a_no_to_messages_was_the_last_use_of_measuring_as_well(in_bakery: Tenant) -> None:
    anna = person(in_bakery)
    agree(in_bakery, anna, pairs=[TRACKING, EMAIL], evidence={"form": "4711"})
    stop(in_bakery, anna, channel="email", purpose="marketing")
    recorded(anna, 5)
    stop(in_bakery, anna)

    assert rounds(in_bakery) == {"proofs": 1}
    assert proofs_of(anna) == [[TRACKING]]


def test_a_yes_beneath_a_stop_by_meta_or_a_restriction_is_proven_for_it_comes_back(in_bakery: Tenant) -> None:
    anna, berta = person(in_bakery), person(in_bakery)
    for contact in (anna, berta):
        agree(in_bakery, contact, evidence={"form": "4711"})
    declarations.meta_stopped(
        tenant=in_bakery, contact=anna, phone_number_id=NUMBER, occurred_at=minutes(1), dedupe="pref:1"
    )
    say(in_bakery, berta, "restricted", channel="all", purpose="all", occurred_at=minutes(1))
    for contact in (anna, berta):
        recorded(contact, 5)

    assert "proofs" not in rounds(in_bakery)

    assert proofs_of(anna, berta) == [[WHATSAPP], [WHATSAPP]]


def test_a_yes_until_a_day_ended_on_it(in_bakery: Tenant) -> None:
    over, live = person(in_bakery), person(in_bakery)
    for contact, days in ((over, -366 * 5), (live, 30)):
        agree(in_bakery, contact, evidence={"form": "4711"}, valid_until=timezone.now() + timedelta(days=days))
        recorded(contact, 6)

    assert rounds(in_bakery) == {"proofs": 1}
    assert proofs_of(over, live) == [[], [WHATSAPP]]


def test_a_no_to_everything_is_proven_as_long_as_anything_is_agreed_to(in_bakery: Tenant) -> None:
    anna, berta = person(in_bakery), person(in_bakery)
    for contact in (anna, berta):
        say(in_bakery, contact, "objected", channel="all", purpose="all", evidence={"note": "Brief"})
        recorded(contact, 5)
    agree(in_bakery, anna, occurred_at=minutes(5))
    recorded(anna, 4, state="granted")

    assert rounds(in_bakery) == {"proofs": 1}
    assert proofs_of(anna, berta) == [[("all", "all")], []]


def test_proofs_go_batch_by_batch(in_bakery: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "AT_A_TIME", 2)
    people = [person(in_bakery) for _ in range(5)]
    for contact in people:
        agree(in_bakery, contact, evidence={"form": "4711"})
        stop(in_bakery, contact)
        recorded(contact, 5)

    assert keeping.keep(in_bakery) is False

    assert proofs_of(*people) == [[]] * 5
    assert list(Disposal.objects.filter(what="proofs").order_by("pk").values_list("count", flat=True)) == [2, 2, 1]


def test_claims_go_batch_by_batch(in_bakery: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "AT_A_TIME", 2)
    said = {"imported": Import.objects.create(tenant=in_bakery, filename="a.csv"), "contact": person(in_bakery)}
    for line in range(5):
        ImportClaim.objects.create(tenant=in_bakery, line=line, claimed_at=timezone.now(), sealed="x", **said)

    assert keeping.keep(in_bakery) is False

    assert not ImportClaim.objects.exists()
    assert list(Disposal.objects.filter(what="lines").order_by("pk").values_list("count", flat=True)) == [2, 2, 1]


def test_an_export_is_deleted_after_seven_days(alice: Caller, bakery: Tenant, uploads: Path) -> None:
    with tenant_scope(bakery):
        anna = person(bakery)
    asked = alice.post(f"contacts/{anna.uid}/export/", {"checked_by": "email"}).json()
    request = worked(bakery, asked["uid"])
    assert len(list(uploads.rglob("*.zip"))) == 1
    assert request.file_until
    assert abs(request.file_until - timezone.now() - periods.EXPORTS) < timedelta(minutes=1)
    assert rounds(bakery) == {}
    with tenant_scope(bakery):
        DataRequest.objects.update(file_until=timezone.now() - timedelta(seconds=1))

    assert rounds(bakery) == {"exports": 1}

    assert list(uploads.rglob("*.zip")) == []
    assert alice.get(f"data-requests/{asked['uid']}/file/").status_code == 404
    assert alice.get(f"data-requests/{asked['uid']}/").json()["has_file"] is False


def test_every_company_has_its_round_and_sees_its_own_log_only(in_bakery: Tenant, shop: Tenant) -> None:
    campaign(in_bakery, OLD)

    tasks.keep_to_periods_of(tenant_id=in_bakery.pk)
    tasks.keep_to_periods_of(tenant_id=shop.pk)

    assert Disposal.objects.count() == 2
    with tenant_scope(shop):
        assert Disposal.objects.count() == 0
