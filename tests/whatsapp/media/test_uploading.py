"""A file waits until Meta takes it, goes there once, and fails only for what Meta says about the file itself."""

import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from django.db import connection
from django.utils.timezone import now
from pytest_django import Settings

from tenants.actions import NewTenant
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests import factories
from tests.contacts.calls import Caller
from tests.whatsapp.media.cast import PNG, files_at, only, post, work
from whatsapp import actions, tasks, uploading
from whatsapp.emulator import Running
from whatsapp.models import Media, Number


def upload(media: Media) -> None:
    tasks.upload_media(tenant_id=media.tenant_id, media_id=media.pk)


def wait_over(tenant: Tenant) -> None:
    """Let the next attempt of what waits be due."""
    with tenant_scope(tenant):
        Media.objects.filter(upload_due_at__isnull=False).update(upload_due_at=now())


@pytest.mark.parametrize(
    ("code", "stops"), [(190, True), (131031, True), (368, True), (10, False), (613, False), (80008, False)]
)
def test_what_meta_says_about_the_account_or_its_limits_is_no_refusal_of_the_file(
    bakery_made: NewTenant, alice: Caller, number: Number, meta: Running, code: int, stops: bool
) -> None:
    uid = post(bakery_made.api_key, PNG).json()["uid"]
    meta.configure(calls_refused=code)

    work(number.tenant)

    told = alice.get(f"media/{uid}/").json()
    assert (told["state"], told["error"]) == ("uploading", "")
    account = only(number.tenant).number.account
    assert (account.pause_code, bool(account.paused_at)) == (code if stops else None, stops)
    wait_over(number.tenant)
    assert bool(uploading.due()) is not stops

    meta.configure(calls_refused=0)
    with tenant_scope(number.tenant):
        actions.resume_account(account=account, by=None)
    work(number.tenant)
    assert alice.get(f"media/{uid}/").json()["state"] == "ready"


def test_metas_limit_is_waited_for_as_long_as_it_says(bakery_made: NewTenant, number: Number, meta: Running) -> None:
    post(bakery_made.api_key, PNG)
    meta.configure(calls_refused=613)

    work(number.tenant)

    due_at = only(number.tenant).upload_due_at
    assert due_at is not None
    assert due_at > now() + timedelta(minutes=59)


def test_what_meta_cannot_read_is_tried_once_more_then_told_and_can_be_handed_in_again(
    bakery_made: NewTenant, alice: Caller, number: Number, kept_in: Path
) -> None:
    uid = post(bakery_made.api_key, PNG).json()["uid"]
    (path,) = (kept_in / "media" / str(number.tenant_id)).iterdir()
    path.write_bytes(b"scrambled on the way")
    work(number.tenant)
    assert alice.get(f"media/{uid}/").json()["state"] == "uploading"
    wait_over(number.tenant)
    work(number.tenant)
    told = alice.get(f"media/{uid}/").json()
    assert told["state"] == "failed"
    assert "(131053)" in told["error"]
    assert uploading.due() == []

    path.write_bytes(PNG)
    told = post(bakery_made.api_key, PNG).json()
    assert (told["state"], told["error"]) == ("uploading", "")
    work(number.tenant)

    assert alice.get(f"media/{uid}/").json()["state"] == "ready"


def test_what_meta_reads_at_the_second_attempt_is_ready(
    bakery_made: NewTenant, alice: Caller, number: Number, meta: Running
) -> None:
    uid = post(bakery_made.api_key, PNG).json()["uid"]
    # Earlier attempts that met something else do not count.
    for code in (80008, 131053):
        meta.configure(calls_refused=code)
        wait_over(number.tenant)
        work(number.tenant)

    meta.configure(calls_refused=0)
    wait_over(number.tenant)
    work(number.tenant)

    told = alice.get(f"media/{uid}/").json()
    assert (told["state"], told["error"]) == ("ready", "")


def test_a_refused_input_is_told_at_once(bakery_made: NewTenant, alice: Caller, number: Number, meta: Running) -> None:
    uid = post(bakery_made.api_key, PNG).json()["uid"]
    meta.configure(calls_refused=100)

    work(number.tenant)

    told = alice.get(f"media/{uid}/").json()
    assert (told["state"], told["error"][-5:]) == ("failed", "(100)")
    assert uploading.due() == []


