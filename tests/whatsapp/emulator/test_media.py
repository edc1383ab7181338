"""The emulator's media: which files it takes, who may send them, and which ids it does not know."""

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


def test_a_sample_is_a_picture_a_film_or_a_pdf(client: Client) -> None:
    assert code_of(lambda: client.upload_sample(APP, STILL, "image/webp", "a.webp")) == 100
