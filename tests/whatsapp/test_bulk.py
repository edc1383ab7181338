import asyncio
import socket
from collections.abc import Iterator
from contextlib import suppress

import httpx
import orjson
import pytest

from whatsapp import bulk
from whatsapp.client import Accepted
from whatsapp.emulator import Profile, Running, running
from whatsapp.errors import NotSent, Refused, UnknownOutcome
from whatsapp.payloads import Recipient, templates

NUMBER = "106540352242922"
HEADERS = bulk.headers_for("token")


@pytest.fixture(scope="module")
def emulator() -> Iterator[Running]:
    with running() as running_emulator:
        yield running_emulator


@pytest.fixture
def meta(emulator: Running) -> Running:
    emulator.reset()
    emulator.configure(Profile.perfect())
    return emulator


def content(number: int, phone: str = "") -> bytes:
    recipient = Recipient(phone=phone or f"+4930{90000000 + number}")
    return orjson.dumps(templates.template(recipient, "hello", "de", body=["Ada"], callback=f"a:{number}"))


async def blast(
    client: httpx.AsyncBaseTransport, meta: Running, numbers: range, at_once: int, timeout: float
) -> list[Accepted | Exception]:
    """Send one message per number, so many at once; what came of each, in order."""
    slots = asyncio.Semaphore(at_once)
    url = f"{meta.base_url}/v25.0/{NUMBER}/messages"

    async def one(number: int) -> Accepted | Exception:
        async with slots:
            try:
                return await bulk.send(client, url, HEADERS, content(number), timeout)
            except (Refused, NotSent, UnknownOutcome) as error:
                return error

    return await asyncio.gather(*(one(number) for number in numbers))


async def outcome(url: str, body: bytes, timeout: float = 5.0) -> Accepted:
    async with bulk.open_transport(connections=4) as client:
        return await bulk.send(client, url, HEADERS, body, timeout)


def test_many_messages_go_out_at_once_and_each_once(meta: Running) -> None:
    async def send_all() -> list[Accepted | Exception]:
        async with bulk.open_transport(connections=64) as client:
            return await blast(client, meta, range(1000), 64, 30)

    results = asyncio.run(send_all())

    wamids = {result.wamid for result in results if isinstance(result, Accepted)}
    assert len(wamids) == 1000
    assert wamids == {entry.wamid for entry in meta.ledger}
    assert meta.duplicates() == {}


def test_an_answer_that_drips_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "CONNECT_TIMEOUT_S", 0.5)

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        try:
            while not writer.is_closing():
                writer.write(b" ")
                await asyncio.sleep(0.1)
        finally:
            writer.transport.abort()

    async def send() -> None:
        server = await asyncio.start_server(drip, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        try:
            async with bulk.open_transport(connections=4) as client:
                await bulk.send(client, f"http://127.0.0.1:{port}/", HEADERS, content(1), 0.3)
        finally:
            server.close()

    with pytest.raises(UnknownOutcome):
        asyncio.run(asyncio.wait_for(send(), 20))


def test_a_thousand_time_outs_leak_no_connection(meta: Running) -> None:
    async def in_flight_at_once(client: httpx.AsyncClient) -> int:
        """How many requests hang at Meta at the same time: every slot of the pool, if none is lost."""
        before = len(meta.ledger)
        task = asyncio.create_task(blast(client, meta, range(5000, 5100), 100, 30))
        with suppress(TimeoutError):
            async with asyncio.timeout(20):
                while len(meta.ledger) < before + 100:
                    await asyncio.sleep(0.01)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        return len(meta.ledger) - before

    async def time_out_then_send() -> tuple[list[Accepted | Exception], int, list[Accepted | Exception]]:
        async with bulk.open_transport(connections=100) as client:
            meta.configure(hangs=1.0)
            hung = await blast(client, meta, range(1200), 100, 0.5)
            at_once = await in_flight_at_once(client)
            meta.configure(hangs=0.0)
            return hung, at_once, await blast(client, meta, range(2000, 3000), 100, 30)

    hung, at_once, sent = asyncio.run(time_out_then_send())

    assert {type(result) for result in hung} <= {UnknownOutcome, NotSent}
    assert sum(isinstance(result, UnknownOutcome) for result in hung) > 1000
    assert at_once == 100
    assert all(isinstance(result, Accepted) for result in sent)


def test_a_time_out_after_acceptance_is_unknown_and_the_ledger_shows_it(meta: Running) -> None:
    meta.configure(hangs=1.0)

    with pytest.raises(UnknownOutcome):
        asyncio.run(outcome(f"{meta.base_url}/v25.0/{NUMBER}/messages", content(1), 0.2))

    assert len(meta.ledger.with_callback("a:1")) == 1


@pytest.mark.parametrize(("magic", "accepted"), [("300", 0), ("301", 1), ("303", 1), ("304", 0)])
def test_a_fault_on_the_way_is_unknown_whether_taken_or_not(meta: Running, magic: str, accepted: int) -> None:
    body = content(1, f"+493023125{magic}")

    with pytest.raises(UnknownOutcome):
        asyncio.run(outcome(f"{meta.base_url}/v25.0/{NUMBER}/messages", body))

    assert len(meta.ledger) == accepted


def test_a_refusal_is_a_refusal_also_with_http_500(meta: Running) -> None:
    with pytest.raises(Refused) as refusal:
        asyncio.run(outcome(f"{meta.base_url}/v25.0/{NUMBER}/messages", content(1, "+493023125200")))

    assert (refusal.value.code, refusal.value.http_status) == (131000, 500)


def test_a_refused_connection_is_surely_not_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    with pytest.raises(NotSent):
        asyncio.run(outcome(f"http://127.0.0.1:{port}/v25.0/1/messages", content(1)))


@pytest.mark.parametrize("url", ["http://no-such-host.invalid/x", "ftp://127.0.0.1/x", "http://127.0.0.1:9/x"])
def test_an_address_that_leads_nowhere_is_surely_not_sent(url: str) -> None:
    with pytest.raises(NotSent):
        asyncio.run(outcome(url, content(1)))


def test_a_connection_closed_after_the_request_is_unknown_and_never_called_not_sent() -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.transport.abort()

    async def send() -> Accepted:
        server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            return await outcome(f"http://127.0.0.1:{port}/v25.0/1/messages", content(1))

    with pytest.raises(UnknownOutcome):
        asyncio.run(send())


def test_a_full_pool_is_surely_not_sent(meta: Running) -> None:
    meta.configure(hangs=1.0)
    url = f"{meta.base_url}/v25.0/{NUMBER}/messages"

    async def send_two() -> list[Accepted | BaseException]:
        async with bulk.open_transport(connections=1) as client:
            first = asyncio.create_task(bulk.send(client, url, HEADERS, content(1), 1.0))
            while not len(meta.ledger):
                await asyncio.sleep(0.005)
            second = bulk.send(client, url, HEADERS, content(2), 0.2)
            return await asyncio.gather(second, first, return_exceptions=True)

    second, first = asyncio.run(send_two())

    assert isinstance(second, NotSent)
    assert isinstance(first, UnknownOutcome)
    assert meta.ledger.with_callback("a:2") == []


def test_errors_hold_neither_token_nor_number(meta: Running) -> None:
    with pytest.raises(UnknownOutcome) as error:
        asyncio.run(outcome(f"{meta.base_url}/v25.0/{NUMBER}/messages", content(1, "+493023125303")))

    assert "493023125" not in repr(error.value)
    assert "token" not in repr(error.value)
