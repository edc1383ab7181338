"""What the emulator answers: JSON, Meta's error envelope, or one of the faults a network can have."""

from secrets import token_urlsafe
from typing import Any, NamedTuple

import orjson

from whatsapp.errors import rule_for

HTTP_STATUS = {
    **dict.fromkeys((0, 102, 104, 190, 463), 401),
    **dict.fromkeys((10, 368, 130497, 131005, 131031, *range(200, 300)), 403),
    **dict.fromkeys((803, 132001), 404),
    **dict.fromkeys((4, 131208), 429),
    **dict.fromkeys((3, 131000, 131016, 131045, 131057, 133000, 134102, 2494100), 500),
    **dict.fromkeys((2, 133004), 503),
}
TRANSIENT = frozenset((1, 2, 4, 130429, 131000, 131016, 131056, 131057, 133004, 134101, 80007))


# With the app's quota used up Meta says in how many minutes calls are taken again.
APP_LIMIT = 4
USED_UP = ((b"x-business-use-case-usage", b'{"1":[{"call_count":100,"estimated_time_to_regain_access":1}]}'),)


class Answer(NamedTuple):
    """One HTTP answer. `wait_s` delays it; `fault` is `hang` (no answer) or `reset` (cut in the middle)."""

    status: int
    body: bytes
    content_type: bytes = b"application/json; charset=UTF-8"
    wait_s: float = 0.0
    fault: str = ""
    headers: tuple[tuple[bytes, bytes], ...] = ()


class Failure(Exception):
    """A refusal in Meta's envelope; `details` names the cause and goes to the caller only."""

    def __init__(self, code: int, details: str = "", *, subcode: int | None = None, status: int | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.details = details
        self.subcode = subcode
        self.status = status


def ok(content: Any) -> Answer:
    """HTTP 200 with JSON."""
    return Answer(200, orjson.dumps(content))


def success() -> Answer:
    """HTTP 200 with `{"success": true}`."""
    return Answer(200, b'{"success":true}')


def refusal(failure: Failure) -> Answer:
    """Meta's error envelope. Source: fact sheet section 1.3; HTTP status as far as one is documented."""
    error: dict[str, Any] = {
        "message": f"(#{failure.code}) {rule_for(failure.code).meaning_en}",
        "type": "OAuthException",
        "code": failure.code,
        "is_transient": failure.code in TRANSIENT,
        "fbtrace_id": "A" + token_urlsafe(16),
    }
    if failure.details:
        error["error_data"] = {"messaging_product": "whatsapp", "details": failure.details}
    if failure.subcode is not None:
        rule = rule_for(failure.code, subcode=failure.subcode)
        error |= {
            "error_subcode": failure.subcode,
            "error_user_title": rule.meaning_en,
            "error_user_msg": failure.details or rule.remedy_en,
        }
    status = failure.status or HTTP_STATUS.get(failure.code, 400)
    return Answer(status, orjson.dumps({"error": error}), headers=USED_UP if failure.code == APP_LIMIT else ())


def webhook_error(code: int) -> dict[str, Any]:
    """The error object of a `failed` status."""
    title = rule_for(code).meaning_en
    return {
        "code": code,
        "title": title,
        "message": title,
        "error_data": {"details": f"Emulated failure {code}."},
        "href": "https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes/",
    }


def proxy_page() -> Answer:
    """HTTP 500 with a page of HTML, as a proxy in between would answer."""
    return Answer(500, b"<html><body><h1>500 Server Error</h1></body></html>", b"text/html")
