"""Unclear wishes on the dashboard: counted, shown, and settled with one button."""

from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from consent.actions import declarations
from consent.models import ConsentEvent
from contacts.models import Contact
from inbox.models import InboundMessage
from messaging.models import Message
from tenants.actions import NewTenant
from tenants.models import AuditEvent, Membership
from tenants.roles import Role
from tenants.scope import tenant_scope
from tests.inbox import meta
from tests.inbox.outbox import plan, send
from tests.inbox.test_opt_outs import TODAY, agree, campaign_states, confirmations, may
from whatsapp.models import Number

Deliver = Callable[..., None]
PHONE = "+493023125001"


@pytest.fixture
def clerk(client: Client, bakery_made: NewTenant) -> Client:
    client.force_login(bakery_made.owner)
    client.cookies["django_language"] = "en"
    return client


@pytest.fixture
def unclear(number: Number, deliver: Deliver) -> Number:
    """Two people who said yes; the first has answered "nein danke" to a campaign."""
    send(number, 2, accepted_at=TODAY)
    agree(number.tenant)
    deliver(meta.body(number, messages=[meta.text("nein danke", at=TODAY)]))
    return number


def as_role(made: NewTenant, role: Role) -> None:
    with tenant_scope(made.tenant):
        Membership.objects.filter(user=made.owner).update(role=role)


def shown(clerk: Client, path: str = "look/") -> str:
    answer = clerk.get(f"/bakery/{path}")
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def press(clerk: Client, name: str, **fields: str) -> int:
    """Press a button of the first row; the status of the answer."""
    [token, *_others] = [row["token"] for row in clerk.get("/bakery/look/").context["rows"]]
    return clerk.post(f"/bakery/look/{token}/{name}/", fields).status_code


def verbs(number: Number) -> list[str]:
    with tenant_scope(number.tenant):
        return list(AuditEvent.objects.filter(verb__startswith="message.").values_list("verb", flat=True))


def test_it_is_counted_on_the_overview_and_shown_with_who_when_and_what(unclear: Number, clerk: Client) -> None:
    assert "1 message may be an opt-out and needs a look." in shown(clerk, "")

    page = shown(clerk)

    assert "nein danke" in page
    assert "+49 30 23125001" in page or PHONE in page
    assert "Opt out" in page


def test_an_opt_out_ends_consent_stops_what_waits_and_confirms_once(
    unclear: Number, clerk: Client, bakery_made: NewTenant
) -> None:
    tenant, waiting = unclear.tenant, plan(unclear)

    assert press(clerk, "opt-out", confirmed="1") == 302

    assert not may(tenant)
    assert may(tenant, "+493023125002")
    assert campaign_states(tenant, waiting)[0] == (Message.State.CANCELLED, "withdrawn")
    assert [phone for phone, _text in confirmations(tenant)] == [PHONE]
    with tenant_scope(tenant):
        said = ConsentEvent.objects.filter(state="withdrawn", purpose="marketing").get()
        assert (said.source, said.authority, said.occurred_at) == ("agent", 1, TODAY)
        assert said.actor_id == str(bakery_made.owner.pk)
        assert Message.objects.get(wamid="wamid.1").opted_out_at == TODAY
    assert verbs(unclear) == ["message.opted_out"]
    assert "Nothing to look at" in shown(clerk)
    assert "needs a look" not in shown(clerk, "")


def test_without_scripts_it_is_asked_first(unclear: Number, clerk: Client) -> None:
    assert press(clerk, "opt-out") == 200

    assert may(unclear.tenant)
    assert "nein danke" in shown(clerk)


def test_done_changes_nothing_but_the_list_and_is_kept_in_the_log(unclear: Number, clerk: Client) -> None:
    [token] = [row["token"] for row in clerk.get("/bakery/look/").context["rows"]]

    for _time in range(2):
        assert clerk.post(f"/bakery/look/{token}/done/").status_code == 302

    assert may(unclear.tenant)
    assert confirmations(unclear.tenant) == []
    assert verbs(unclear) == ["message.looked_at"]
    assert "Nothing to look at" in shown(clerk)
    with tenant_scope(unclear.tenant):
        assert InboundMessage.objects.get().needs_a_look


def test_a_newer_yes_of_the_person_stays(unclear: Number, clerk: Client) -> None:
    with tenant_scope(unclear.tenant):
        declarations.grant(
            tenant=unclear.tenant,
            contact=Contact.objects.get(phone=PHONE),
            dedupe="again",
            source="wa_button",
            authority=3,
            wording_text="Ja",
            age_confirmed=True,
        )

    assert press(clerk, "opt-out", confirmed="1") == 302

    assert may(unclear.tenant)
    assert confirmations(unclear.tenant) == []
    assert "Nothing to look at" in shown(clerk)


def test_who_has_said_stopp_meanwhile_needs_no_opt_out(unclear: Number, clerk: Client, deliver: Deliver) -> None:
    deliver(meta.body(unclear, messages=[meta.text("STOPP", at=TODAY)]))

    page = shown(clerk)

    assert "nein danke" in page
    assert "/opt-out/" not in page


@pytest.mark.parametrize(
    ("role", "sees", "settles", "opts_out"),
    [
        (Role.ADMIN, True, True, True),
        (Role.AGENT, True, True, True),
        (Role.MARKETER, True, False, True),
        (Role.ANALYST, False, False, False),
        (Role.LEGAL, False, False, False),
    ],
)
def test_each_role_may_what_it_may_with_messages(
    unclear: Number, clerk: Client, bakery_made: NewTenant, role: Role, sees: bool, settles: bool, opts_out: bool
) -> None:
    [token] = [row["token"] for row in clerk.get("/bakery/look/").context["rows"]]
    as_role(bakery_made, role)

    assert ("needs a look" in shown(clerk, "")) is sees
    assert clerk.get("/bakery/look/").status_code == (200 if sees else 403)
    assert clerk.post(f"/bakery/look/{token}/opt-out/").status_code == (200 if opts_out else 403)
    assert clerk.post(f"/bakery/look/{token}/done/").status_code == (302 if settles else 403)


def test_the_messages_of_another_company_are_not_there(unclear: Number, clerk: Client, shop_made: NewTenant) -> None:
    [token] = [row["token"] for row in clerk.get("/bakery/look/").context["rows"]]
    clerk.force_login(shop_made.owner)

    assert "Nothing to look at" in " ".join(clerk.get("/shop/look/").content.decode().split())
    for name in ("opt-out", "done"):
        assert clerk.post(f"/shop/look/{token}/{name}/").status_code == 404
        assert clerk.post(f"/shop/look/nonsense/{name}/").status_code == 404


def test_a_long_list_costs_no_more_reads(unclear: Number, clerk: Client, deliver: Deliver) -> None:
    with CaptureQueriesContext(connection) as few:
        shown(clerk)
    people = [meta.text("kündigen", sender=f"4930231250{n:02}", at=TODAY) for n in range(10, 40)]
    deliver(meta.body(unclear, messages=people))

    with CaptureQueriesContext(connection) as many:
        assert "Page 1 of 2" in shown(clerk)

    assert len(many) <= len(few)
    assert "31 messages may be opt-outs" in shown(clerk, "")
