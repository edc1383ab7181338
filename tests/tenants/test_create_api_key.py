"""An operator issues API keys with just the scopes a program needs; each is shown once."""

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import translation
from django.utils.timezone import now

from tenants.models import ApiKey, AuditEvent, Tenant
from tenants.roles import EVERYTHING
from tenants.scope import tenant_scope
from tests.contacts.calls import Caller


def issued(*arguments: str, tenant: str = "bakery", name: str = "Shop") -> dict[str, Any]:
    """What the command prints."""
    out = StringIO()
    call_command("create_api_key", "--tenant", tenant, "--name", name, *arguments, stdout=out)
    shown: dict[str, Any] = json.loads(out.getvalue())
    return shown


def keys(tenant: Tenant) -> list[str]:
    with tenant_scope(tenant):
        return list(ApiKey.objects.order_by("id").values_list("name", flat=True))


def test_a_key_may_do_what_its_scopes_say_and_nothing_else(bakery: Tenant) -> None:
    shown = issued("--scope", "contacts:read", "--scope", "templates:read")

    assert set(shown) == {"tenant", "name", "scopes", "expires_at", "api_key"}
    assert (shown["tenant"], shown["name"]) == ("bakery", "Shop")
    assert shown["scopes"] == ["contacts:read", "templates:read"]
    shop = Caller(shown["api_key"])
    assert [shop.get(path).status_code for path in ("contacts/", "templates/", "campaigns/")] == [200, 200, 403]
    assert shop.post("contacts/", {"phone": "0151 23456780"}).status_code == 403
    with tenant_scope(bakery):
        assert AuditEvent.objects.filter(verb="api_key.issued", object_name__startswith="Shop").exists()


def test_without_scopes_it_may_do_everything_and_never_ends(bakery: Tenant) -> None:
    shown = issued(tenant=str(bakery.uid))

    assert (shown["scopes"], shown["expires_at"]) == (["*"], None)
    assert Caller(shown["api_key"]).post("campaigns/", {"name": "x"}).status_code == 201


def test_a_key_ends_when_its_days_are_over(bakery: Tenant) -> None:
    api_key = issued("--expires-days", "30")["api_key"]
    with tenant_scope(bakery):
        ends = ApiKey.objects.get(name="Shop").expires_at
        assert ends is not None
        assert timedelta(days=29) < ends - now() <= timedelta(days=30)
    assert Caller(api_key).get("campaigns/").status_code == 200

    with tenant_scope(bakery):
        ApiKey.objects.filter(name="Shop").update(expires_at=now())

    assert Caller(api_key).get("campaigns/").status_code == 401


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--scope", "contacts:read", "--scope", "contact:write"], ["contact:write", *sorted(EVERYTHING)]),
        (["--scope", ""], ["contacts:read"]),
        (["--expires-days", "0"], ["future"]),
        (["--expires-days", "9999999"], ["too large"]),
        (["--expires-days", "9999999999"], ["too large"]),
        (["--name", "x" * 101], ["100"]),
        (["--name", ""], ["blank"]),
        (["--tenant", "nobody"], ["nobody", "create_tenant"]),
    ],
)
def test_what_cannot_be_issued_is_told_with_the_remedy_and_makes_no_key(
    bakery: Tenant, arguments: list[str], told: list[str]
) -> None:
    with translation.override("en"), pytest.raises(CommandError) as refused:
        issued(*arguments)

    assert all(word in str(refused.value) for word in told)
    assert keys(bakery) == ["Full access"]
