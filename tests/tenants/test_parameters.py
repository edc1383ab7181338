"""What stands behind the `?` of every list: the parameters that OpenAPI names, and no others."""

import re
from typing import Any

import pytest
from django.test import Client

from contacts.models import Contact
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests import factories
from tests.campaigns.cast import draft
from tests.consent.factories import open_form, published
from tests.contacts.calls import Caller
from tests.tenants.test_rest import assert_problem


@pytest.fixture
def person(bakery: Tenant) -> Contact:
    [person] = factories.contacts(bakery, 1)
    return person


def documented(client: Client) -> dict[str, set[str]]:
    """The names of the query parameters by path, for every read that takes any."""
    paths = client.get("/api/schema/", headers={"Accept": "application/vnd.oai.openapi+json"}).json()["paths"]
    named = {
        path: {each["name"] for each in calls["get"].get("parameters", []) if each["in"] == "query"}
        for path, calls in paths.items()
        if "get" in calls
    }
    return {path: names for path, names in named.items() if names}


def test_every_read_refuses_a_parameter_that_openapi_does_not_name(
    client: Client, alice: Caller, bakery: Tenant, person: Contact
) -> None:
    with tenant_scope(bakery):
        version = published(bakery, covers=[["whatsapp", "marketing"]])
        form = open_form(bakery, version)
    uids = {"contacts": person.uid, "campaigns": draft(bakery, [person]).uid, "wordings": version.wording.uid}
    uids["forms"] = form.uid
    reads = documented(client)
    assert len(reads) >= 13

    known = {}
    for path in reads:
        url = path.removeprefix("/api/v1/")
        body = assert_problem(alice.get(url.replace("{uid}", str(uids.get(url.split("/")[0]))), sate="running"), 400)
        [told] = body["errors"].pop("sate")
        known[path] = set(re.fullmatch(r"Unknown \w+\. Known: (.+)\.", told)[1].split(", "))  # type: ignore[index]

    assert known == reads


@pytest.mark.parametrize("path", ["contacts/", "campaigns/", "numbers/", "segments/", "imports/"])
def test_pages_may_always_be_asked_for(alice: Caller, bakery: Tenant, person: Contact, path: str) -> None:
    assert alice.get(path, page_size=1).status_code == 200


def test_several_unknown_parameters_are_all_named(alice: Caller, bakery: Tenant) -> None:
    body: dict[str, Any] = assert_problem(alice.get("campaigns/", sate="running", stat="x", state="draft"), 400)

    assert set(body["errors"]) == {"sate", "stat"}


def test_what_is_wrong_is_said_in_the_callers_language(bakery: Tenant, bakery_made: Any) -> None:
    headers = {"Authorization": f"Bearer {bakery_made.api_key}", "Accept-Language": "de"}

    told = Client(headers=headers).get("/api/v1/campaigns/?sate=x").json()["errors"]["sate"]

    assert told == ["Unbekannter Parameter. Bekannt: state, cursor, page_size."]
