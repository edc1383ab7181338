"""Every call to Meta proves by the app's secret that it may use the token; the emulator looks at the proof."""

import asyncio
from collections.abc import Iterator

import orjson
import pytest

from whatsapp import bulk
from whatsapp.client import Accepted, Client
from whatsapp.emulator import Profile, Running, running
from whatsapp.errors import Refused
from whatsapp.payloads import Recipient, templates

ACCOUNT, NUMBER = "102290129340398", "106540352242922"
HELLO = templates.template(Recipient(phone="+4930231254001"), "hello", "de")


@pytest.fixture
def meta() -> Iterator[Running]:
    """Meta with a shared app, and account 2 of somebody's own app."""
    with running(Profile.perfect(), app_secret="shared") as emulator:
        emulator.add_number(NUMBER, ACCOUNT)
        emulator.add_account("2", app_secret="own")
        emulator.add_number("202", "2")
        yield emulator


def client(meta: Running, app_secret: str) -> Client:
    return Client(meta.base_url, "v25.0", "token", app_secret=app_secret)


@pytest.mark.parametrize(("number", "right", "wrong"), [(NUMBER, "shared", "own"), ("202", "own", "shared")])
def test_the_proof_is_made_by_the_app_behind_the_number(meta: Running, number: str, right: str, wrong: str) -> None:
    with client(meta, right) as honest, client(meta, wrong) as other:
        assert honest.send(number, HELLO).wamid
        assert honest.number(number)
        with pytest.raises(Refused) as refusal:
            other.send(number, HELLO)

    assert refusal.value.code == 100
    assert "appsecret_proof" in refusal.value.details
    assert len(meta.ledger) == 1


def test_the_proof_is_looked_at_for_accounts_templates_and_files_too(meta: Running) -> None:
    template_id = meta.add_template("2", {"name": "sale", "language": "de"})
    with client(meta, "own") as honest, client(meta, "shared") as other:
        media_id = honest.upload_media("202", b"%PDF", "application/pdf", "a.pdf")
        for node in ("2", template_id, media_id):
            assert honest.get(node)["id"] == node
            with pytest.raises(Refused):
                other.get(node)


def test_a_call_without_proof_is_taken(meta: Running) -> None:
    with client(meta, "") as plain:
        assert plain.send(NUMBER, HELLO).wamid


def test_sending_in_bulk_carries_the_proof_in_its_address(meta: Running) -> None:
    async def send(app_secret: str) -> Accepted:
        url = bulk.url_for(meta.base_url, "v25.0", NUMBER, "token", app_secret)
        async with bulk.open_transport(connections=1) as http:
            return await bulk.send(http, url, bulk.headers_for("token"), orjson.dumps(HELLO))

    assert asyncio.run(send("shared")).wamid
    assert asyncio.run(send("")).wamid
    with pytest.raises(Refused):
        asyncio.run(send("wrong"))
