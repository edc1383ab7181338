"""The house rules of the REST API: who may call, how errors and pages look, and that a repeated POST is done once."""

import base64
import threading
from datetime import timedelta
from typing import Any

import pytest
import redis
from django.http import HttpRequest
from django.test import Client
from django.urls import path
from django.utils.timezone import now
from pytest_django import Settings

from campaigns.models import Campaign
from config.urls import handler500
from config.urls import urlpatterns as real_urls
from tenants import actions
from tenants.actions import NewTenant
from tenants.models import ApiKey, AuditEvent, IdempotencyKey, Tenant
from tenants.scope import tenant_scope
from tests.campaigns.test_freezing import at_once
from tests.contacts.calls import Caller


def broken(request: HttpRequest) -> None:
    raise RuntimeError("the secret of the bakery")


# For the tests marked with these urls: the real ones, and one that fails.
urlpatterns = [path("api/v1/broken/", broken), path("broken/", broken), *real_urls]
__all__ = ["handler500", "urlpatterns"]


@pytest.fixture
def api(bakery_made: NewTenant) -> Caller:
    return Caller(bakery_made.api_key)


def key_with(tenant: Tenant, *scopes: str) -> Caller:
    with tenant_scope(tenant):
        return Caller(actions.issue_key(tenant=tenant, name="Test", scopes=list(scopes), by=None)[1])


def campaigns(tenant: Tenant) -> list[str]:
    with tenant_scope(tenant):
        return list(Campaign.objects.filter(tenant=tenant).order_by("id").values_list("name", flat=True))


def assert_problem(answer: Any, status: int) -> dict[str, Any]:
    """The answer is a problem of this status that names its request; returns its body."""
    assert answer.status_code == status
    assert answer["Content-Type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert set(body) == {"type", "title", "status", "detail", "errors", "request_id"}
    assert body["status"] == status
    assert body["request_id"] == answer["X-Request-Id"]
    assert body["detail"]
    return body


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Bearer nonsense",
        "Bearer zu_00000000_nonsense",
        "Bearer zu__",
        "Basic YTpi",
        "Bearer ä_ö_ü",
    ],
)
def test_without_a_valid_key_nobody_comes_in(client: Client, bakery: Tenant, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header}

    answer = client.get("/api/v1/campaigns/", headers=headers)

    body = assert_problem(answer, 401)
    assert body["errors"] == {}
    assert answer["WWW-Authenticate"].startswith("Bearer")


def test_a_wrong_secret_behind_a_known_prefix_is_refused(bakery_made: NewTenant) -> None:
    assert_problem(Caller(bakery_made.api_key[:-1] + "!").get("campaigns/"), 401)


@pytest.mark.parametrize("change", [{"expires_at": -1}, {"revoked_at": -1}])
def test_an_expired_or_revoked_key_is_refused(api: Caller, bakery: Tenant, change: dict[str, int]) -> None:
    with tenant_scope(bakery):
        ApiKey.objects.update(**{field: now() + timedelta(minutes=minutes) for field, minutes in change.items()})

    assert_problem(api.get("campaigns/"), 401)


def test_a_key_of_a_blocked_company_is_refused(api: Caller, bakery: Tenant) -> None:
    Tenant.objects.filter(pk=bakery.pk).update(is_active=False)

    assert_problem(api.get("campaigns/"), 401)


def test_a_session_alone_opens_no_api(client: Client, bakery_made: NewTenant) -> None:
    client.force_login(bakery_made.owner)

    assert_problem(client.get("/api/v1/campaigns/"), 401)


def test_a_missing_scope_is_named(bakery: Tenant) -> None:
    reader = key_with(bakery, "campaigns:read")

    assert reader.get("campaigns/").status_code == 200
    body = assert_problem(reader.post("campaigns/", {"name": "x"}), 403)
    assert "campaigns:write" in body["detail"]
    assert campaigns(bakery) == []
    assert_problem(reader.get("templates/"), 403)


def test_unknown_fields_are_refused_by_name(api: Caller, bakery: Tenant) -> None:
    body = assert_problem(api.post("campaigns/", {"name": "x", "nmae": "y", "sate": 1}), 400)

    assert set(body["errors"]) == {"nmae", "sate"}
    assert campaigns(bakery) == []


@pytest.mark.parametrize("sent", ["{", "", "[1, 2]", '"x"', "null", '{"name": NaN}', "[" * 5000])
def test_a_body_that_is_no_object_is_refused(api: Caller, bakery: Tenant, sent: str) -> None:
    assert_problem(api.post("campaigns/", sent), 400)
    assert campaigns(bakery) == []


