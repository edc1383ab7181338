"""Takes a send: checks it, applies limits and chance, writes the ledger, answers as Meta does."""

import time
from typing import Any, NamedTuple

import orjson

from whatsapp.emulator import content, files, fitting
from whatsapp.emulator.answers import Answer, Failure, ok, proxy_page, success
from whatsapp.emulator.fate import Fate, answer_of, dice, magic_of
from whatsapp.emulator.people import People
from whatsapp.emulator.state import Number, Template, World

Json = dict[str, Any]


class _Draft(NamedTuple):
    """A checked message on its way to acceptance."""

    number: Number
    phone: str
    recipient: str
    callback: str
    kind: str
    content: Any
    template: Template | None
    category: str
    raw: bytes
    uses_limit: bool


class Sending:
    """POST /{phone number id}/messages and /marketing_messages."""

    def __init__(self, world: World, people: People) -> None:
        self.world = world
        self.people = people

    def take(self, number_id: str, raw: bytes, *, as_marketing: bool = False) -> Answer:
        """Answer one send; raises `Failure`."""
        number = self.world.number(number_id)
        if not number.is_registered:
            raise Failure(133010, "The account is not registered with the Cloud API.")
        body = load(raw)
        if body.get("messaging_product") != "whatsapp":
            raise Failure(100, "The parameter messaging_product is required.")
        if body.get("status") == "read":
            content.need(body, "message_id")
            return success()
        draft = self._draft(number, body, raw, as_marketing)
        key = (draft.recipient, draft.callback)
        attempt = self.world.attempts.get(key, 0)
        kind, code = answer_of(self.world.profile, draft.phone, draft.callback, attempt)
        if kind != "ok":
            # The next attempt rolls the dice anew, so a fault need not last for ever.
            self.world.attempts[key] = attempt + 1
            self.world.tally(f"answered_{kind}")
        return self._answer(draft, kind, code)

    def _answer(self, draft: _Draft, kind: str, code: int) -> Answer:
        if kind == "refuse":
            raise Failure(code, "Emulated refusal.")
        if kind == "reset_untaken":
            return Answer(200, b"", fault="reset")
        if kind in ("error", "error_taken"):
            if kind == "error_taken" or self._is_taken(draft):
                self._accept(draft)
            return proxy_page()
        answer = self._accept(draft)
        if kind in ("hang", "reset"):
            return answer._replace(fault=kind, wait_s=self.world.profile.hang_s if kind == "hang" else 0.0)
        return answer._replace(wait_s=self.world.profile.slow_s) if kind == "slow" else answer

    def _is_taken(self, draft: _Draft) -> bool:
        # Half of the profile's HTTP 500s hide an acceptance: nobody outside can tell which.
        if magic_of(self.world.profile, draft.phone) >= 0:
            return False
        return dice(self.world.profile, "taken", draft.recipient, draft.callback)[0] < 0.5

    def _draft(self, number: Number, body: Json, raw: bytes, as_marketing: bool) -> _Draft:
        phone, bsuid = content.recipient_of(body)
        found = content.check_content(body)
        recipient, kind = phone or bsuid, body.get("type", "text")
        if recipient in number.blocked:
            raise Failure(130403, "The user is on the block list of the business.")
        if phone and phone == number.digits:
            raise Failure(131021, "Recipient cannot be sender.")
        for place, media_id in content.media_in(kind, found):
            files.need(self.world, number.account_id, place, media_id)
        template = self._template(number, found) if kind == "template" else None
        category = self._category(number, recipient, kind, template, as_marketing)
        opens = self.world.windows.get((number.id, recipient), 0.0) < time.time()
        uses_limit = self.world.limits.check(
            self.world.profile,
            self.world.allowance(number),
            recipient,
            time.monotonic(),
            opens=opens and kind == "template",
        )
        callback = body.get("biz_opaque_callback_data", "")
        return _Draft(number, phone, recipient, callback, kind, found, template, category, raw, uses_limit)

    def _template(self, number: Number, found: Any) -> Template | None:
        account = self.world.account(number.account_id)
        template = fitting.find(account, found, must_exist=self.world.profile.templates_must_exist)
        if template is not None:
            fitting.check(template, found.get("components") or [])
        return template

    def _category(
        self, number: Number, recipient: str, kind: str, template: Template | None, as_marketing: bool
    ) -> str:
        category = template.category.lower() if template else "marketing"
        if as_marketing:
            if kind != "template" or category != "marketing":
                raise Failure(134100, "Only marketing templates can be sent here.")
            return "marketing_lite"
        if kind == "template":
            if category == "marketing" and self.world.account(number.account_id).refuses_marketing:
                raise Failure(131063, "Marketing templates are disabled on this endpoint.", status=400)
            return category
        is_open = self.world.windows.get((number.id, recipient), 0.0) > time.time()
        return "service" if is_open or not self.world.profile.window_enforced else "closed"

    def _accept(self, draft: _Draft) -> Answer:
        if draft.uses_limit:
            portfolio_id = self.world.account(draft.number.account_id).portfolio_id
            self.world.limits.enter(portfolio_id, draft.recipient, time.monotonic())
        row = self.world.ledger.add(
            draft.number.id, draft.recipient, draft.callback, draft.category, time.time(), draft.raw
        )
        message, fate = self.people.accept(row)
        if fate.action == "click":
            link = fitting.link_of(draft.template, draft.kind, draft.content, self.world.profile.link)
            if link:
                self.world.links[row] = link
        elif fate.action == "tap":
            self.world.taps[row] = fitting.tap_of(draft.template, draft.kind, draft.content)
        sent: Json = {"id": message.wamid}
        if draft.kind == "template":
            sent["message_status"] = self._pacing(draft, fate)
        if draft.phone:
            contact = {"input": f"+{draft.phone}", "wa_id": draft.phone}
        else:
            contact = {"input": draft.recipient, "user_id": draft.recipient}
        answer = ok({"messaging_product": "whatsapp", "contacts": [contact], "messages": [sent]})
        return answer._replace(wait_s=self.world.profile.latency_s)

    def _pacing(self, draft: _Draft, fate: Fate) -> str:
        if not fate.pauses:
            return "held_for_quality_assessment" if fate.held else "accepted"
        if draft.template is not None:
            self.people.judge(draft.template, "PAUSED")
        return "paused"


def load(raw: bytes) -> Json:
    """The JSON object of a request; raises `Failure` 100."""
    try:
        body = orjson.loads(raw or b"{}")
    except orjson.JSONDecodeError:
        raise Failure(100, "Request body is not valid JSON.") from None
    if not isinstance(body, dict):
        raise Failure(100, "Request body must be a JSON object.")
    return body
