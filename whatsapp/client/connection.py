"""One authorised connection to the Graph API: builds addresses, sends, turns failures into our exceptions."""

from collections.abc import Callable, Mapping
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit

import httpx

from whatsapp.client.answers import read_json
from whatsapp.errors import NotSent, Refused, UnknownOutcome, WhatsAppError
from whatsapp.signature import app_secret_proof

TIMEOUT = httpx.Timeout(30.0, connect=5.0, pool=5.0)
Result = TypeVar("Result")
_MEDIA_HOSTS = (".facebook.com", ".fbcdn.net", ".fbsbx.com", ".whatsapp.net", ".whatsapp.com")
_NEVER_LEFT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
    httpx.InvalidURL,
)


class Connection:
    """Calls `{base_url}/{version}/…` with one token. Bodies are never logged; answers are JSON objects.

    Every call raises `Refused` (Meta said no), `NotSent` (no connection was made) or `UnknownOutcome`
    (time-out, reset, unreadable answer); nothing of httpx reaches the caller. Use as a context manager or
    close it; a given `http` client stays open and belongs to the caller.
    """

    def __init__(
        self,
        base_url: str,
        version: str,
        token: str,
        http: httpx.Client | None = None,
        app_secret: str = "",
    ) -> None:
        if not token.isascii() or not token.isprintable():
            raise ValueError("the access token holds characters that no token of Meta has")
        self.base_url = base_url.rstrip("/")
        self.version = version.strip("/")
        self._token = token
        self._proof = {"appsecret_proof": app_secret_proof(app_secret, token)} if app_secret else {}
        self._owns_http = http is None
        self._http = http or httpx.Client(timeout=TIMEOUT, follow_redirects=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections this object opened itself."""
        if self._owns_http:
            self._http.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.base_url}/{self.version}>"

    def get(self, path: str, **params: Any) -> dict[str, Any]:
        """GET a path below the version; parameters that are None are left out."""
        return self.call("GET", path, params=params)

    def post(self, path: str, body: Mapping[str, Any] | None = None, **params: Any) -> dict[str, Any]:
        """POST a JSON body."""
        return self.call("POST", path, params=params, json=None if body is None else dict(body))

    def delete(self, path: str, body: Mapping[str, Any] | None = None, **params: Any) -> dict[str, Any]:
        """DELETE, for the block list with a JSON body."""
        return self.call("DELETE", path, params=params, json=None if body is None else dict(body))

    def call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        **content: Any,
    ) -> dict[str, Any]:
        """Any call; `content` is httpx's `json`, `content`, `data` or `files`."""
        response = self.exchange(method, path, params=params, headers=headers, **content)
        return read_json(response.status_code, response.content, response.headers)

    def exchange(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        **content: Any,
    ) -> httpx.Response:
        """The raw exchange, for answers that are read elsewhere."""
        given = {key: value for key, value in (params or {}).items() if value is not None}
        request = self._http.build_request(
            method,
            f"{self.base_url}/{self.version}/{path}",
            params=given | self._proof,
            headers=self._authorised(headers),
            timeout=TIMEOUT,
            **content,
        )
        return guarded(lambda: self._http.send(request))

    def download(self, url: str, *, limit: int) -> bytes:
        """The bytes behind a media address, at most `limit`; the token goes only to Meta's own hosts."""
        if not self._may_know_token(url):
            raise NotSent("the media address is not one of Meta's hosts")
        return guarded(lambda: self._read_stream(url, limit))

    def _read_stream(self, url: str, limit: int) -> bytes:
        parts = []
        size = 0
        with self._http.stream("GET", url, headers=self._authorised(None), timeout=TIMEOUT) as response:
            if response.status_code != 200:
                read_json(response.status_code, response.read(), response.headers)
                raise UnknownOutcome(f"HTTP {response.status_code} instead of a file")
            for part in response.iter_bytes():
                size += len(part)
                if size > limit:
                    raise Refused(131052, details=f"the file is larger than {limit} bytes")
                parts.append(part)
        return b"".join(parts)

    def _authorised(self, headers: Mapping[str, str] | None) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}"} | dict(headers or {})

    def _may_know_token(self, url: str) -> bool:
        target, ours = urlsplit(url), urlsplit(self.base_url)
        if (target.scheme, target.netloc) == (ours.scheme, ours.netloc):
            return True
        return target.scheme == "https" and f".{target.hostname}".endswith(_MEDIA_HOSTS)


def guarded(exchange: Callable[[], Result]) -> Result:
    """Run an exchange and let only our own exceptions out of it."""
    try:
        return exchange()
    except WhatsAppError:
        raise
    except _NEVER_LEFT as error:
        raise NotSent(f"no connection: {type(error).__name__}") from None
    except (httpx.HTTPError, httpx.StreamError) as error:
        raise UnknownOutcome(f"connection failed: {type(error).__name__}") from None