def test_a_wrong_method_and_a_wrong_content_type_are_problems_too(bakery_made: NewTenant) -> None:
    client = Client(headers={"Authorization": f"Bearer {bakery_made.api_key}"})

    assert_problem(client.put("/api/v1/campaigns/", {}, content_type="application/json"), 405)
    assert_problem(client.post("/api/v1/campaigns/", "name=x", content_type="text/plain"), 415)


def test_what_does_not_exist_is_a_problem(api: Caller) -> None:
    body = assert_problem(api.get("campaigns/3f2b1c9e-8d21-4a6b-9c55-1f0a3b7d9e10/"), 404)

    assert (body["title"], body["errors"]) == ("not_found", {})


@pytest.mark.parametrize("unknown", ["", "nothing/", "campaigns/x/y/", "campaigns/1/", "../v1/nothing", "käse/"])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_a_path_that_does_not_exist_is_a_problem_for_any_method_and_caller(
    bakery_made: NewTenant, method: str, unknown: str
) -> None:
    for headers in ({}, {"Authorization": f"Bearer {bakery_made.api_key}"}):
        client = Client(enforce_csrf_checks=True, headers=headers)

        body = assert_problem(client.generic(method, f"/api/v1/{unknown}"), 404)

        assert (body["type"], body["title"], body["errors"]) == ("urn:zusage:problem:not_found", "not_found", {})


def test_a_read_without_its_last_slash_is_sent_on_and_a_change_is_refused(api: Caller, bakery: Tenant) -> None:
    answer = api.get("campaigns", page_size=2)

    assert (answer.status_code, answer["Location"]) == (301, "/api/v1/campaigns/?page_size=2")
    assert_problem(api.get("campaign"), 404)
    assert_problem(api.post("campaigns", {"name": "x"}), 404)


@pytest.mark.urls(__name__)
def test_a_fault_of_ours_is_a_problem_that_tells_nothing_of_it() -> None:
    client = Client(raise_request_exception=False)

    body = assert_problem(client.post("/api/v1/broken/"), 500)

    assert (body["type"], body["title"], body["errors"]) == ("urn:zusage:problem:error", "error", {})
    assert "secret" not in str(body)
    assert "RuntimeError" not in str(body)
    assert client.get("/broken/")["Content-Type"].startswith("text/html")


def test_an_error_rolls_everything_back(api: Caller, bakery: Tenant) -> None:
    wrong = {"include": {"lists": ["3f2b1c9e-8d21-4a6b-9c55-1f0a3b7d9e10"]}}

    assert_problem(api.post("campaigns/", {"name": "Halb", "audience": wrong}), 400)

    assert campaigns(bakery) == []
    with tenant_scope(bakery):
        assert not AuditEvent.objects.filter(verb="campaign.created").exists()


def test_a_change_names_the_key_in_the_trail(api: Caller, bakery: Tenant) -> None:
    api.post("campaigns/", {"name": "x"})

    with tenant_scope(bakery):
        assert AuditEvent.objects.get(verb="campaign.created").api_key == ApiKey.objects.get()


