"""An erasure leaves nothing that names the person, nowhere; reports, ledger and the others stay whole."""

import base64
import shutil
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import redis
from django.conf import settings
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from consent import queries, tasks
from consent.actions import preferences, vouchers
from consent.ledger import evidence
from consent.models import ConsentEvent, ConsentEvidence, DataRequest, SignupCode, Suppression
from consent.rights import keeping
from consent.signups import message
from contacts.models import Contact, Event, Import
from inbox.models import WebhookEvent
from messaging import links, recording
from messaging.models import Click, Link, Message
from messaging.recording import Outcome
from tenants.actions import NewTenant
from tenants.models import IdempotencyKey, Tenant
from tenants.scope import across_tenants, tenant_scope
from tests.consent.factories import open_form, published
from tests.consent.imports import done
from tests.consent.rights import traces
from tests.consent.rights.traces import EMAIL, MARKER, OTHER, PHONE, erased, follow, found, received, wamid
from tests.consent.test_addresses import BOTH, ask
from tests.consent.test_signups import page, write
from tests.contacts.calls import Caller
from tests.inbox import meta
from whatsapp.client import Accepted
from whatsapp.models import Number

pytestmark = pytest.mark.usefixtures("as_runtime")

Deliver = Callable[..., None]


def test_the_marker_is_in_every_place_before_and_nowhere_afterwards(
    alice: Caller, staff: Client, bakery: Tenant, people: tuple[Contact, Contact], erasure_log: Path
) -> None:
    traces.looked_after(staff, people[0])
    places = found()
    assert {
        "file .csv", "file .zip", "table consent_datarequest", "table contacts_contact", "table contacts_event",
        "table consent_consentevidence",
        "table contacts_rejectedrow", "table inbox_inboundmessage", "table messaging_content", "table messaging_link",
        "table messaging_message", "table tenants_idempotencykey", "table analytics_ordercredit",
    } <= set(places)  # fmt: skip
    assert any("inbox_webhookevent" in place for place in places)
    # Tasks carry ids, and limits are counted by what names nobody.
    assert traces.waiting_tasks() > 5
    assert not [place for place in places if place.startswith("redis")]

    request = erased(alice, bakery, people[0])

    assert (request.state, request.error) == ("done", "")
    assert found() == []
    assert found((str(people[0].uid),)) == ["table django_admin_log", "table tenants_auditevent"]
    assert MARKER not in erasure_log.read_text()
    assert PHONE not in erasure_log.read_text()


def test_what_she_left_at_a_sign_up_goes_with_her_the_code_she_was_given_and_what_is_encrypted_too(
    alice: Caller, bakery: Tenant, client: Client, people: tuple[Contact, Contact]
) -> None:
    benefit = {"benefit": "5 € Gutschein", "benefit_terms": "Ab 20 € Einkauf."}
    with tenant_scope(bakery):
        form = open_form(bakery, published(bakery, covers=BOTH), **benefit)
        vouchers.add(form=form, codes=["EINS", "ZWEI"], by=None)
        write(people[0], message(ask(client, form, email=EMAIL)))
        given = SignupCode.objects.get(contact=people[0])
    assert "table consent_addressrequest" in found((EMAIL,))

    assert erased(alice, bakery, people[0]).state == "done"

    assert found() == []
    assert found((EMAIL,)) == []
    with tenant_scope(bakery):
        assert not SignupCode.objects.filter(pk=given.pk).exists()
        assert SignupCode.objects.count() == 1


