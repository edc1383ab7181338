"""Speaks to a running emulator's control door, from a test, the demo or another process."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Self

import httpx
import orjson

from whatsapp.emulator.profile import Profile

Json = dict[str, Any]


class Remote:
    """A handle on an emulator at `base_url`; all its paths are listed in `whatsapp.emulator.control`."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url.rstrip("/")
        self._http = httpx.Client(base_url=f"{self.base_url}/_emulator/", timeout=120.0, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; the emulator goes on."""
        self._http.close()

    def configure(self, profile: Profile | None = None, **changes: Any) -> Json:
        """Replace the behaviour, or change some of its fields. Raises `ValueError` for unknown fields."""
        return self._post("profile", (asdict(profile) if profile else {}) | changes)

    def stats(self) -> Json:
        """Counts: `accepted`, `sent`, `delivered`, `read`, `failed`, `inbound`, `did_click` …, `settled`."""
        return self._get("")

    def settle(self, timeout_s: float = 30.0) -> bool:
        """Wait until nothing is left to happen or to post; whether that came in time."""
        return bool(self._get("settled", timeout=timeout_s)["settled"])

    def duplicates(self) -> dict[str, int]:
        """Callback data accepted more than once."""
        return self._get("duplicates")

    def acceptances(self, **query: Any) -> list[Json]:
        """The ledger: `callback=` or `recipient=` or `offset=` and `limit=`."""
        found: list[Json] = self._get("ledger", **query)["data"]
        return found

    def clickers(self, after: int = 0) -> list[Json]:
        """Followed links with `recipient`, `callback`, `link`, `status`, `location`, `orders`, `value`."""
        found: list[Json] = self._get("clickers", after=after)["data"]
        return found

    def add_number(self, phone_number_id: str, account_id: str, **fields: Any) -> None:
        """Register a number: `display`, `name`, `quality`, `tier`, `throughput_per_s`, `webhook_url`."""
        self._post("numbers", {"id": phone_number_id, "account_id": account_id, **fields})

    def add_account(self, account_id: str, **fields: Any) -> None:
        """Register an account: `name`, `currency`, `portfolio_id`, `refuses_marketing`, `webhook_url`, `is_subscribed`.

        `app_url` and `app_secret` give it a Meta app of its owner's: where its webhooks go and what signs them.
        As with Meta its webhooks come only once `POST /{WABA}/subscribed_apps` was called, or with `is_subscribed`.
        """
        self._post("accounts", {"id": account_id, **fields})

    def add_template(self, account_id: str, definition: Mapping[str, Any], status: str = "APPROVED") -> str:
        """Register a template without review or webhook; returns its id."""
        body = {"account_id": account_id, "status": status, **definition}
        return str(self._post("templates", body)["id"])

    def judge_template(self, template_id: str, event: str, reason: str = "") -> None:
        """Change a template's status (APPROVED, REJECTED, PAUSED, DISABLED …) and tell it by webhook."""
        self._post(f"templates/{template_id}", {"event": event, "reason": reason})

    def say(self, phone_number_id: str, sender: str, text: str = "", **content: Any) -> str:
        """Speak for a person: text, or `payload` and `title`, or a whole `message`; `answers`, `name`."""
        body = {"phone_number_id": phone_number_id, "from": sender, "text": text, **content}
        return str(self._post("say", body)["id"])

    def prefer(self, phone_number_id: str, sender: str, value: str = "stop") -> None:
        """Let a person stop or resume marketing in WhatsApp's settings."""
        self._post("prefer", {"phone_number_id": phone_number_id, "from": sender, "value": value})

    def inject(self, payload: Mapping[str, Any] | bytes, url: str = "") -> None:
        """Have any webhook payload signed and posted."""
        content = payload if isinstance(payload, bytes) else orjson.dumps(payload)
        self._read(self._http.post("inject", content=content, params={"url": url} if url else {}))

    def point_webhooks(self, url: str, app_secret: str) -> None:
        """Set where webhooks go and what signs them."""
        self._post("webhook", {"url": url, "app_secret": app_secret})

    def take_webhooks(self) -> list[tuple[bytes, dict[str, str]]]:
        """Body and headers of webhooks that were kept because no address is known; each is given once."""
        kept = self._read(self._http.post("take"))
        return [(item["body"].encode(), item["headers"]) for item in kept]

    def reset(self, *, everything: bool = False) -> None:
        """Forget messages and people; with `everything` also numbers, accounts and templates."""
        self._post("reset", {"all": everything})

    def _get(self, path: str, **query: Any) -> Json:
        answer: Json = self._read(self._http.get(path, params=query))
        return answer

    def _post(self, path: str, body: Mapping[str, Any]) -> Json:
        answer: Json = self._read(self._http.post(path, json=dict(body)))
        return answer

    def _read(self, response: httpx.Response) -> Any:
        answer = orjson.loads(response.content)
        if response.status_code != 200:
            raise ValueError(answer["error"].get("error_data", {}).get("details", "refused"))
        return answer
