"""Templates are drafted, checked and submitted; what is on its way to Meta cannot be changed any more."""

from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db.models import ProtectedError
from django.utils import translation

from messaging.models import Content
from tenants.models import AuditEvent, Tenant
from tenants.scope import tenant_scope
from tests import factories
from whatsapp import actions
from whatsapp.models import Account, Template


@pytest.fixture
def account(in_bakery: Tenant) -> Account:
    return factories.number(in_bakery).account


def save(account: Account, template: Template | None = None, **changes: Any) -> Template:
    values = {
        "name": "fruehling",
        "language": "de",
        "category": "MARKETING",
        "components": factories.MARKETING_COMPONENTS,
        **changes,
    }
    return actions.save_template(tenant=account.tenant, account=account, template=template, by=None, **values)


def test_a_new_template_is_a_draft(account: Account) -> None:
    template = save(account)

    assert (template.status, template.meta_id) == ("DRAFT", "")
    assert AuditEvent.objects.filter(verb="template.saved").count() == 1


def test_a_name_is_taken_once_per_language(account: Account) -> None:
    save(account)

    with pytest.raises(ValidationError) as refused:
        save(account)
    assert set(refused.value.message_dict) == {"name"}
    assert save(account, language="en").pk


@pytest.mark.parametrize("status", sorted(set(Template.Status.values) - {"DRAFT", "REJECTED"}))
def test_what_meta_has_seen_is_neither_changed_nor_submitted(account: Account, status: str) -> None:
    template = factories.template(account.tenant, status=status)

    with pytest.raises(ValidationError):
        save(account, template, components=[])
    with pytest.raises(ValidationError):
        actions.submit_template(template=template, by=None)
    template.refresh_from_db()
    assert (template.status, template.components) == (status, factories.MARKETING_COMPONENTS)


def test_a_rejected_one_keeps_the_name_that_meta_knows(account: Account) -> None:
    template = factories.template(account.tenant, status="REJECTED")

    with pytest.raises(ValidationError):
        save(account, template, name="sommer")
    assert save(account, template).status == "DRAFT"


def test_two_people_who_submit_at_once_submit_once(account: Account) -> None:
    template = save(account)
    same = Template.objects.get(pk=template.pk)

    actions.submit_template(template=template, by=None)
    with pytest.raises(ValidationError):
        actions.submit_template(template=same, by=None)

    assert Template.objects.get().status == "PENDING"
    assert AuditEvent.objects.filter(verb="template.submitted").count() == 1


def test_everything_meta_would_reject_is_told_in_the_users_language(account: Account) -> None:
    faulty = [{"type": "BODY", "text": "{{1}} {{3}}"}, {"type": "FOOTER", "text": "x" * 61}]
    template = save(account, components=faulty)
    told: dict[str, dict[str, list[str]]] = {}
    for language in ("de", "en"):
        with translation.override(language), pytest.raises(ValidationError) as refused:
            actions.submit_template(template=template, by=None)
        told[language] = refused.value.message_dict

    problems = actions.problems_of(template)
    assert sum(len(texts) for texts in told["de"].values()) == len(problems) > 2
    assert {text for texts in told["en"].values() for text in texts} == {p.message_en for p in problems}
    assert set(told["de"]) == set(told["en"])
    assert Template.objects.get().status == "DRAFT"


def test_a_draft_is_deleted_and_one_in_use_is_kept(account: Account) -> None:
    actions.delete_template(template=save(account), by=None)
    assert not Template.objects.exists()

    used = factories.template(account.tenant)
    factories.source(account.numbers.get(), [], made_template=used)  # type: ignore[attr-defined]
    assert Content.objects.exists()
    with pytest.raises(ProtectedError):
        actions.delete_template(template=used, by=None)


def test_an_account_of_the_shop_is_not_the_bakerys(account: Account, shop: Tenant) -> None:
    factories.number(shop)

    with tenant_scope(shop):
        assert shop.accounts.count() == 1  # type: ignore[attr-defined]
        assert not Account.objects.filter(pk=account.pk).exists()
