"""Meta's other webhooks while something breaks: people who write, and somebody who forges. Remembers each answer."""

import threading
import time
from dataclasses import dataclass, field

import httpx

from tests.inbox import meta as bodies
from whatsapp.models import Number
from whatsapp.signature import sign

PATH = "/webhooks/whatsapp/"
EVERY_S = 0.1
FORGED_EVERY = 5
# Longer than the door takes at most to say that the database is away.
TIMEOUT_S = 15.0


@dataclass
class Postman:
    """Posts a message of somebody who wrote until the door answers 200, as Meta does, ten times a second.

    `answered` holds body and wamid of what got its 200, `forged` what was signed by somebody else, `statuses` when
    (monotonic) which status came, 0 for none.
    """

    url: str
    secret: str
    number: Number
    answered: dict[bytes, str] = field(default_factory=dict)
    forged: list[bytes] = field(default_factory=list)
    statuses: list[tuple[float, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._work, name="postman", daemon=True)
        self._waiting: list[tuple[bytes, str]] = []

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def finish(self, seconds: float = 60) -> bool:
        """Write nothing new; whether everything written got its 200 in time."""
        self._is_over.set()
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def resumed_after(self, moment: float) -> float:
        """Seconds from a moment (monotonic) to the first 200 after it; infinite if there was none."""
        return next((at - moment for at, status in self.statuses if at > moment and status == 200), float("inf"))

    def refused_between(self, start: float, end: float) -> int:
        """How many posts between two moments got no 200."""
        return sum(start <= at <= end and status != 200 for at, status in self.statuses)

    def said_between(self, start: float, end: float) -> set[int]:
        """Which statuses came between two moments."""
        return {status for at, status in self.statuses if start <= at <= end}

    def _work(self) -> None:
        written = 0
        with httpx.Client(base_url=self.url, timeout=TIMEOUT_S, trust_env=False) as http:
            while self._waiting or not self._is_over.is_set():
                if not self._is_over.is_set():
                    written += 1
                    wamid = f"wamid.post{written}"
                    self._waiting.append((self._letter(wamid, "Danke"), wamid))
                    if written % FORGED_EVERY == 0:
                        self._forge(http, f"wamid.forged{written}")
                self._waiting = [(body, wamid) for body, wamid in self._waiting if not self._post(http, body, wamid)]
                time.sleep(EVERY_S)

    def _letter(self, wamid: str, words: str) -> bytes:
        digits = f"49302312{len(self.answered) % 50 + 60_000}"
        told = bodies.text(words, sender=digits, at=bodies.datetime.now(bodies.UTC), wamid=wamid)
        return bodies.body(self.number, messages=[told], contacts=[{"profile": {"name": "Ada"}, "wa_id": digits}])

    def _post(self, http: httpx.Client, body: bytes, wamid: str) -> bool:
        is_stored = self._ask(http, body, self.secret) == 200
        if is_stored:
            self.answered[body] = wamid
        return is_stored

    def _forge(self, http: httpx.Client, wamid: str) -> None:
        body = self._letter(wamid, "STOPP")
        self.forged.append(body)
        self._ask(http, body, "somebody else's secret")

    def _ask(self, http: httpx.Client, body: bytes, secret: str) -> int:
        try:
            answer = http.post(PATH, content=body, headers={"X-Hub-Signature-256": sign(secret, body)})
        except httpx.HTTPError:
            status = 0
        else:
            status = answer.status_code
        if secret == self.secret:
            self.statuses.append((time.monotonic(), status))
        return status
