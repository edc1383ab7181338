"""The web process without Redis: it answers soon, loses nothing, and reports nothing as failed that was committed."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from campaigns import finishing, freezing
from consent import importing
from contacts.models import Contact
from tenants.actions import NewTenant
from tenants.scope import tenant_scope
from tests import factories
from tests.campaigns.cast import draft, states
from tests.conftest import PASSWORD
from tests.inbox.test_faults import database_url
from whatsapp import syncing
from whatsapp.models import Template

pytestmark = pytest.mark.django_db(transaction=True)
# How long a caller waits. Redis is given a second, so on any machine there is time enough; whoever waits for it as long
# as its library lets it (`tests.reliability.patient`) takes ten minutes.
SOON_S = 30


@contextmanager
def absent() -> Iterator[str]:
    """The address of a Redis that is not there."""
    yield "redis://127.0.0.1:1/0"


@contextmanager
def silent() -> Iterator[str]:
    """The address of a Redis that takes connections and says nothing, as one that was stopped does."""
    with socket.create_server(("127.0.0.1", 0), backlog=100) as listener:
        yield f"redis://127.0.0.1:{listener.getsockname()[1]}/0"


@pytest.fixture(scope="module", params=[absent, silent], ids=lambda kind: kind.__name__)
def address(request: pytest.FixtureRequest, django_db_setup: None) -> Iterator[str]:
    """Where gunicorn answers, started much as `make run` does, with the test's database and such a Redis."""
    with request.param() as redis_url, socket.create_server(("127.0.0.1", 0)) as listener:
        environment = {"DATABASE_URL": database_url(), "REDIS_URL": redis_url, "API_REQUESTS_PER_MINUTE": "20"}
        arguments = f"--bind fd://{listener.fileno()} --worker-class gthread --threads 4 --no-control-socket"
        process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "tests.reliability.patient", *arguments.split()],
            env=os.environ | environment,
            pass_fds=[listener.fileno()],
        )
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        process.terminate()
        process.wait()


@pytest.fixture
def web(address: str, db: None) -> Iterator[httpx.Client]:
    """A browser, once gunicorn serves."""
    with httpx.Client(base_url=address, timeout=60) as client:
        assert client.get("/healthz").status_code == 200
        yield client


@pytest.fixture
def program(web: httpx.Client, bakery_made: NewTenant) -> httpx.Client:
    """The bakery's program at the API."""
    web.headers["Authorization"] = f"Bearer {bakery_made.api_key}"
    web.base_url = web.base_url.join("/api/v1/")
    return web


def soon(web: httpx.Client, method: str, path: str, **sent: object) -> httpx.Response:
    """The answer, from a caller who does not wait for long; raises httpx.ReadTimeout."""
    return web.request(method, path, timeout=SOON_S, **sent)  # type: ignore[arg-type]


def test_a_launched_campaign_says_so_and_is_frozen_without_a_bell(
    program: httpx.Client, bakery_made: NewTenant
) -> None:
    campaign = draft(bakery_made.tenant, factories.contacts(bakery_made.tenant, 2))

    for _ in range(2):
        launched = soon(program, "POST", f"campaigns/{campaign.uid}/launch/")
        assert (launched.status_code, launched.json()["state"]) == (200, "running")

    for found in finishing.unfrozen():
        freezing.freeze(*found)
    assert states(campaign) == {"QUEUED": 2}
    for verb, state in (("pause", "paused"), ("resume", "running")):
        assert soon(program, "POST", f"campaigns/{campaign.uid}/{verb}/").json()["state"] == state


def test_an_upload_becomes_one_import_which_is_done_without_a_bell(
    program: httpx.Client, bakery_made: NewTenant
) -> None:
    upload = {"file": ("kunden.csv", b"Handy\n0151 23456780\n")}

    assert soon(program, "POST", "imports/", files=upload).status_code == 201

    [found] = importing.due()
    importing.run(*found)
    with tenant_scope(bakery_made.tenant):
        assert Contact.objects.get().phone == "+4915123456780"


def test_a_template_is_handed_in_and_waits_for_a_worker(program: httpx.Client, bakery_made: NewTenant) -> None:
    factories.number(bakery_made.tenant)
    template = factories.template(bakery_made.tenant, status=Template.Status.DRAFT, meta_id="")

    answer = soon(program, "POST", f"templates/{template.uid}/submit/")

    assert (answer.status_code, answer.json()["status"]) == (202, "PENDING")
    assert syncing.to_submit() == [(template.tenant_id, template.pk)]
    assert soon(program, "POST", "templates/sync/").status_code == 202


def test_who_calls_too_often_still_waits(program: httpx.Client) -> None:
    # 41 calls do not fit into two of the one-minute windows, should one end meanwhile.
    answers = [soon(program, "GET", "campaigns/").status_code for _ in range(41)]

    assert answers[0] == 200
    assert 429 in answers


def test_a_person_logs_in_but_guesses_no_passwords(web: httpx.Client, bakery_made: NewTenant) -> None:
    def log_in(password: str) -> httpx.Response:
        web.get("/accounts/login/")
        form = {"login": "alice@example.com", "password": password, "csrfmiddlewaretoken": web.cookies["csrftoken"]}
        return soon(web, "POST", "/accounts/login/", data=form)

    assert log_in(PASSWORD).status_code == 302
    assert "Bäckerei Sonne" in soon(web, "GET", "/bakery/").text
    web.cookies.clear()
    for _ in range(6):
        assert log_in("wrong").status_code == 200
    # The right one does not help any more either.
    assert log_in(PASSWORD).status_code == 200


def test_readiness_names_what_is_missing(web: httpx.Client) -> None:
    answer = soon(web, "GET", "/readyz")

    # Pages and opt-outs go on without Redis, so no load balancer may take this host away. A deploy asks strictly.
    assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
    assert answer.json()["checks"]["database"]
    assert answer.json()["reasons"].keys() == {"redis", "beat", "workers"}
    assert soon(web, "GET", "/readyz?strict=1").status_code == 503
