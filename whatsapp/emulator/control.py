"""The emulator's own door below /_emulator/: watch, configure, speak for people, inject webhooks.

GET  /_emulator/                     counts: accepted, statuses told, webhooks posted, faults (answered_hang …)
GET  /_emulator/ledger               acceptances; callback=, recipient=, offset=, limit= (1000)
GET  /_emulator/duplicates           callback data accepted more than once: {} if all is well
GET  /_emulator/clickers             followed links; after= is an index; `orders` says who is to buy
GET  /_emulator/settled?timeout=10   waits until nothing is left to happen or to post: {"settled": bool}
GET  /_emulator/profile              the behaviour, all fields
POST /_emulator/profile              change some fields; all or none are taken
POST /_emulator/reset                forget messages, people, limits, files, clicks; {"all": true} also the rest
POST /_emulator/webhook              {"url", "app_secret"}: where webhooks of the app go
POST /_emulator/numbers              {"id", "account_id", "display"?, "name"?, "webhook_url"?, "quality"?,
                                     "tier"?, "throughput_per_s"?}: what was done over Meta's API stays
POST /_emulator/accounts             {"id", "name"?, "currency"?, "portfolio_id"?, "refuses_marketing"?, "webhook_url"?,
                                     "app_url"?, "app_secret"?, "is_subscribed"?}: app_… are of the owner's own app;
                                     webhooks come only once an app has subscribed
POST /_emulator/templates            {"account_id", "status"?, …definition}: no review, no webhook
POST /_emulator/templates/{id}       {"event": "PAUSED", "reason"?}: change its status and tell it
POST /_emulator/say                  {"phone_number_id", "from", "text"}, or {…, "payload", "title"}, or
                                     {…, "message": {"type": "image", "image": {…}}}; "answers"?, "name"?
POST /_emulator/prefer               {"phone_number_id", "from", "value": "stop" or "resume"}
POST /_emulator/inject               any webhook payload: signed and posted as it is; ?url= elsewhere
POST /_emulator/take                 webhooks kept because no address is known: [{"body", "headers"}]
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import asdict, fields
from itertools import islice
from time import monotonic
from typing import Any

from whatsapp.emulator.answers import Answer, Failure, ok, success
from whatsapp.emulator.content import recipient_of
from whatsapp.emulator.people import People
from whatsapp.emulator.sending import load
from whatsapp.emulator.state import Account, Number, World
from whatsapp.emulator.templates import register
from whatsapp.emulator.webhooks import Webhooks

Json = dict[str, Any]
Query = Mapping[str, str]
SETTLE_S = 10.0


class Control:
    """Answers the paths above; raises `Failure` with code 100 for what it cannot read."""

    def __init__(self, world: World, people: People, webhooks: Webhooks) -> None:
        self.world = world
        self.people = people
        self.webhooks = webhooks

    async def take(self, method: str, parts: list[str], query: Query, raw: bytes) -> Answer:
        """One request; `parts` is the path below /_emulator/."""
        what = parts[0] if parts else ""
        if method == "GET":
            if what == "settled":
                return await self._settled(float(query.get("timeout", SETTLE_S)))
            if what in ("", "clickers"):
                return self._clickers(query) if what else self._stats()
            if what in ("ledger", "duplicates"):
                # Scans a million rows, so it must not keep the sends waiting.
                return await asyncio.to_thread(self._ledger if what == "ledger" else self._duplicates, query)
            if what == "profile":
                return ok(self.world.profile.as_json())
        if method == "POST":
            if what == "inject":
                await self.webhooks.post_raw(query.get("url", ""), raw)
                return success()
            if what == "templates" and len(parts) > 1:
                return self._judge(parts[1], load(raw))
            writer = self._writers().get(what)
            if writer:
                return writer(load(raw))
        raise Failure(100, "There is no such control.", status=404)

    def _writers(self) -> dict[str, Callable[[Json], Answer]]:
        return {
            "profile": self._configure,
            "reset": self._reset,
            "webhook": self._webhook,
            "numbers": self._number,
            "accounts": self._account,
            "templates": self._template,
            "say": self._say,
            "prefer": self._prefer,
            "take": self._take_kept,
        }

    def _stats(self) -> Answer:
        return ok({"accepted": len(self.world.ledger), "settled": self._is_settled(), **self.world.counts})

    def _is_settled(self) -> bool:
        return self.people.is_quiet and self.webhooks.is_quiet

    async def _settled(self, timeout_s: float) -> Answer:
        until = monotonic() + timeout_s
        while not self._is_settled() and monotonic() < until:
            await asyncio.sleep(0.01)
        return ok({"settled": self._is_settled(), "accepted": len(self.world.ledger)})

    def _ledger(self, query: Query) -> Answer:
        ledger = self.world.ledger
        if "callback" in query:
            found = ledger.with_callback(query["callback"])
        elif "recipient" in query:
            found = ledger.to(query["recipient"].lstrip("+"))
        else:
            start, limit = int(query.get("offset", "0")), int(query.get("limit", "1000"))
            found = list(islice((ledger[row] for row in range(start, len(ledger))), limit))
        return ok({"count": len(ledger), "data": [item._asdict() for item in found]})

    def _duplicates(self, _: Query) -> Answer:
        return ok(self.world.ledger.duplicates())

    def _clickers(self, query: Query) -> Answer:
        start = int(query.get("after", "0"))
        return ok({"data": [asdict(click) for click in self.world.clicks[start:]]})

    def _configure(self, body: Json) -> Answer:
        try:
            self.world.profile = self.world.profile.changed(body)
        except ValueError as error:
            raise Failure(100, str(error)) from None
        return ok(self.world.profile.as_json())

    def _reset(self, body: Json) -> Answer:
        self.people.forget()
        self.webhooks.forget()
        self.world.forget()
        if body.get("all"):
            self.world.accounts.clear()
            self.world.numbers.clear()
        return success()

    def _webhook(self, body: Json) -> Answer:
        self.world.webhook_url = str(body.get("url", self.world.webhook_url) or "")
        self.world.app_secret = str(body.get("app_secret", self.world.app_secret) or "")
        return success()

    def _number(self, body: Json) -> Answer:
        known = _known(Number, body)
        if not known.get("id") or not known.get("account_id"):
            raise Failure(100, "id and account_id are required.")
        self.world.account(known["account_id"])
        kept = self.world.numbers.get(known["id"])
        if kept:
            # What was done over Meta's API is not undone here.
            unnamed = ("blocked", "qr_codes", "profile", *({"webhook_url", "is_registered"} - known.keys()))
            known |= {name: getattr(kept, name) for name in unnamed}
        self.world.numbers[known["id"]] = Number(**known)
        return success()

    def _account(self, body: Json) -> Answer:
        known = _known(Account, body)
        if not known.get("id"):
            raise Failure(100, "id is required.")
        kept = self.world.account(known["id"])
        unnamed = {"is_subscribed", "webhook_url"} - known.keys()
        known |= {name: getattr(kept, name) for name in unnamed}
        self.world.accounts[known["id"]] = Account(**known, templates=kept.templates, deleted_at=kept.deleted_at)
        return success()

    def _template(self, body: Json) -> Answer:
        template = register(self.world, str(body.get("account_id", "")), body, body.get("status", "APPROVED"))
        return ok(template.as_json())

    def _judge(self, template_id: str, body: Json) -> Answer:
        template = self.world.template(template_id)
        if template is None:
            raise Failure(100, "There is no such template.", status=404)
        self.people.judge(template, str(body.get("event", "APPROVED")), str(body.get("reason", "")))
        return ok(template.as_json())

    def _person(self, body: Json) -> tuple[Number, str]:
        phone, bsuid = recipient_of(
            {"recipient": body.get("from")} if "." in str(body.get("from")) else {"to": body.get("from")}
        )
        return self.world.number(str(body.get("phone_number_id", ""))), phone or bsuid

    def _say(self, body: Json) -> Answer:
        number, person = self._person(body)
        content = body.get("message")
        if not isinstance(content, dict):
            content = {"type": "text", "text": {"body": str(body.get("text", ""))}}
            if "payload" in body:
                button = {"payload": str(body["payload"]), "text": str(body.get("title", body["payload"]))}
                content = {"type": "button", "button": button}
        row = self.world.ledger.row_of(str(body.get("answers", "")))
        message = self.world.ledger[row] if row is not None else None
        wamid = self.people.say(number, person, content, answers=message, name=str(body.get("name", "")))
        return ok({"id": wamid})

    def _prefer(self, body: Json) -> Answer:
        number, person = self._person(body)
        self.people.prefer(number, person, str(body.get("value", "stop")))
        return success()

    def _take_kept(self, _: Json) -> Answer:
        kept = [{"body": posted.body.decode(), "headers": posted.headers} for posted in self.webhooks.kept]
        self.webhooks.kept.clear()
        return ok(kept)


def _known(kind: type[Account] | type[Number], body: Json) -> Json:
    names = {item.name for item in fields(kind)} - {"templates", "deleted_at", "blocked", "qr_codes", "profile"}
    strange = set(body) - names
    if strange:
        raise Failure(100, f"Unknown fields: {', '.join(sorted(strange))}")
    return dict(body)
