"""Sends many messages at once from one asyncio loop, fast enough for Meta's 1,000 a second on one core.

httpx's own pool collapses with many requests in flight, so this uses aiohttp as httpx's transport.
"""

import asyncio
import ssl
from functools import lru_cache

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from whatsapp.client import Accepted, read_answer
from whatsapp.errors import NotSent, UnknownOutcome
from whatsapp.signature import app_secret_proof

CONNECTIONS = 256
TIMEOUT_S = 30.0
CONNECT_TIMEOUT_S = 5.0

# A failure to connect, told apart from one after the first byte: the transport maps both to ConnectTimeout.
_NEVER_LEFT = (
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.InvalidURL,
    aiohttp.NonHttpUrlClientError,
)


def open_client(*, connections: int = CONNECTIONS) -> httpx.AsyncClient:
    """A client around `open_transport`, for any request; without proxies, redirects and cookies."""
    return httpx.AsyncClient(transport=open_transport(connections=connections), follow_redirects=False, trust_env=False)


def open_transport(*, connections: int = CONNECTIONS, keepalive_s: float = 60.0) -> httpx.AsyncBaseTransport:
    """What `send` posts through: as many requests in flight as `connections`; call it inside a running loop.

    It belongs to that loop: keep one per process and loop alive and `aclose` it at the end. The TLS context is built
    once per process (35 ms of CPU). httpx's client around it would cost two fifths of every send: it merges headers,
    keeps cookies and looks for redirects, of which Meta's messages know none (docs/performance.md).
    """

    def open_session() -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            limit=connections, keepalive_timeout=keepalive_s, ssl=_tls(), ttl_dns_cache=300
        )
        return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())

    return AiohttpTransport(verify=_tls(), client=open_session)


@lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    return httpx.create_ssl_context()


def headers_for(token: str) -> httpx.Headers:
    """The headers of every send with this token; build them once, not per message."""
    return httpx.Headers({"Authorization": f"Bearer {token}", "Content-Type": "application/json"})


def url_for(base_url: str, version: str, phone_number_id: str, token: str, app_secret: str = "") -> httpx.URL:
    """Where a number sends with this token, `app_secret` adding its proof; build it once, not per message."""
    url = httpx.URL(f"{base_url}/{version}/{phone_number_id}/messages")
    return url.copy_set_param("appsecret_proof", app_secret_proof(app_secret, token)) if app_secret else url


async def send(
    transport: httpx.AsyncBaseTransport,
    url: httpx.URL | str,
    headers: httpx.Headers,
    content: bytes,
    timeout: float = TIMEOUT_S,
) -> Accepted:
    """POST one message to the address of `url_for`.

    Raises `Refused` (Meta said no), `NotSent` (no connection was made: safe to send again) or
    `UnknownOutcome` (time-out, reset, unreadable answer: never send again blindly). `timeout` is in seconds,
    beside the five for connecting.
    """
    limits = {"timeout": {"connect": CONNECT_TIMEOUT_S, "read": timeout, "write": timeout, "pool": timeout}}
    # As a stream that is read at once: httpx leaves Host and Content-Length to aiohttp, which adds them anyway.
    request = httpx.Request("POST", url, headers=headers, stream=httpx.ByteStream(content), extensions=limits)
    request.read()
    try:
        # The limits are for each step: a byte now and then would keep the answer coming, and the connection taken.
        async with asyncio.timeout(timeout + CONNECT_TIMEOUT_S):
            response = await transport.handle_async_request(request)
            answer = await _read(response)
    except httpx.HTTPError as error:
        reason = type(error.__cause__ or error).__name__
        if isinstance(error.__cause__ or error, _NEVER_LEFT):
            raise NotSent(f"no connection: {reason}") from None
        raise UnknownOutcome(f"connection failed: {reason}") from None
    except (TimeoutError, aiohttp.ClientError) as error:
        raise UnknownOutcome(f"connection failed: {type(error).__name__}") from None
    return read_answer(response.status_code, answer, response.headers)


async def _read(response: httpx.Response) -> bytes:
    try:
        return await response.aread()
    except BaseException:
        # A connection whose answer was not read to the end cannot be used again.
        await response.aclose()
        raise