def test_while_meta_is_away_the_file_waits_longer_each_time(
    bakery_made: NewTenant, alice: Caller, number: Number, settings: Settings, meta: Running
) -> None:
    uid = post(bakery_made.api_key, PNG).json()["uid"]
    settings.WHATSAPP_API_URL = "http://127.0.0.1:9"
    pauses = []
    for _ in range(8):
        wait_over(number.tenant)
        work(number.tenant)
        assert uploading.due() == []
        due_at = only(number.tenant).upload_due_at
        assert due_at is not None
        pauses.append(round((due_at - now()).total_seconds() / 60))
    assert pauses == [1, 2, 4, 8, 16, 30, 30, 30]
    assert alice.get(f"media/{uid}/").json()["state"] == "uploading"

    wait_over(number.tenant)
    settings.WHATSAPP_API_URL = meta.base_url
    work(number.tenant)

    assert alice.get(f"media/{uid}/").json()["state"] == "ready"
    assert only(number.tenant).upload_tries == 0


def test_who_waits_longest_comes_first_however_many_files_another_hands_in(
    bakery: Tenant, shop: Tenant, number: Number
) -> None:
    theirs = factories.number(shop, phone_number_id="888")
    for place, much, minutes in ((number, 150, 1), (theirs, 1, 2)):
        due_at = now() - timedelta(minutes=minutes)
        with tenant_scope(place.tenant):
            Media.objects.bulk_create(
                Media(tenant=place.tenant, number=place, sha256=str(n), mime_type="image/png", upload_due_at=due_at)
                for n in range(much)
            )

    handed_out = uploading.due()

    assert len(handed_out) == 100
    assert handed_out[0][0] == shop.pk


class SlowMeta:
    """Takes a file and thinks until it may answer; counts what it got."""

    def __init__(self) -> None:
        self.asked, self.may_answer, self.files = threading.Event(), threading.Event(), 0


@pytest.fixture
def slow(settings: Settings) -> Iterator[SlowMeta]:
    meta = SlowMeta()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            meta.files += 1
            content = json.dumps({"id": f"file {meta.files}"}).encode()
            meta.asked.set()
            if meta.files == 1:
                meta.may_answer.wait(20)
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    settings.WHATSAPP_API_URL = f"http://127.0.0.1:{server.server_port}"
    yield meta
    meta.may_answer.set()
    server.shutdown()
    thread.join()
    server.server_close()


def in_background(media: Media) -> threading.Thread:
    def work() -> None:
        try:
            upload(media)
        finally:
            connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    return thread


@pytest.mark.django_db(transaction=True)
def test_a_slow_upload_is_handed_to_nobody_else(bakery_made: NewTenant, bakery: Tenant, slow: SlowMeta) -> None:
    factories.number(bakery)
    post(bakery_made.api_key, PNG)
    media = only(bakery)
    worker = in_background(media)
    assert slow.asked.wait(10)

    assert uploading.due() == []
    assert post(bakery_made.api_key, PNG).json()["state"] == "uploading"
    assert uploading.due() == []
    upload(media)

    slow.may_answer.set()
    worker.join()
    assert (slow.files, only(bakery).meta_id, only(bakery).upload_due_at) == (1, "file 1", None)


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_was_given_up_does_not_overwrite_the_next_ones_answer(
    bakery_made: NewTenant, bakery: Tenant, slow: SlowMeta
) -> None:
    factories.number(bakery)
    post(bakery_made.api_key, PNG)
    media = only(bakery)
    worker = in_background(media)
    assert slow.asked.wait(10)
    wait_over(bakery)

    work(bakery)
    slow.may_answer.set()
    worker.join()

    assert only(bakery).meta_id == "file 2"


def test_a_second_bell_brings_nothing_to_meta_twice(bakery_made: NewTenant, number: Number, meta: Running) -> None:
    post(bakery_made.api_key, PNG)
    media = only(number.tenant)

    upload(media)
    upload(media)

    assert files_at(meta) == [PNG]
