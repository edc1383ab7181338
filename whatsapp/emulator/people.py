"""Lives of emulated people: receive, read, click, answer, stop; each step at its time, told by webhook."""

import asyncio
import time
from functools import lru_cache
from hashlib import blake2b
from heapq import heappop, heappush
from itertools import count
from typing import Any

from whatsapp.emulator.answers import webhook_error
from whatsapp.emulator.clicking import Clicker
from whatsapp.emulator.fate import Fate, dice, fate_of
from whatsapp.emulator.ledger import Acceptance
from whatsapp.emulator.state import Number, Template, World
from whatsapp.emulator.webhooks import Webhooks

WINDOW_S = 86_400.0
MOST_PER_TURN = 500
MOST_RECALLED = 20_000
SENT, DELIVERED, READ, ACT, REVIEW = range(5)
# Reasons for which Meta holds back advertising and nothing else.
MARKETING_ONLY = frozenset((130472, 131049, 131050))

_PRICING = {"billable": True, "pricing_model": "PMP", "type": "regular"}


class People:
    """The schedule of everything that will happen, and what happens then."""

    def __init__(self, world: World, webhooks: Webhooks) -> None:
        self.world = world
        self.webhooks = webhooks
        self.clicker = Clicker(world)
        self._recalled: dict[int, tuple[Acceptance, Fate]] = {}
        self._due: list[tuple[float, int, int, Any]] = []
        self._serial = count()
        self._bell = asyncio.Event()

    @property
    def is_quiet(self) -> bool:
        """Whether nothing is left to happen."""
        return not self._due and self.clicker.is_quiet

    def forget(self) -> None:
        """Drop everything that was going to happen."""
        self._due.clear()
        self._recalled.clear()

    def accept(self, row: int) -> tuple[Acceptance, Fate]:
        """Begin the life of an accepted message; returns it and its fate."""
        profile = self.world.profile
        message, fate = self._recall(row)
        hold = _between(profile.held_for_s, fate.pace[0]) if fate.held else 0.0
        self._later(hold + _between(profile.sent_after_s, fate.pace[0]), SENT, row)
        return message, fate

    def review(self, template: Template) -> None:
        """Have a template reviewed after `reviewed_after_s`."""
        self._later(self.world.profile.reviewed_after_s, REVIEW, template)

    def _later(self, delay_s: float, step: int, what: Any) -> None:
        speed = self.world.profile.speed
        due = time.monotonic() + (delay_s / speed if speed > 0 else 0.0)
        heappush(self._due, (due, next(self._serial), step, what))
        self._bell.set()

    async def run(self) -> None:
        """Let things happen for ever, in turns short enough that answers are not delayed."""
        while True:
            if not self._due:
                self._bell.clear()
                await self._bell.wait()
            wait = self._due[0][0] - time.monotonic() if self._due else 0.0
            # New messages may come before the next one due, so never sleep long.
            await asyncio.sleep(min(max(wait, 0.0), 0.02))
            self._take_turn()

    def _take_turn(self) -> None:
        now = time.monotonic()
        for _ in range(MOST_PER_TURN):
            if not self._due or self._due[0][0] > now:
                return
            _, _, step, what = heappop(self._due)
            if step == REVIEW:
                self._decide(what)
            elif what < len(self.world.ledger):
                self._live(step, *self._recall(what))

    def _recall(self, row: int) -> tuple[Acceptance, Fate]:
        # Kept only for a while: both can be worked out again, and a million would not fit.
        if row not in self._recalled:
            if len(self._recalled) > MOST_RECALLED:
                self._recalled.clear()
            message = self.world.ledger[row]
            self._recalled[row] = (message, self._fate(message))
        return self._recalled[row]

    def _live(self, step: int, message: Acceptance, fate: Fate) -> None:
        number = self.world.number(message.phone_number_id)
        if step == SENT:
            self._leave(number, message, fate)
        elif step == DELIVERED and (number.id, message.recipient) not in self.world.blockers:
            if fate.told_delivered and not fate.reverse:
                self._tell(number, message, fate, "delivered")
            if fate.read:
                self._later(_between(self.world.profile.read_after_s, fate.pace[2]), READ, message.row)
        elif step == READ:
            for status in ("read", "delivered", "sent") if fate.reverse else ("read",):
                self._tell(number, message, fate, status)
            if fate.action:
                self._later(_between(self.world.profile.acted_after_s, fate.pace[3]), ACT, message.row)
        elif step == ACT:
            self._act(number, message, fate)

    def _fate(self, message: Acceptance) -> Fate:
        phone = "" if "." in message.recipient else message.recipient
        fate = fate_of(self.world.profile, phone, message.recipient, message.callback)
        is_marketing = message.category.startswith("marketing")
        if is_marketing and (message.phone_number_id, message.recipient) in self.world.stopped:
            fate.fails = 131050
        elif message.category == "closed":
            fate.fails = 131047
        elif not is_marketing and fate.fails in MARKETING_ONLY:
            fate.fails = 0
        return fate

    def _leave(self, number: Number, message: Acceptance, fate: Fate) -> None:
        if fate.held_fails or fate.fails:
            code = 132015 if fate.held_fails else fate.fails
            self._tell(number, message, fate, "failed", webhook_error(code))
            return
        if not fate.sent:
            return
        if not fate.reverse:
            self._tell(number, message, fate, "sent")
        if fate.delivered:
            self._later(_between(self.world.profile.delivered_after_s, fate.pace[1]), DELIVERED, message.row)

    def _tell(self, number: Number, message: Acceptance, fate: Fate, status: str, error: Any = None) -> None:
        item: dict[str, Any] = {"id": message.wamid, "status": status, "timestamp": str(int(time.time()))}
        phone = "" if "." in message.recipient or fate.by_bsuid else message.recipient
        bsuid = bsuid_of(message.recipient)
        if phone:
            item["recipient_id"] = phone
        if not phone or error is None:
            item["recipient_user_id"] = bsuid
        if message.callback:
            item["biz_opaque_callback_data"] = message.callback
        if error is not None:
            item["errors"] = [error]
        elif status in ("sent", "delivered") or not fate.told_delivered:
            item["pricing"] = _PRICING | {"category": message.category}
        self.world.tally(status)
        contact = {"user_id": bsuid, "wa_id": phone} if phone else {"user_id": bsuid}
        if fate.twice:
            self.world.tally("told_twice")
        for _ in range(2 if fate.twice else 1):
            self.webhooks.add(number, "statuses", item, contact if error is None else None)

    def _act(self, number: Number, message: Acceptance, fate: Fate) -> None:
        profile, row = self.world.profile, message.row
        if fate.action == "click":
            link = self.world.links.pop(row, "")
            if link:
                self.clicker.follow(message, link, fate)
        elif fate.action == "tap":
            payload, text = self.world.taps.pop(row, ("", ""))
            if payload:
                button = {"type": "button", "button": {"payload": payload, "text": text}}
                self.say(number, message.recipient, button, answers=message, fate=fate)
        elif fate.action in ("reply", "opt_out"):
            choice = dice(profile, "words", message.recipient, message.callback)[0]
            words = profile.replies[int(choice * len(profile.replies))] if profile.replies else "Danke"
            body = profile.opt_out_text if fate.action == "opt_out" else words
            content = {"type": "text", "text": {"body": body}}
            self.say(number, message.recipient, content, answers=message, fate=fate)
        elif fate.action == "block":
            # As on Meta nobody is told: what follows stays `sent` for ever.
            self.world.blockers.add((number.id, message.recipient))
        else:
            self.prefer(number, message.recipient, "stop")
            if fate.action == "stop_resume":
                self.prefer(number, message.recipient, "resume")
        self.world.tally(f"did_{fate.action}")

    def say(
        self,
        number: Number,
        recipient: str,
        content: dict[str, Any],
        *,
        answers: Acceptance | None = None,
        fate: Fate | None = None,
        name: str = "",
    ) -> str:
        """An inbound message of any type; opens the person's window and lifts a block. Returns its wamid."""
        hides_phone = "." in recipient or bool(fate and fate.by_bsuid)
        wamid = self.world.ledger.wamid(recipient, 10**9 + next(self.world.serial))
        item: dict[str, Any] = {
            "id": wamid,
            "timestamp": str(int(time.time())),
            "from_user_id": bsuid_of(recipient),
            **content,
        }
        contact: dict[str, Any] = {"profile": {"name": name or _name_of(recipient)}}
        contact["user_id"] = bsuid_of(recipient)
        if not hides_phone:
            item["from"] = contact["wa_id"] = recipient
        if answers:
            item["context"] = {"from": number.digits, "id": answers.wamid}
        self.world.windows[number.id, recipient] = time.time() + WINDOW_S
        self.world.blockers.discard((number.id, recipient))
        self.webhooks.add(number, "messages", item, contact)
        self.world.tally("inbound")
        return wamid

    def prefer(self, number: Number, recipient: str, value: str) -> None:
        """The person stops or resumes marketing in WhatsApp's own settings."""
        if value == "stop":
            self.world.stopped.add((number.id, recipient))
        else:
            self.world.stopped.discard((number.id, recipient))
        who = {"user_id": bsuid_of(recipient)} | ({} if "." in recipient else {"wa_id": recipient})
        preference = {
            **who,
            "detail": f"User requested to {value} marketing messages",
            "category": "marketing_messages",
            "value": value,
            "timestamp": int(time.time()),
        }
        metadata = {"display_phone_number": number.digits, "phone_number_id": number.id}
        content = {
            "messaging_product": "whatsapp",
            "metadata": metadata,
            "contacts": [{"profile": {"name": _name_of(recipient)}, **who}],
            "user_preferences": [preference],
        }
        self.webhooks.add_change(number.account_id, "user_preferences", content)

    def _decide(self, template: Template) -> None:
        account = self.world.account(template.account_id)
        if template.status != "PENDING" or template.id not in account.templates:
            return
        roll = dice(self.world.profile, "review", template.name, template.language)[0]
        rejected = template.name.endswith("_rejected") or roll < self.world.profile.rejected_templates
        self.judge(template, "REJECTED" if rejected else "APPROVED")

    def judge(self, template: Template, event: str, reason: str = "") -> None:
        """Change a template's status and tell it by webhook."""
        states = {"REINSTATED": "APPROVED", "FLAGGED": template.status, "UNARCHIVED": "APPROVED"}
        template.become(states.get(event, event))
        template.rejected_reason = (reason or "INVALID_FORMAT") if event == "REJECTED" else "NONE"
        value: dict[str, Any] = {
            "event": event,
            "message_template_id": int(template.id),
            "message_template_name": template.name,
            "message_template_language": template.language,
            "message_template_category": template.category,
            "reason": template.rejected_reason,
        }
        if event == "PAUSED":
            value["other_info"] = {"title": "FIRST_PAUSE", "description": "Emulated pause."}
        self.webhooks.add_change(template.account_id, "message_template_status_update", value)


@lru_cache(maxsize=20_000)
def bsuid_of(recipient: str) -> str:
    """The business-scoped user id of a person; always the same for the same number."""
    if "." in recipient:
        return recipient
    digest = int.from_bytes(blake2b(recipient.encode(), digest_size=8).digest(), "big")
    return f"DE.{digest:020d}"


def _name_of(recipient: str) -> str:
    names = ("Ada", "Mehmet", "Jürgen", "Zoë", "Ole", "Grażyna", "Emma", "Noah")
    return names[sum(recipient.encode()) % len(names)]


def _between(limits: tuple[float, float], roll: float) -> float:
    return limits[0] + (limits[1] - limits[0]) * roll
