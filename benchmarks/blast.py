"""Posts one body again and again from a process of its own, without any database: what an HTTP client can do at most.

`python -m benchmarks.blast URL 10000 client` prints the seconds it took with httpx's client on its aiohttp transport,
"transport" those of the transport alone as `whatsapp.bulk.send` uses it, "aiohttp" those without httpx.
"""

import asyncio
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable

import aiohttp
import orjson
import uvloop

from whatsapp import bulk

# A template message as campaigns send them, about 700 bytes.
BODY = orjson.dumps(
    {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": "4930231250001",
        "type": "template",
        "template": {
            "name": "fruehling",
            "language": {"code": "de", "policy": "deterministic"},
            "components": [
                {"type": "header", "parameters": [{"type": "image", "image": {"link": "https://shop.example/a.jpg"}}]},
                {"type": "body", "parameters": [{"type": "text", "text": "Ada"}, {"type": "text", "text": "Sonntag"}]},
                {
                    "type": "button",
                    "sub_type": "url",
                    "index": "0",
                    "parameters": [{"type": "text", "text": "c2VhbGVkLXRva2VuLW9mLWEtbGluaw" * 2}],
                },
            ],
        },
        "biz_opaque_callback_data": "c2VhbGVkLWF0dGVtcHQtb2YtYS1tZXNzYWdl" * 2,
    }
)
PATH = "/v25.0/20001/messages"
Post = Callable[[], Awaitable[object]]


def seconds(url: str, count: int, client: str) -> float:
    """How long this client needs for so many posts, in a process of its own."""
    arguments = [sys.executable, "-m", "benchmarks.blast", url, str(count), client]
    return float(subprocess.run(arguments, check=True, capture_output=True, text=True).stdout)


async def _client(url: str, count: int) -> float:
    headers, address = bulk.headers_for("token"), bulk.url_for(url, "v25.0", "20001", "token")
    async with bulk.open_client() as http:

        async def post() -> None:
            orjson.loads((await http.post(address, headers=headers, content=BODY, timeout=bulk.TIMEOUT_S)).content)

        await _spread(bulk.CONNECTIONS, post)
        return await _spread(count, post)


async def _transport(url: str, count: int) -> float:
    headers, address = bulk.headers_for("token"), bulk.url_for(url, "v25.0", "20001", "token")
    async with bulk.open_transport() as http:
        await _spread(bulk.CONNECTIONS, lambda: bulk.send(http, address, headers, BODY))
        return await _spread(count, lambda: bulk.send(http, address, headers, BODY))


async def _aiohttp(url: str, count: int) -> float:
    connector = aiohttp.TCPConnector(limit=bulk.CONNECTIONS)
    headers = bulk.headers_for("token")
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session:

        async def post() -> None:
            async with session.post(url + PATH, data=BODY, headers=headers) as answer:
                orjson.loads(await answer.read())

        await _spread(bulk.CONNECTIONS, post)
        return await _spread(count, post)


async def _spread(count: int, post: Post) -> float:
    """Post so often, never more at once than there are connections; returns the seconds it took."""
    left = iter(range(count))

    async def go_on() -> None:
        for _ in left:
            await post()

    started = time.perf_counter()
    await asyncio.gather(*(go_on() for _ in range(bulk.CONNECTIONS)))
    return time.perf_counter() - started


if __name__ == "__main__":
    address, number, name = sys.argv[1:]
    print(uvloop.run({"client": _client, "transport": _transport, "aiohttp": _aiohttp}[name](address, int(number))))