@pytest.mark.usefixtures("people")
def test_the_search_for_the_marker_sees_through_the_broker_and_base64(uploads: Path) -> None:
    """Otherwise it would prove nothing."""
    server = redis.Redis.from_url(settings.REDIS_URL)
    server.flushdb()
    shutil.rmtree(uploads)
    nowhere_else = [place for place in found() if not place.startswith("table")]
    assert nowhere_else == []

    tasks.carry_out.apply_async(kwargs={"tenant_id": 0, "request_id": 0, "about": wamid(PHONE, 3)})
    server.hset("some hash", "x" * 500, base64.b64encode(f"It was {MARKER}.".encode()))
    (uploads / "deep").mkdir(parents=True)
    (uploads / "deep" / "file.bin").write_bytes(b'{"id": "' + wamid(PHONE, 4).encode() + b'"}')

    assert [place for place in found() if not place.startswith("table")] == [
        "file .bin", "redis default", "redis some hash",
    ]  # fmt: skip


def test_what_her_visits_leave_in_the_cache_goes_by_itself_within_two_minutes(
    bakery: Tenant, people: tuple[Contact, Contact]
) -> None:
    """Limits are counted by her address and her contact's number, so that nobody is kept out for long."""
    visitor, address = Client(REMOTE_ADDR="203.0.113.77"), urlsplit(preferences.url(people[0])).path
    with tenant_scope(bakery):
        form = open_form(bakery, published(bakery, covers=[["whatsapp", "marketing"]]))
        row = ConsentEvent.objects.filter(subject_id=people[0].subject_id).latest("seq")
    assert visitor.post(page(form)).status_code == 422
    assert visitor.get(f"{address}receipts/{row.event_id}.json").status_code == 200

    server = redis.Redis.from_url(settings.REDIS_URL)
    counted = {key.decode(): server.ttl(key) for key in server.keys("*:*") if b"throttle" not in key}

    assert [name for name in counted if "203.0.113.77" in name]
    assert [name for name in counted if name.endswith(f"own-receipts:{people[0].pk}")]
    assert all(0 < seconds <= 120 for seconds in counted.values()), counted


def test_reports_and_ledger_hold_after_an_erasure(
    alice: Caller, bakery: Tenant, people: tuple[Contact, Contact]
) -> None:
    with tenant_scope(bakery):
        counted = Message.objects.count()

    erased(alice, bakery, people[0])

    call_command("verify_kpis")
    call_command("verify_ledger")
    with tenant_scope(bakery):
        assert Message.objects.count() == counted
        assert list(ConsentEvent.objects.order_by("seq").values_list("state", flat=True))[-1] == "erased"
        assert (
            Message.objects.filter(contact_id__lt=0).exclude(wamid=None).values_list("wamid", flat=True)[0] == "erased"
        )


def test_whoever_stands_beside_the_person_loses_nothing(
    alice: Caller, bakery: Tenant, people: tuple[Contact, Contact]
) -> None:
    berta = people[1]

    erased(alice, bakery, people[0])

    assert received(bakery) == ["Greetings from Berta"]
    assert "table messaging_message" in found((OTHER,))
    assert alice.get(f"contacts/{berta.uid}/may-send/").json()["allowed"] is True
    with across_tenants("this test"):
        bodies = [bytes(body) for body in WebhookEvent.objects.values_list("body", flat=True)]
    assert sum(OTHER.encode() in body for body in bodies) == 2
    with tenant_scope(bakery):
        # The file that names only her is still there.
        assert Import.objects.exclude(file="").count() == 1
        assert Click.objects.filter(contact=berta.pk).count() == 1


def test_what_waits_is_cancelled_and_a_later_import_does_not_revive_the_person(
    alice: Caller, bakery: Tenant, people: tuple[Contact, Contact]
) -> None:
    erased(alice, bakery, people[0])

    with tenant_scope(bakery):
        assert list(Message.objects.filter(reason="erased").values_list("state", "queue")) == [(10, 2), (10, 2)]
    columns = "Handy;WhatsApp-Einwilligung;Einwilligung am;Quelle;Wortlaut;Nachweis"
    again = done(bakery, f"{columns}\n+{PHONE};ja;2026-11-01;Kasse;Ja, per WhatsApp.;Bon 1\n")

    assert again.consent_counts == {"skipped_suppressed": 1}
    with tenant_scope(bakery):
        new = Contact.objects.get(phone=f"+{PHONE}")
        answer = queries.may_send(contact=new, channel="whatsapp", purpose="marketing")
        assert (new.pk != people[0].pk, answer.allowed, answer.reason) == (True, False, "suppressed")


