"""The emulator's media: which files it takes, who may send them, and which ids it does not know."""

from concurrent.futures import ThreadPoolExecutor
from time import monotonic

import pytest

from tests.whatsapp.emulator.cast import ACCOUNT, ADA, NUMBER, code_of
from whatsapp.client import Client
from whatsapp.emulator import Running
from whatsapp.payloads import interactive, messages, parts, templates
from whatsapp.payloads.messages import MediaKind

APP = "67084829067"
PNG, JPEG, MP4 = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"\0\0\0\x18ftypmp42"
STILL = b"RIFF\0\0\0\0WEBPVP8 "
MOVING = b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\x02"
KB, MB = 1024, 1024 * 1024


@pytest.mark.parametrize(
    ("mime_type", "begin", "most"),
    [
        ("image/jpeg", JPEG, 5 * MB),
        ("image/png", PNG, 5 * MB),
        ("video/mp4", MP4, 16 * MB),
        ("audio/ogg", b"OggS", 16 * MB),
        ("image/webp", STILL, 100 * KB),
        ("image/webp", MOVING, 500 * KB),
    ],
)
def test_a_file_is_taken_up_to_the_size_of_its_kind(client: Client, mime_type: str, begin: bytes, most: int) -> None:
    largest = begin.ljust(most, b"\0")

    assert client.upload_media(NUMBER, largest, mime_type, "file")
    assert code_of(lambda: client.upload_media(NUMBER, largest + b"\0", mime_type, "file")) == 131053


@pytest.mark.parametrize(
    ("mime_type", "content"),
    [
        ("image/gif", b"GIF89a"),
        ("application/zip", b"PK\x03\x04"),
        ("image/png", b""),
        ("image/png", JPEG),
        ("video/mp4", PNG),
        ("application/pdf", b"<html>"),
    ],
)
def test_a_bad_file_is_refused(client: Client, mime_type: str, content: bytes) -> None:
    assert code_of(lambda: client.upload_media(NUMBER, content, mime_type, "file")) == 131053


def test_every_place_of_a_message_takes_an_uploaded_file_and_no_unknown_id(client: Client, sandbox: Running) -> None:
    known = client.upload_media(NUMBER, PNG, "image/png", "a.png")
    for media_id, code in ((known, 0), ("4711", 100)):
        header = parts.header_media("image", media_id=media_id)
        picture = interactive.media_header("image", messages.media_object("image", media_id=media_id))
        card = interactive.Card(picture, "Brot", "Ansehen", "https://shop.example")
        capitals = {"type": "header", "parameters": [{"type": "IMAGE", "image": {"id": media_id}}]}
        for body in (
            messages.media(ADA, "image", media_id=media_id),
            templates.template(ADA, "hello", "de", header=header),
            templates.template(ADA, "hello", "de", cards=[[header], [header]]),
            templates.template(ADA, "hello", "de", header=capitals),
            interactive.interactive(ADA, interactive.link("Hallo", "Ansehen", "https://shop.example", header=picture)),
            interactive.interactive(ADA, interactive.carousel("Hallo", [card, card])),
        ):
            assert code_of(lambda body=body: client.send(NUMBER, body)) == code

    assert len(sandbox.ledger) == 6


@pytest.mark.parametrize("kind", ["image", "video", "document", "audio", "sticker"])
def test_a_link_needs_no_upload(client: Client, kind: MediaKind) -> None:
    assert client.send(NUMBER, messages.media(ADA, kind, link="https://shop.example/a")).wamid


def test_a_file_belongs_to_the_account_of_its_number(client: Client, sandbox: Running) -> None:
    sandbox.add_number("201", ACCOUNT)
    sandbox.add_number("202", "another")
    media_id = client.upload_media(NUMBER, PNG, "image/png", "a.png")
    body = messages.media(ADA, "image", media_id=media_id)

    assert client.send("201", body).wamid
    assert code_of(lambda: client.send("202", body)) == 100


