"""Files over the REST API: kept here, once per number and type, and brought to Meta."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.db import connection
from django.utils.timezone import now

from tenants.actions import NewTenant, issue_key
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests import factories
from tests.contacts.calls import Caller
from tests.whatsapp.media.cast import PNG, files_at, only, post, work
from whatsapp import actions, uploading
from whatsapp.emulator import Running
from whatsapp.models import Media, Number


def test_a_file_is_kept_and_then_brought_to_meta(
    bakery_made: NewTenant, alice: Caller, number: Number, meta: Running, kept_in: Path
) -> None:
    answer = post(bakery_made.api_key, PNG)
    assert answer.status_code == 201, answer.content
    told = answer.json()
    assert (told["kind"], told["state"], told["expires_at"]) == ("image", "uploading", None)

    work(number.tenant)

    told = alice.get(f"media/{told['uid']}/").json()
    assert (told["state"], told["number"], told["filename"]) == ("ready", str(number.uid), "bild.png")
    with tenant_scope(number.tenant):
        (media,) = Media.objects.all()
    assert media.expires_at is not None
    assert timedelta(days=29) < media.expires_at - now() < timedelta(days=31)
    assert meta.emulator.world.files[media.meta_id].content == PNG
    assert [row["uid"] for row in alice.get("media/").json()["results"]] == [told["uid"]]
    assert [path.read_bytes() for path in (kept_in / "media" / str(number.tenant_id)).iterdir()] == [PNG]


def test_the_same_file_is_brought_once_to_each_number(bakery_made: NewTenant, number: Number, meta: Running) -> None:
    other = factories.number(number.tenant, phone_number_id="777")
    first = post(bakery_made.api_key, PNG, number=str(number.uid)).json()["uid"]
    work(number.tenant)
    again = post(bakery_made.api_key, PNG, name="anders.png", number=str(number.uid)).json()
    work(number.tenant)
    elsewhere = post(bakery_made.api_key, PNG, number=str(other.uid)).json()
    work(number.tenant)

    assert (again["uid"], again["state"]) == (first, "ready")
    assert elsewhere["uid"] != first
    assert files_at(meta) == [PNG, PNG]


@pytest.mark.parametrize(
    ("content", "mime_type", "words"),
    [
        (b"GIF89a", "image/gif", "no files of the type image/gif"),
        (b"", "image/png", "empty"),
        (b"\xff\xd8\xff\xe0", "image/png", "not what its type image/png says"),
        (PNG.ljust(5 * 1024 * 1024 + 1, b"\0"), "image/png", "at most 5"),
        (b"RIFF\0\0\0\0WEBPVP8 ".ljust(100 * 1024 + 1, b"\0"), "image/webp", "at most 100"),
    ],
)
def test_what_whatsapp_would_not_take_is_refused_with_the_reason(
    bakery_made: NewTenant, alice: Caller, number: Number, content: bytes, mime_type: str, words: str
) -> None:
    answer = post(bakery_made.api_key, content, mime_type)

    assert answer.status_code == 400
    (text,) = answer.json()["errors"]["file"]
    assert words in text.replace("\xa0", " ")
    assert alice.get("media/").json()["results"] == []


def test_the_name_tells_the_type_where_the_sender_does_not(bakery_made: NewTenant, number: Number) -> None:
    answer = post(bakery_made.api_key, b"%PDF-1.7", "application/octet-stream", "menü.pdf")

    assert (answer.json()["kind"], answer.json()["mime_type"]) == ("document", "application/pdf")


def test_a_repeated_upload_with_an_idempotency_key_is_answered_once(bakery_made: NewTenant, number: Number) -> None:
    headers = {"Idempotency-Key": "k1"}

    first, again = (post(bakery_made.api_key, PNG, headers=headers) for _ in range(2))
    other = post(bakery_made.api_key, PNG + b"x", headers=headers)

    assert first.content == again.content
    assert other.status_code == 422


def test_uploading_needs_the_right_to_write_templates(bakery_made: NewTenant, number: Number) -> None:
    with tenant_scope(bakery_made.tenant):
        reader = issue_key(tenant=bakery_made.tenant, name="Leser", scopes=["templates:read"], by=None)[1]

    assert post(reader, PNG).status_code == 403
    assert Caller(reader).get("media/").status_code == 200


def test_no_tenant_sees_or_uses_the_files_and_numbers_of_another(
    bakery_made: NewTenant, shop_made: NewTenant, carol: Caller, number: Number
) -> None:
    uid = post(bakery_made.api_key, PNG).json()["uid"]

    assert carol.get(f"media/{uid}/").status_code == 404
    assert carol.get("media/").json()["results"] == []
    assert set(post(shop_made.api_key, PNG, number=str(number.uid)).json()["errors"]) == {"number"}


def test_without_a_number_there_is_nowhere_to_bring_it(bakery_made: NewTenant) -> None:
    assert "Connect" in post(bakery_made.api_key, PNG).json()["errors"]["number"][0]


def test_a_file_that_is_gone_is_told_and_comes_back_with_the_next_upload(
    bakery_made: NewTenant, alice: Caller, number: Number, kept_in: Path
) -> None:
    uid = post(bakery_made.api_key, PNG).json()["uid"]
    (path,) = (kept_in / "media" / str(number.tenant_id)).iterdir()
    path.unlink()
    work(number.tenant)
    assert alice.get(f"media/{uid}/").json()["state"] == "failed"

    post(bakery_made.api_key, PNG)
    work(number.tenant)

    assert alice.get(f"media/{uid}/").json()["state"] == "ready"


def test_what_meta_forgot_is_brought_there_again(
    bakery_made: NewTenant, alice: Caller, number: Number, meta: Running
) -> None:
    uid = post(bakery_made.api_key, PNG).json()["uid"]
    work(number.tenant)
    with tenant_scope(number.tenant):
        Media.objects.update(expires_at=now() - timedelta(seconds=1))
    assert alice.get(f"media/{uid}/").json()["state"] == "expired"

    post(bakery_made.api_key, PNG)
    work(number.tenant)

    assert alice.get(f"media/{uid}/").json()["state"] == "ready"
    assert len(files_at(meta)) == 2


def test_the_remedy_for_a_file_that_is_gone_works_while_meta_still_has_it(
    bakery_made: NewTenant, alice: Caller, number: Number, meta: Running, kept_in: Path
) -> None:
    uid = post(bakery_made.api_key, PNG).json()["uid"]
    work(number.tenant)
    meta_id = only(number.tenant).meta_id
    (path,) = (kept_in / "media" / str(number.tenant_id)).iterdir()
    path.unlink()
    uploading.renew([only(number.tenant).pk])
    work(number.tenant)
    told = alice.get(f"media/{uid}/").json()
    assert (told["state"], "nicht mehr vorhanden" in told["error"]) == ("ready", True)

    told = post(bakery_made.api_key, PNG).json()

    assert (told["uid"], told["state"], told["error"]) == (uid, "ready", "")
    assert path.read_bytes() == PNG
    assert (only(number.tenant).meta_id, len(files_at(meta))) == (meta_id, 1)


def test_the_same_bytes_under_another_type_are_another_file(
    bakery_made: NewTenant, alice: Caller, number: Number, meta: Running
) -> None:
    content = b"\0\0\0\x18ftypmp42"
    sound = post(bakery_made.api_key, content, "audio/mp4", "a.m4a").json()
    work(number.tenant)
    film = post(bakery_made.api_key, content, "video/mp4", "a.mp4").json()
    work(number.tenant)

    assert (sound["kind"], film["kind"]) == ("audio", "video")
    # Campaigns with the first one go on.
    assert alice.get(f"media/{sound['uid']}/").json()["state"] == "ready"
    assert alice.get(f"media/{film['uid']}/").json()["mime_type"] == "video/mp4"
    assert [file.mime_type for file in meta.emulator.world.files.values()] == ["audio/mp4", "video/mp4"]


def test_a_file_under_a_new_name_is_renamed_and_not_brought_again(
    bakery_made: NewTenant, alice: Caller, number: Number, meta: Running
) -> None:
    uid = post(bakery_made.api_key, PNG).json()["uid"]
    work(number.tenant)

    post(bakery_made.api_key, PNG, name="sommer.png")
    work(number.tenant)

    told = alice.get(f"media/{uid}/").json()
    assert (told["filename"], told["state"]) == ("sommer.png", "ready")
    assert len(files_at(meta)) == 1


@pytest.mark.django_db(transaction=True)
def test_equal_uploads_at_the_same_time_are_one_file(
    bakery_made: NewTenant, number: Number, meta: Running, kept_in: Path
) -> None:
    def posted(_program: int) -> Any:
        try:
            return post(bakery_made.api_key, PNG)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(posted, range(8)))

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["uid"] for answer in answers}) == 1
    assert len(list((kept_in / "media" / str(number.tenant_id)).iterdir())) == 1


@pytest.mark.django_db(transaction=True)
def test_an_upload_that_is_rolled_back_leaves_no_file_behind(bakery: Tenant, number: Number, kept_in: Path) -> None:
    def add(fails: bool) -> None:
        with tenant_scope(bakery):
            file = ContentFile(PNG)
            actions.add_media(tenant=bakery, number=number, file=file, filename="a.png", mime_type="image/png", by=None)
            assert [path.read_bytes() for path in folder.iterdir()] == [PNG]
            if fails:
                raise InterruptedError

    folder = kept_in / "media" / str(bakery.pk)
    with pytest.raises(InterruptedError):
        add(fails=True)
    assert list(folder.iterdir()) == []

    add(fails=False)
    assert [path.read_bytes() for path in folder.iterdir()] == [PNG]