def test_from_the_request_on_nothing_is_sent_even_before_a_worker_has_come(
    alice: Caller, bakery: Tenant, people: tuple[Contact, Contact]
) -> None:
    anna = people[0]

    assert alice.post(f"contacts/{anna.uid}/erase/", {"checked_by": "whatsapp"}).status_code == 202

    assert alice.get(f"contacts/{anna.uid}/may-send/").json()["reason"] == "restricted"
    assert alice.get(f"contacts/{anna.uid}/may-send/", purpose="transactional").json()["allowed"] is False
    with tenant_scope(bakery):
        # Phone, BSUID and e-mail, each as keyed hash.
        assert Suppression.objects.filter(lifted_at=None).count() == 3


def test_what_arrives_late_about_sent_messages_brings_no_number_back(
    alice: Caller, bakery: Tenant, people: tuple[Contact, Contact], number: Number, deliver: Deliver
) -> None:
    with tenant_scope(bakery):
        message = Message.objects.filter(contact=people[0].pk, wamid__isnull=False).get()
        link = Link.objects.filter(source=message.source_id).first()
        assert link
        token = links.token(tenant_id=bakery.pk, link_id=link.pk, message_id=message.pk)
    erased(alice, bakery, people[0])

    late = meta.status(wamid(PHONE, 0), "read", timezone.now()) | {
        "biz_opaque_callback_data": traces.callback(bakery, message)
    }
    deliver(meta.body(number, statuses=[late]))

    assert follow(token) == 302
    with tenant_scope(bakery):
        message.refresh_from_db()
        assert (message.state, message.wamid, message.contact_id) == (6, "erased", -message.pk)
        assert Click.objects.order_by("-pk").values_list("contact", "message").first() == (None, None)
    call_command("verify_kpis")


def test_an_answer_of_meta_to_what_was_just_being_sent_brings_no_number_back(
    alice: Caller, bakery: Tenant, people: tuple[Contact, Contact], number: Number
) -> None:
    with tenant_scope(bakery):
        message = Message.objects.filter(contact=people[0].pk, source__kind="campaign", queue=0).get()
        Message.objects.filter(pk=message.pk).update(
            queue=1, consent_seq=1, state=1, attempt=1, claimed_at=timezone.now()
        )
    erased(alice, bakery, people[0])

    answer = Accepted(wamid(PHONE, 9), PHONE, "", "accepted")
    recording.record(number, [Outcome(message.pk, 1, message.source_id, answer, timezone.now())])

    with tenant_scope(bakery):
        message.refresh_from_db()
        assert (message.state, message.wamid, message.contact_id) == (2, "erased", -message.pk)
    assert found() == []
    call_command("verify_kpis")


def test_the_proof_stays_for_its_years_unreadable_elsewhere_and_then_goes(
    alice: Caller, bakery: Tenant, people: tuple[Contact, Contact], monkeypatch: pytest.MonkeyPatch
) -> None:
    request = erased(alice, bakery, people[0])

    with tenant_scope(bakery):
        kept = ConsentEvidence.objects.get(kept_until__isnull=False)
        assert MARKER in evidence.unseal(kept)["proof"]
        assert MARKER not in kept.sealed
        assert kept.kept_until == date(timezone.now().year + 3, 12, 31) == request.kept_until
        assert [kind for kind, _digest in request.digests] == ["phone", "bsuid", "email"]
        ConsentEvidence.objects.filter(pk=kept.pk).update(kept_until=timezone.localdate() - timedelta(days=1))
        DataRequest.objects.update(kept_until=timezone.localdate() - timedelta(days=1))

    assert keeping.keep(bakery) is False

    with tenant_scope(bakery):
        assert not ConsentEvidence.objects.filter(pk=kept.pk).exists()
        assert not DataRequest.objects.exclude(digests=[]).exists()
        # Berta's is in use.
        assert ConsentEvidence.objects.count() == 1


