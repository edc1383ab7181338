"""Templates and numbers follow what Meta says; what is submitted or edited here meanwhile is not overwritten."""

import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from celery import current_app
from django.utils.timezone import now
from pytest_django import Settings

from tenants.models import AuditEvent, Tenant
from tenants.scope import tenant_scope
from tests import factories
from whatsapp import actions, syncing, tasks
from whatsapp.emulator import Running, running
from whatsapp.errors import Refused, WhatsAppError
from whatsapp.models import Account, Number, Template

BODY = [{"type": "BODY", "text": "Der Frühling ist da, und wir haben geöffnet."}]
BETTER = [{"type": "BODY", "text": "Der Sommer ist da, und wir haben geöffnet."}]


@pytest.fixture
def meta(settings: Settings) -> Iterator[Running]:
    with running() as emulator:
        settings.WHATSAPP_API_URL = emulator.base_url
        yield emulator


@pytest.fixture
def at_once() -> Iterator[None]:
    """Tasks that are handed to workers run on the spot."""
    current_app.conf.task_always_eager = True
    yield
    current_app.conf.task_always_eager = False


@pytest.fixture
def account(bakery: Tenant, meta: Running) -> Account:
    number = factories.number(bakery)
    meta.add_number(number.phone_number_id, number.account.waba_id, display="+49 30 23125000", name="Bäckerei Sonne")
    return number.account


def sync(account: Account) -> int:
    return syncing.sync(account.tenant_id, account.pk)


def described(name: str, **fields: Any) -> dict[str, Any]:
    return {"name": name, "language": "de", "category": "MARKETING", "components": BODY, **fields}


def draft(account: Account, name: str = "neu", **fields: Any) -> Template:
    with tenant_scope(account.tenant):
        return actions.save_template(
            tenant=account.tenant,
            account=account,
            name=name,
            language="de",
            category="MARKETING",
            components=BODY,
            by=None,
            **fields,
        )


def mend(account: Account) -> Template:
    """Change the one rejected template."""
    with tenant_scope(account.tenant):
        return actions.save_template(
            tenant=account.tenant,
            account=account,
            template=Template.objects.get(),
            name="angebot",
            language="de",
            category="MARKETING",
            components=BETTER,
            by=None,
        )


def stored(account: Account) -> dict[str, tuple[str, str]]:
    """(status, Meta's id) by name."""
    with tenant_scope(account.tenant):
        rows = Template.objects.filter(account=account).order_by("name")
        return {row.name: (row.status, row.meta_id) for row in rows}


def submit(template: Template) -> None:
    """Submit it and run the worker's part."""
    with tenant_scope(template.tenant):
        actions.submit_template(template=template, by=None)
    tasks.submit_template(tenant_id=template.tenant_id, template_id=template.pk)


def test_metas_templates_and_the_numbers_health_are_stored(account: Account, meta: Running) -> None:
    first = meta.add_template(account.waba_id, described("angebot"))
    second = meta.add_template(account.waba_id, described("pause"), status="PAUSED")

    assert sync(account) == 2

    assert stored(account) == {"angebot": ("APPROVED", first), "pause": ("PAUSED", second)}
    with tenant_scope(account.tenant):
        number = Number.objects.get()
        assert Account.objects.get().templates_synced_at
        assert Template.objects.get(name="angebot").components == BODY
    assert (number.verified_name, number.quality) == ("Bäckerei Sonne", "GREEN")


def test_the_account_takes_metas_name_and_currency(account: Account, meta: Running) -> None:
    meta.add_account(account.waba_id, name="Sonne GmbH", currency="CHF")

    sync(account)

    with tenant_scope(account.tenant):
        account.refresh_from_db()
    assert (account.name, account.currency) == ("Sonne GmbH", "CHF")


def test_an_account_that_is_not_described_well_stays_as_it_is(account: Account, meta: Running) -> None:
    meta.add_account(account.waba_id, name="", currency="francs")

    sync(account)

    with tenant_scope(account.tenant):
        account.refresh_from_db()
        assert account.templates_synced_at
    assert (account.name, account.currency) == ("", "EUR")


def test_syncing_proves_with_the_apps_secret(account: Account, meta: Running, settings: Settings) -> None:
    settings.WHATSAPP_APPSECRET_PROOF, settings.WHATSAPP_APP_SECRET = True, "app"
    meta.point_webhooks("", "app")
    assert sync(account) == 0

    meta.point_webhooks("", "another")

    with pytest.raises(Refused):
        sync(account)