def test_a_deleted_file_cannot_be_sent(client: Client) -> None:
    media_id = client.upload_media(NUMBER, PNG, "image/png", "a.png")
    client.delete_media(media_id)

    assert code_of(lambda: client.send(NUMBER, messages.media(ADA, "image", media_id=media_id))) == 100


def test_the_largest_document_is_taken_quickly_and_keeps_nobody_waiting(client: Client, sandbox: Running) -> None:
    # The ends of lines are what the standard library's parser is slow at.
    largest = (b"%PDF" + b"\r\n--x\n" * 16 * MB)[: 100 * MB]
    waits = []
    with ThreadPoolExecutor() as pool:
        began = monotonic()
        upload = pool.submit(client.upload_media, NUMBER, largest, "application/pdf", "a.pdf")
        while not upload.done():
            asked = monotonic()
            sandbox.stats()
            waits.append(monotonic() - asked)
        took = monotonic() - began

    assert sandbox.emulator.world.files[upload.result()].content == largest
    assert took < 6
    assert max(waits) < 1


def test_a_request_larger_than_any_file_is_refused_and_not_kept(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("whatsapp.emulator.app.MOST_BODY", 500 * KB)

    assert code_of(lambda: client.upload_media(NUMBER, PNG.ljust(400 * KB), "image/png", "a.png")) == 0
    assert code_of(lambda: client.upload_media(NUMBER, PNG.ljust(500 * KB), "image/png", "a.png")) == 131053


def test_an_account_that_uploads_too_much_loses_its_own_oldest_files(
    client: Client, sandbox: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("whatsapp.emulator.files.MOST_BYTES", 250 * KB)
    sandbox.add_number("202", "another")
    others = client.upload_media("202", PNG.ljust(100 * KB), "image/png", "a.png")
    own = [client.upload_media(NUMBER, PNG.ljust(100 * KB), "image/png", f"{n}.png") for n in range(4)]

    assert [code_of(lambda file=file: client.media(file)) for file in own] == [100, 100, 0, 0]
    assert client.media(others)["file_size"] == 100 * KB


def test_many_small_files_are_kept(client: Client) -> None:
    first, *_ = [client.upload_media(NUMBER, PNG, "image/png", f"{n}.png") for n in range(250)]

    assert client.media(first)["id"] == first


def test_a_file_expires_after_30_days(client: Client, sandbox: Running) -> None:
    sandbox.configure(speed=1)
    media_id = client.upload_media(NUMBER, PNG, "image/png", "a.png")
    url = client.media(media_id)["url"]
    sandbox.emulator.world.files[media_id].uploaded_at -= 29.9 * 86_400
    assert client.send(NUMBER, messages.media(ADA, "image", media_id=media_id)).wamid

    sandbox.emulator.world.files[media_id].uploaded_at -= 0.2 * 86_400

    for call in (
        lambda: client.send(NUMBER, messages.media(ADA, "image", media_id=media_id)),
        lambda: client.media(media_id),
        lambda: client.download_media(url),
    ):
        assert code_of(call) == 100
    client.upload_media(NUMBER, PNG, "image/png", "b.png")
    assert media_id not in sandbox.emulator.world.files


def test_a_sample_comes_in_pieces_and_its_upload_ends_with_the_handle(client: Client, sandbox: Running) -> None:
    query = {"file_length": 10, "file_type": "image/png"}
    session = client.call("POST", f"{APP}/uploads", params=query)["id"]

    assert client.call("POST", session, content=PNG) == {"id": session}
    assert client.get(session)["file_offset"] == len(PNG)
    assert client.call("POST", session, content=b"!!")["h"].startswith("4::")
    assert code_of(lambda: client.get(session)) == 100
    assert sandbox.emulator.world.uploads == {}


def test_a_sample_is_a_picture_a_film_or_a_pdf(client: Client) -> None:
    assert code_of(lambda: client.upload_sample(APP, STILL, "image/webp", "a.webp")) == 100