def test_a_repeated_post_gives_the_same_answer_and_is_done_once(api: Caller, bakery: Tenant) -> None:
    answers = [api.post("campaigns/", {"name": "Einmal"}, **{"Idempotency-Key": "k1"}) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [201] * 3
    assert answers[0].json() == answers[1].json() == answers[2].json()
    assert campaigns(bakery) == ["Einmal"]


def test_the_same_key_for_another_request_is_refused(api: Caller, bakery: Tenant) -> None:
    api.post("campaigns/", {"name": "Einmal"}, **{"Idempotency-Key": "k1"})

    assert_problem(api.post("campaigns/", {"name": "Anders"}, **{"Idempotency-Key": "k1"}), 422)
    assert_problem(api.post("lists/", {"name": "Einmal"}, **{"Idempotency-Key": "k1"}), 422)
    assert campaigns(bakery) == ["Einmal"]


def test_a_refused_post_may_be_mended_under_the_same_key(api: Caller, bakery: Tenant) -> None:
    assert api.post("campaigns/", {"nmae": "x"}, **{"Idempotency-Key": "k1"}).status_code == 400
    assert api.post("campaigns/", {"name": "x"}, **{"Idempotency-Key": "k1"}).status_code == 201


def test_two_companies_may_use_the_same_key(api: Caller, bakery: Tenant, shop_made: NewTenant) -> None:
    carol = Caller(shop_made.api_key)

    for caller in (api, carol):
        assert caller.post("campaigns/", {"name": "x"}, **{"Idempotency-Key": "k1"}).status_code == 201
    assert (campaigns(bakery), campaigns(shop_made.tenant)) == (["x"], ["x"])


def test_a_stored_answer_goes_to_no_other_key_of_the_company(api: Caller, bakery: Tenant) -> None:
    stranger = key_with(bakery, "contacts:read")
    made = api.post("campaigns/", {"name": "Geheim"}, **{"Idempotency-Key": "k1"}).json()

    answer = stranger.post("campaigns/", {"name": "Geheim"}, **{"Idempotency-Key": "k1"})

    assert answer.status_code == 422
    assert made["uid"] not in answer.content.decode()


@pytest.mark.django_db(transaction=True)
def test_two_equal_posts_at_the_same_moment_are_done_once(bakery_made: NewTenant) -> None:
    def post() -> str:
        answer = Caller(bakery_made.api_key).post("campaigns/", {"name": "Einmal"}, **{"Idempotency-Key": "k1"})
        return str(answer.json()["uid"])

    answers = at_once(4, post)

    assert len(set(answers)) == 1
    assert campaigns(bakery_made.tenant) == ["Einmal"]
    with tenant_scope(bakery_made.tenant):
        assert IdempotencyKey.objects.count() == 1


def test_who_calls_too_often_waits_as_long_as_it_is_told(api: Caller, settings: Settings, shop_made: NewTenant) -> None:
    settings.API_REQUESTS_PER_MINUTE = 3

    # Nine calls do not fit into two of the one-minute windows, should one end meanwhile.
    answers = [api.get("campaigns/") for _ in range(9)]

    assert answers[0].status_code == 200
    refused = next(answer for answer in answers if answer.status_code != 200)
    assert_problem(refused, 429)
    assert 1 <= int(refused["Retry-After"]) <= 60
    assert Caller(shop_made.api_key).get("campaigns/").status_code == 200


def test_a_counter_that_is_emptied_meanwhile_lets_the_call_through(api: Caller, settings: Settings) -> None:
    is_over = threading.Event()

    def keep_emptying() -> None:
        counters = redis.Redis.from_url(settings.REDIS_URL)
        while not is_over.is_set():
            counters.flushdb()

    emptier = threading.Thread(target=keep_emptying)
    emptier.start()
    try:
        answers = [api.get("numbers/").status_code for _ in range(100)]
    finally:
        is_over.set()
        emptier.join()

    assert set(answers) == {200}


def test_pages_follow_each_other_without_gap_or_repetition(api: Caller, bakery: Tenant) -> None:
    for number in range(5):
        api.post("campaigns/", {"name": str(number)})

    page = api.get("campaigns/", page_size=2).json()
    seen = [row["name"] for row in page["results"]]
    api.post("campaigns/", {"name": "neu"})
    while page["next"]:
        page = api.get(page["next"]).json()
        seen += [row["name"] for row in page["results"]]

    assert set(page) == {"next", "results"}
    assert seen == ["4", "3", "2", "1", "0"]


@pytest.mark.parametrize("query", [{"page_size": 100000}, {"page_size": "x"}, {"page_size": -1}])
def test_an_absurd_page_size_gives_a_page(api: Caller, bakery: Tenant, query: dict[str, Any]) -> None:
    assert api.get("campaigns/", **query).status_code == 200


@pytest.mark.parametrize("position", ["p=abc", "p=-1", "p=1e5", "p=%00", "o=x"])
def test_an_invented_cursor_is_a_problem(api: Caller, bakery: Tenant, position: str) -> None:
    cursor = base64.b64encode(position.encode()).decode()

    assert_problem(api.get("campaigns/", cursor=cursor), 404)


def test_a_filter_value_that_does_not_exist_is_named(api: Caller, bakery: Tenant) -> None:
    body = assert_problem(api.get("campaigns/", state="flying"), 400)

    assert set(body["errors"]) == {"state"}


def test_errors_speak_the_callers_language(bakery_made: NewTenant) -> None:
    def detail(language: str) -> str:
        headers = {"Authorization": f"Bearer {bakery_made.api_key}", "Accept-Language": language}
        answer = Client(headers=headers).post("/api/v1/campaigns/", {}, content_type="application/json")
        return str(answer.json()["errors"]["name"][0])

    assert (detail("de"), detail("en")) == ("Dieses Feld ist erforderlich.", "This field is required.")