def test_a_repeated_call_does_not_create_the_person_again(
    alice: Caller, bakery: Tenant, people: tuple[Contact, Contact]
) -> None:
    key = f"again {str(people[0].uid)[:4]}"
    erased(alice, bakery, people[0])

    answer = alice.post("contacts/", traces.PERSON, **{"Idempotency-Key": key})

    assert (answer.status_code, answer.json()) == (410, {})
    with tenant_scope(bakery):
        assert not Contact.objects.filter(phone=f"+{PHONE}").exists()
        assert IdempotencyKey.objects.filter(status=410).exists()


def test_an_import_that_names_the_person_is_waited_for(
    alice: Caller, bakery: Tenant, people: tuple[Contact, Contact]
) -> None:
    with tenant_scope(bakery):
        Import.objects.filter(rows_total=3).update(state="running", leased_until=timezone.now() + timedelta(hours=1))

    request = erased(alice, bakery, people[0])

    assert request.state == "working"
    assert "import" in request.error.lower()
    with tenant_scope(bakery):
        assert Contact.objects.filter(pk=people[0].pk).exists()
        Import.objects.update(state="finished", leased_until=None)
        DataRequest.objects.update(leased_until=None)
    tasks.carry_out(tenant_id=bakery.pk, request_id=request.pk)
    assert found() == []


def test_erasing_needs_an_identity_that_was_checked_and_happens_once(
    alice: Caller, bakery: Tenant, people: tuple[Contact, Contact]
) -> None:
    anna = people[0]
    unchecked = alice.post("data-requests/", {"contact": str(anna.uid), "kind": "erasure"}).json()

    assert alice.post(f"data-requests/{unchecked['uid']}/run/").status_code == 409
    assert alice.post(f"contacts/{anna.uid}/erase/", {}).status_code == 400
    done_request = erased(alice, bakery, anna)
    assert alice.post(f"data-requests/{done_request.uid}/run/").status_code == 409
    assert alice.post(f"contacts/{anna.uid}/erase/", {"checked_by": "whatsapp"}).status_code == 404
    # What else she had asked ends with it.
    assert alice.get(f"data-requests/{unchecked['uid']}/").json()["state"] == "done"


def test_the_shop_next_door_can_neither_see_nor_erase_the_bakerys_people(
    carol: Caller, alice: Caller, bakery: Tenant, people: tuple[Contact, Contact], shop_made: NewTenant
) -> None:
    anna = people[0]
    taken = alice.post("data-requests/", {"contact": str(anna.uid), "kind": "access", "checked_by": "email"}).json()

    assert carol.get("data-requests/").json()["results"] == []
    for method, path in (
        (carol.get, f"data-requests/{taken['uid']}/"),
        (carol.post, f"data-requests/{taken['uid']}/run/"),
        (carol.get, f"data-requests/{taken['uid']}/file/"),
    ):
        assert method(path).status_code == 404
    assert carol.post(f"contacts/{anna.uid}/erase/", {"checked_by": "email"}).status_code == 404
    assert carol.post("data-requests/", {"contact": str(anna.uid), "kind": "erasure"}).status_code == 404
    with tenant_scope(bakery):
        assert Event.objects.filter(contact=anna.pk).exists()


def test_the_links_of_answers_to_the_person_lead_nowhere_afterwards(
    alice: Caller, bakery: Tenant, people: tuple[Contact, Contact], client: Client
) -> None:
    with tenant_scope(bakery):
        link = Link.objects.get(url__contains=MARKER)

    erased(alice, bakery, people[0])

    assert follow(links.token(tenant_id=bakery.pk, link_id=link.pk, message_id=None)) == 404
