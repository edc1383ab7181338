"""The emulator's management API: QR codes and their pictures, templates and their limits."""

from collections.abc import Iterator

import httpx
import pytest

from whatsapp.client import Client
from whatsapp.emulator import Profile, Running, running
from whatsapp.errors import Refused

ACCOUNT, NUMBER = "102290129340398", "106540352242922"


@pytest.fixture(scope="module")
def emulator() -> Iterator[Running]:
    with running() as running_emulator:
        yield running_emulator


@pytest.fixture
def meta(emulator: Running) -> Running:
    emulator.reset(everything=True)
    emulator.configure(Profile.perfect())
    emulator.add_number(NUMBER, ACCOUNT)
    return emulator


@pytest.fixture
def client(meta: Running) -> Iterator[Client]:
    with Client(meta.base_url, "v25.0", "token") as client:
        yield client


@pytest.mark.parametrize(
    ("kind", "mime_type", "begin"), [("SVG", "image/svg+xml", b"<svg "), ("PNG", "image/png", b"\x89PNG\r\n\x1a\n")]
)
def test_the_picture_of_a_qr_code_can_be_fetched_without_token(
    client: Client, kind: str, mime_type: str, begin: bytes
) -> None:
    made = client.create_qr_code(NUMBER, "Ja, anmelden", image=kind)

    picture = httpx.get(made["qr_image_url"])

    assert (picture.status_code, picture.headers["content-type"]) == (200, mime_type)
    assert picture.content.startswith(begin)
    if kind == "SVG":
        assert made["deep_link_url"] in picture.text
    client.delete_qr_code(NUMBER, made["code"])
    assert httpx.get(made["qr_image_url"]).status_code == 404


def test_a_qr_code_is_svg_or_png(client: Client) -> None:
    with pytest.raises(Refused) as refusal:
        client.create_qr_code(NUMBER, "Ja", image="GIF")

    assert refusal.value.code == 100
    assert client.qr_codes(NUMBER) == []


def test_a_number_has_at_most_2000_qr_codes(client: Client, meta: Running) -> None:
    codes = meta.emulator.world.number(NUMBER).qr_codes
    first = client.create_qr_code(NUMBER, "Ja")
    codes |= {f"C{n}": first | {"code": f"C{n}"} for n in range(1999)}

    with pytest.raises(Refused) as refusal:
        client.create_qr_code(NUMBER, "Ja")

    assert "2000" in refusal.value.details
    assert client.edit_qr_code(NUMBER, first["code"], "Doch")["prefilled_message"] == "Doch"
