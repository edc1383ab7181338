"""Files over the REST API: kept here, brought to Meta once per number, and used as samples of templates."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils.timezone import now
from pytest_django import Settings

from tenants.actions import NewTenant, issue_key
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests import factories
from tests.contacts.calls import Caller
from whatsapp import syncing, tasks, uploading
from whatsapp.emulator import Running
from whatsapp.models import Media, Number, Template

URL = "/api/v1/media/"
PNG = b"\x89PNG\r\n\x1a\n" + b"picture"


@pytest.fixture(autouse=True)
def kept_in(settings: Settings, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = str(tmp_path)
    return tmp_path


@pytest.fixture
def number(bakery: Tenant, meta: Running) -> Number:
    number = factories.number(bakery)
    meta.add_number(number.phone_number_id, number.account.waba_id)
    return number


def post(key: str, content: bytes, mime_type: str = "image/png", name: str = "bild.png", **more: Any) -> Any:
    headers = {"Authorization": f"Bearer {key}", "Accept-Language": "en", **more.pop("headers", {})}
    return Client(headers=headers).post(URL, {"file": SimpleUploadedFile(name, content, mime_type), **more})


def work(tenant: Tenant) -> None:
    """Let a worker bring everything to Meta that waits for it."""
    with tenant_scope(tenant):
        waiting = list(Media.objects.filter(meta_id="", error="").values_list("pk", flat=True))
    for media_id in waiting:
        tasks.upload_media(tenant_id=tenant.pk, media_id=media_id)


def files_at(meta: Running) -> list[bytes]:
    return [file.content for file in meta.emulator.world.files.values()]


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


def test_metas_refusal_is_told_and_the_same_file_can_be_tried_again(
    bakery_made: NewTenant, alice: Caller, number: Number, kept_in: Path
) -> None:
    uid = post(bakery_made.api_key, PNG).json()["uid"]
    (path,) = (kept_in / "media" / str(number.tenant_id)).iterdir()
    path.write_bytes(b"scrambled on the way")
    work(number.tenant)
    told = alice.get(f"media/{uid}/").json()
    assert told["state"] == "failed"
    assert "(131053)" in told["error"]

    path.write_bytes(PNG)
    assert post(bakery_made.api_key, PNG).json()["state"] == "uploading"
    work(number.tenant)

    assert alice.get(f"media/{uid}/").json()["state"] == "ready"


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


def test_while_meta_is_away_the_file_waits_and_is_found_by_the_next_round(
    bakery_made: NewTenant, alice: Caller, number: Number, settings: Settings, meta: Running
) -> None:
    uid = post(bakery_made.api_key, PNG).json()["uid"]
    settings.WHATSAPP_API_URL = "http://127.0.0.1:9"
    work(number.tenant)
    assert alice.get(f"media/{uid}/").json()["state"] == "uploading"
    assert uploading.left_behind() == []

    with tenant_scope(number.tenant):
        Media.objects.update(created_at=now() - timedelta(minutes=2))
    settings.WHATSAPP_API_URL = meta.base_url
    for tenant_id, media_id in uploading.left_behind():
        tasks.upload_media(tenant_id=tenant_id, media_id=media_id)

    assert alice.get(f"media/{uid}/").json()["state"] == "ready"
    assert uploading.left_behind() == []


def template(sample: str, **fields: Any) -> dict[str, Any]:
    header = {"type": "HEADER", "format": "IMAGE", "example": {"header_handle": [sample]}}
    body = {"type": "BODY", "text": "Der Frühling ist da, und wir haben geöffnet."}
    return {"name": "bild", "language": "de", "category": "MARKETING", "components": [header, body], **fields}


def submit(alice: Caller, tenant: Tenant, definition: dict[str, Any]) -> Any:
    uid = alice.post("templates/", definition).json()["uid"]
    answer = alice.post(f"templates/{uid}/submit/")
    with tenant_scope(tenant):
        template_id = Template.objects.get(uid=uid).pk
    if answer.status_code == 202:
        tasks.submit_template(tenant_id=tenant.pk, template_id=template_id)
    return answer


def test_an_uploaded_file_becomes_the_sample_of_a_template(
    bakery_made: NewTenant, alice: Caller, number: Number, meta: Running
) -> None:
    uid = post(bakery_made.api_key, PNG).json()["uid"]

    assert submit(alice, number.tenant, template(uid.upper())).status_code == 202

    (session,) = meta.emulator.world.uploads.values()
    assert session == {"length": len(PNG), "received": len(PNG), "type": "image/png"}
    (reviewed,) = meta.emulator.world.account(number.account.waba_id).templates.values()
    assert reviewed.components[0]["example"]["header_handle"][0].startswith("4::")
    assert meta.settle()
    syncing.sync(number.tenant_id, number.account_id)
    assert alice.get("templates/").json()["results"][0]["status"] == "APPROVED"


def test_the_cards_of_a_carousel_take_samples_too(
    bakery_made: NewTenant, alice: Caller, number: Number, meta: Running
) -> None:
    uid = post(bakery_made.api_key, PNG).json()["uid"]
    button = {"type": "QUICK_REPLY", "text": "Mehr"}
    header = template(uid)["components"][0]
    card = {"components": [header, {"type": "BODY", "text": "Brot"}, {"type": "BUTTONS", "buttons": [button]}]}
    body = template(uid)["components"][1]

    answer = submit(alice, number.tenant, template(uid, components=[body, {"type": "CAROUSEL", "cards": [card, card]}]))

    assert answer.status_code == 202, answer.content
    (reviewed,) = meta.emulator.world.account(number.account.waba_id).templates.values()
    handles = {card["components"][0]["example"]["header_handle"][0] for card in reviewed.components[1]["cards"]}
    assert len(handles) == 1
    assert handles.pop().startswith("4::")


def test_a_handle_of_metas_own_is_passed_on(alice: Caller, number: Number, meta: Running) -> None:
    submit(alice, number.tenant, template("4::aW5k"))

    (reviewed,) = meta.emulator.world.account(number.account.waba_id).templates.values()
    assert reviewed.components[0]["example"]["header_handle"] == ["4::aW5k"]


def test_a_sample_must_be_a_file_of_the_tenant_and_of_a_kind_that_meta_reviews(
    bakery_made: NewTenant, shop_made: NewTenant, alice: Caller, number: Number, shop: Tenant, kept_in: Path
) -> None:
    factories.number(shop, phone_number_id="888")
    foreign = post(shop_made.api_key, PNG).json()["uid"]
    sticker = post(bakery_made.api_key, b"RIFF\0\0\0\0WEBPVP8 ", "image/webp", "a.webp").json()["uid"]
    gone = post(bakery_made.api_key, PNG).json()["uid"]
    (kept_in / "media" / str(number.tenant_id) / f"{gone}.png").unlink()

    for name, (uid, words) in {"a": (foreign, "no uploaded"), "b": (sticker, "PNG"), "c": (gone, "no longer")}.items():
        answer = submit(alice, number.tenant, template(uid, name=name))
        assert answer.status_code == 400
        assert words in answer.json()["errors"]["header.example"][0]


@pytest.mark.parametrize("was_rejected", [False, True])
def test_a_sample_that_is_gone_by_the_time_of_submitting_makes_it_a_draft_again(
    bakery_made: NewTenant, alice: Caller, number: Number, meta: Running, kept_in: Path, was_rejected: bool
) -> None:
    uid = post(bakery_made.api_key, PNG).json()["uid"]
    mine = template(uid)
    if was_rejected:
        meta.add_template(number.account.waba_id, template("4::aW5k"), status="REJECTED")
        syncing.sync(number.tenant_id, number.account_id)
        (row,) = alice.get("templates/").json()["results"]
        alice.patch(f"templates/{row['uid']}/", {"components": mine["components"]})
    else:
        row = alice.post("templates/", mine).json()
    assert alice.post(f"templates/{row['uid']}/submit/").status_code == 202
    (kept_in / "media" / str(number.tenant_id) / f"{uid}.png").unlink()

    [(tenant_id, template_id)] = syncing.to_submit()
    tasks.submit_template(tenant_id=tenant_id, template_id=template_id)
    syncing.sync(number.tenant_id, number.account_id)

    told = alice.get(f"templates/{row['uid']}/").json()
    assert told["status"] == "DRAFT"
    assert told["rejected_reason"] == "Die Datei ist nicht mehr vorhanden. Bitte laden Sie sie erneut hoch."
    assert told["components"] == mine["components"]
    assert syncing.to_submit() == []