@pytest.fixture
def stranger(settings: Settings) -> Iterator[None]:
    """Somebody's own stub of Meta: it has one template and no idea of numbers and accounts."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            knows = "/message_templates" in self.path
            found = {"data": [described("fremd", id="7", status="APPROVED")]} if knows else {}
            content = json.dumps(found).encode()
            self.send_response(200 if knows or "phone" in self.path else 404)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    settings.WHATSAPP_API_URL = f"http://127.0.0.1:{server.server_port}"
    yield
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.usefixtures("stranger")
def test_a_stranger_who_knows_no_accounts_is_asked_for_the_rest(bakery: Tenant) -> None:
    account = factories.number(bakery, phone_number_id="phone").account

    sync(account)

    assert stored(account) == {"fremd": ("APPROVED", "7")}


def test_a_second_sync_changes_rows_and_adds_none(account: Account, meta: Running) -> None:
    template_id = meta.add_template(account.waba_id, described("angebot"))
    sync(account)
    with tenant_scope(account.tenant):
        uid = Template.objects.get().uid
    meta.judge_template(template_id, "PAUSED")

    sync(account)

    assert stored(account) == {"angebot": ("PAUSED", template_id)}
    with tenant_scope(account.tenant):
        assert Template.objects.get().uid == uid


def test_what_meta_no_longer_lists_is_marked_deleted_and_kept(account: Account, meta: Running) -> None:
    kept = meta.add_template(account.waba_id, described("bleibt"))
    factories.template(account.tenant, name="weg", meta_id="5001")

    sync(account)

    assert stored(account) == {"bleibt": ("APPROVED", kept), "weg": ("DELETED", "5001")}


def test_drafts_are_none_of_metas_business(account: Account) -> None:
    draft(account)

    sync(account)

    assert stored(account) == {"neu": ("DRAFT", "")}


def test_what_was_submitted_while_meta_was_asked_is_not_called_deleted(account: Account) -> None:
    asked_at = now() - timedelta(seconds=1)
    factories.template(account.tenant, name="eben", meta_id="5002", status="PENDING")

    with tenant_scope(account.tenant):
        syncing.store_templates(account, [], asked_at)

    assert stored(account) == {"eben": ("PENDING", "5002")}


def test_no_tenants_sync_touches_another_ones_templates(account: Account, meta: Running, shop: Tenant) -> None:
    factories.number(shop)
    factories.template(shop, name="angebot", meta_id="7")
    meta.add_template(account.waba_id, described("angebot"), status="PAUSED")

    sync(account)

    with tenant_scope(shop):
        assert Template.objects.get().status == "APPROVED"


def test_every_active_and_unpaused_account_is_asked(account: Account, shop: Tenant) -> None:
    factories.number(shop)
    with tenant_scope(shop):
        Account.objects.update(paused_at=now(), pause_code=190)

    assert syncing.accounts() == [(account.tenant_id, account.pk)]


def test_when_meta_is_away_nothing_changes_and_the_task_ends_quietly(account: Account, settings: Settings) -> None:
    factories.template(account.tenant)
    settings.WHATSAPP_API_URL = "http://127.0.0.1:9"

    with pytest.raises(WhatsAppError):
        sync(account)
    tasks.sync_account(tenant_id=account.tenant_id, account_id=account.pk)

    assert stored(account) == {"fruehling": ("APPROVED", "5001")}


def test_a_submitted_draft_waits_for_its_review_under_metas_id(account: Account, meta: Running) -> None:
    template = draft(account)

    submit(template)

    [(status, meta_id)] = stored(account).values()
    assert (status, bool(meta_id)) == ("PENDING", True)
    assert meta.settle()
    sync(account)
    assert stored(account) == {"neu": ("APPROVED", meta_id)}


def test_a_review_that_was_faster_than_the_answer_stays(account: Account) -> None:
    template = draft(account)
    with tenant_scope(account.tenant):
        actions.submit_template(template=template, by=None)
        # The webhook comes before the answer to our own call.
        Template.objects.filter(pk=template.pk).update(status="APPROVED")

    tasks.submit_template(tenant_id=account.tenant_id, template_id=template.pk)

    [(status, meta_id)] = stored(account).values()
    assert (status, bool(meta_id)) == ("APPROVED", True)


def test_what_meta_refuses_is_rejected_with_the_reason_and_its_code(account: Account, meta: Running) -> None:
    meta.add_template(account.waba_id, described("neu"))
    template = draft(account)

    submit(template)

    with tenant_scope(account.tenant):
        template.refresh_from_db()
    assert template.status == "REJECTED"
    assert "(100)" in template.rejected_reason
    assert len(template.rejected_reason) > 20


@pytest.mark.parametrize(
    ("code", "words"), [(190, "Zugriffstoken"), (200, "Berechtigung"), (131042, "Zahlungsart"), (141014, "gesperrt")]
)
def test_a_refusal_of_the_account_rejects_no_template_and_stops_the_account(
    account: Account, meta: Running, code: int, words: str
) -> None:
    meta.configure(calls_refused=code)
    template = draft(account)

    submit(template)

    with tenant_scope(account.tenant):
        template.refresh_from_db()
        account.refresh_from_db()
    assert template.status == "DRAFT"
    assert words in template.rejected_reason
    assert template.rejected_reason.endswith(f"({code})")
    assert account.pause_code == code
    assert account.paused_at

    meta.configure(calls_refused=0)
    submit(template)
    with tenant_scope(account.tenant):
        template.refresh_from_db()
    assert (template.status, template.rejected_reason) == ("PENDING", "")


@pytest.mark.parametrize("is_edit", [False, True])
def test_what_meets_metas_limit_is_submitted_again_later_by_itself(
    account: Account, meta: Running, at_once: None, is_edit: bool
) -> None:
    if is_edit:
        meta.add_template(account.waba_id, described("angebot"), status="REJECTED")
        sync(account)
    template = mend(account) if is_edit else draft(account)
    meta.configure(calls_refused=80008)

    submit(template)
    meta.configure(calls_refused=0)
    # A sync meanwhile does not bring Meta's older text back.
    sync(account)

    with tenant_scope(account.tenant):
        template.refresh_from_db()
    assert (template.status, template.components == BETTER) == ("PENDING", is_edit)
    assert "zu viele Verwaltungsanfragen" in template.rejected_reason
    assert syncing.to_submit() == []

    with tenant_scope(account.tenant):
        Template.objects.update(submit_due_at=now())
    tasks.submit_due()

    with tenant_scope(account.tenant):
        template.refresh_from_db()
        assert Account.objects.get().paused_at is None
    assert (template.status, bool(template.meta_id), template.rejected_reason) == ("PENDING", True, "")


def test_a_refused_sync_stops_the_account_once_and_tells_no_template(account: Account, meta: Running) -> None:
    factories.template(account.tenant)
    meta.configure(calls_refused=190)

    for _ in range(2):
        tasks.sync_account(tenant_id=account.tenant_id, account_id=account.pk)

    assert stored(account) == {"fruehling": ("APPROVED", "5001")}
    with tenant_scope(account.tenant):
        account.refresh_from_db()
        event = AuditEvent.objects.get(verb="account.paused")
    assert (account.pause_code, event.changes) == (190, {"code": 190})
    assert account.paused_at


@pytest.mark.parametrize("code", [4, 80007, 33, 100])
def test_a_sync_that_is_refused_for_another_reason_leaves_the_account_alone(
    account: Account, meta: Running, code: int
) -> None:
    meta.configure(calls_refused=code)

    tasks.sync_account(tenant_id=account.tenant_id, account_id=account.pk)

    with tenant_scope(account.tenant):
        assert Account.objects.get().paused_at is None


@pytest.mark.parametrize(("status", "reason"), [("APPROVED", ""), ("REJECTED", "INVALID_FORMAT")])
def test_a_review_that_was_faster_keeps_its_own_reason(
    account: Account, meta: Running, status: str, reason: str
) -> None:
    meta.add_template(account.waba_id, described("neu"))
    refused, taken = draft(account), draft(account, "anders")
    with tenant_scope(account.tenant):
        for template in (refused, taken):
            actions.submit_template(template=template, by=None)
        # The webhook comes before the answer to our own call, once a refusal (the name is taken), once a yes.
        Template.objects.update(status=status, rejected_reason=reason)

    for template in (refused, taken):
        tasks.submit_template(tenant_id=account.tenant_id, template_id=template.pk)

    with tenant_scope(account.tenant):
        assert {(row.status, row.rejected_reason) for row in Template.objects.all()} == {(status, reason)}


def test_the_reason_of_a_refusal_is_gone_when_meta_approves_after_all(account: Account, meta: Running) -> None:
    meta.add_template(account.waba_id, described("neu"))
    template = draft(account)
    submit(template)

    sync(account)

    with tenant_scope(account.tenant):
        template.refresh_from_db()
    assert (template.status, template.rejected_reason) == ("APPROVED", "")


def test_when_meta_cannot_be_reached_it_is_a_draft_again(account: Account, settings: Settings, meta: Running) -> None:
    template = draft(account)
    settings.WHATSAPP_API_URL = "http://127.0.0.1:9"

    submit(template)
    assert stored(account) == {"neu": ("DRAFT", "")}

    settings.WHATSAPP_API_URL = meta.base_url
    submit(template)
    assert stored(account)["neu"][0] == "PENDING"


def test_only_a_submission_that_meta_never_got_is_repeated(account: Account, meta: Running) -> None:
    long_ago = now() - timedelta(minutes=11)
    lost = factories.template(account.tenant, status="PENDING", meta_id="", updated_at=long_ago)
    factories.template(account.tenant, name="eben", status="PENDING", meta_id="")
    meta.add_template(account.waba_id, described("angekommen"), status="PENDING")
    factories.template(account.tenant, name="angekommen", status="PENDING", meta_id="", updated_at=long_ago)

    sync(account)

    assert syncing.to_submit() == [(account.tenant_id, lost.pk)]


def test_a_template_that_no_worker_was_woken_for_is_found_and_submitted_once(account: Account, shop: Tenant) -> None:
    template = draft(account)
    with tenant_scope(account.tenant):
        actions.submit_template(template=template, by=None)

    assert syncing.to_submit() == [(account.tenant_id, template.pk)]
    # Beat finds it until a worker has taken it, so several may be told of it.
    for _ in range(2):
        tasks.submit_template(tenant_id=account.tenant_id, template_id=template.pk)

    [(status, meta_id)] = stored(account).values()
    assert (status, bool(meta_id)) == ("PENDING", True)
    assert syncing.to_submit() == []


def test_nobody_submits_for_a_blocked_company(account: Account) -> None:
    template = draft(account)
    with tenant_scope(account.tenant):
        actions.submit_template(template=template, by=None)
    Tenant.objects.filter(pk=account.tenant_id).update(is_active=False)

    assert syncing.to_submit() == []


def test_a_sync_leaves_alone_what_still_waits_to_be_submitted(account: Account, meta: Running) -> None:
    meta_id = meta.add_template(account.waba_id, described("angebot"), status="REJECTED")
    sync(account)
    with tenant_scope(account.tenant):
        Template.objects.update(components=BODY * 2)
        for template in (Template.objects.get(), draft(account)):
            actions.submit_template(template=template, by=None)
        # Workers were away for longer than an answer may take.
        Template.objects.update(updated_at=now() - timedelta(hours=1))

    sync(account)

    assert stored(account) == {"angebot": ("PENDING", meta_id), "neu": ("PENDING", "")}
    with tenant_scope(account.tenant):
        assert Template.objects.get(name="angebot").components == BODY * 2


def test_a_rejected_template_is_mended_under_its_old_id(account: Account, meta: Running) -> None:
    meta_id = meta.add_template(account.waba_id, described("angebot"), status="REJECTED")
    sync(account)
    template = mend(account)
    sync(account)
    assert stored(account) == {"angebot": ("DRAFT", meta_id)}

    submit(template)
    assert stored(account) == {"angebot": ("PENDING", meta_id)}
    assert meta.settle()
    sync(account)

    assert stored(account) == {"angebot": ("APPROVED", meta_id)}
    with tenant_scope(account.tenant):
        assert Template.objects.get().components == BETTER


def test_a_deleted_template_is_gone_at_meta_too(account: Account, meta: Running) -> None:
    meta_id = meta.add_template(account.waba_id, described("angebot"))
    job = {"tenant_id": account.tenant_id, "account_id": account.pk, "name": "angebot", "meta_id": meta_id}

    tasks.delete_template(**job)
    tasks.delete_template(**job)

    assert sync(account) == 0
