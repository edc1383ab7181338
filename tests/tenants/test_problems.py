"""What cannot be read, or is too large, is a problem that names the remedy, with and without an Idempotency-Key."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from contacts.models import Contact, Import
from tenants.actions import NewTenant
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.consent.test_imports_api import uploaded
from tests.tenants.test_rest import assert_problem

Post = Callable[..., Any]
BULK = "/api/v1/contacts/bulk/"
IMPORTS = "/api/v1/imports/"
MB = 1024 * 1024


@pytest.fixture(params=[{}, {"Idempotency-Key": "k1"}], ids=["without a key", "with a key"])
def client(request: pytest.FixtureRequest, bakery_made: NewTenant) -> Client:
    """The bakery's program, which sends an Idempotency-Key or does not."""
    return Client(headers={"Authorization": f"Bearer {bakery_made.api_key}", "Accept-Language": "en", **request.param})


@pytest.fixture
def small(settings: Settings) -> None:
    """Bodies of one megabyte at most."""
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = MB


def of_size(size: int) -> str:
    """A body of contacts that has this many bytes."""
    start, end = '{"contacts": [{"phone": "+49 151 23456780", "last_name": "Kurz"', "}]}"
    return start + " " * (size - len(start) - len(end)) + end


@pytest.mark.usefixtures("small")
def test_a_body_over_the_limit_is_told_the_limit_and_the_remedy(client: Client, bakery: Tenant) -> None:
    body = assert_problem(client.post(BULK, of_size(MB + 1), "application/json"), 413)

    assert body["title"] == "too_large"
    assert "larger than 1 MB" in body["detail"]
    assert "several requests" in body["detail"]
    with tenant_scope(bakery):
        assert not Contact.objects.exists()


@pytest.mark.usefixtures("small")
def test_a_body_of_just_the_limit_is_taken(client: Client, bakery: Tenant) -> None:
    assert client.post(BULK, of_size(MB), "application/json").status_code == 200
    with tenant_scope(bakery):
        assert Contact.objects.count() == 1


@pytest.mark.usefixtures("small")
def test_the_limit_of_a_body_is_none_of_a_file(client: Client, bakery: Tenant) -> None:
    assert uploaded(client, "Handy\n" + "0151 23456780\n" * (MB // 10)).status_code == 201


def test_a_form_without_its_file_is_told_so(client: Client, bakery: Tenant) -> None:
    body = assert_problem(client.post(IMPORTS, {"dry_run": "true"}), 400)

    assert set(body["errors"]) == {"file"}
    with tenant_scope(bakery):
        assert not Import.objects.exists()


@pytest.mark.parametrize(
    "form", [b"", b"no form", b'--x\r\nContent-Disposition: form-data; name="dry_run"\r\n\r\ntrue\r\n']
)
def test_a_form_that_cannot_be_read_is_a_problem(client: Client, form: bytes) -> None:
    assert_problem(client.post(IMPORTS, form, "multipart/form-data; boundary=x"), 400)
    assert_problem(client.post(IMPORTS, form, "multipart/form-data"), 400)


def test_a_form_with_too_many_fields_is_a_problem(client: Client, settings: Settings) -> None:
    settings.DATA_UPLOAD_MAX_NUMBER_FIELDS = 10

    body = assert_problem(client.post(IMPORTS, {"tags": ["x"] * 11}), 400)

    assert "how many fields" in body["detail"]


@pytest.mark.usefixtures("small")
def test_a_field_over_the_limit_of_a_body_is_a_problem(client: Client) -> None:
    assert_problem(client.post(IMPORTS, {"mapping": "x" * (MB + 1)}), 413)


@pytest.mark.parametrize("sent", ["[" * 100_000, '{"mapping": NaN}', "{"])
def test_a_mapping_is_read_as_strictly_as_any_other_body(client: Client, bakery: Tenant, sent: str) -> None:
    uid = uploaded(client, "Handy\n0151 23456780\n").json()["uid"]

    assert_problem(client.patch(f"{IMPORTS}{uid}/mapping/", sent, "application/json"), 400)


def test_a_foreign_host_is_a_problem_for_the_api_and_a_page_elsewhere(client: Client) -> None:
    body = assert_problem(client.get("/api/v1/campaigns/", headers={"Host": "elsewhere.example"}), 400)

    assert "elsewhere" not in str(body)
    page = client.get("/accounts/login/", headers={"Host": "elsewhere.example"})
    assert (page.status_code, page["Content-Type"].split(";")[0]) == (400, "text/html")
