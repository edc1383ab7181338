"""A draft is submitted once and keeps Meta's word; what Meta could not take is submitted again, never lost."""

from datetime import timedelta

import pytest
from django.utils.timezone import now
from pytest_django import Settings

from tenants.models import AuditEvent, Tenant
from tenants.scope import tenant_scope
from tests import factories
from tests.whatsapp.templates.cast import BETTER, BODY, described, draft, mend, stored, submit, sync
from whatsapp import actions, syncing, tasks
from whatsapp.emulator import Running
from whatsapp.models import Account, Template


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
    ("code", "words", "stops"),
    [
        (190, "Zugriffstoken", True),
        (131042, "Zahlungsart", True),
        (141014, "gesperrt", True),
        # Who may not manage templates may still send.
        (200, "Berechtigung", False),
        (10, "Berechtigung", False),
    ],
)
def test_a_refusal_of_the_account_rejects_no_template_and_stops_the_account(
    account: Account, meta: Running, code: int, words: str, stops: bool
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
    assert (account.pause_code, bool(account.paused_at)) == (code if stops else None, stops)

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
