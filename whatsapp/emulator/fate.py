"""Decides what happens to one message: by magic number, or by a hash of seed, recipient and callback data.

Magic recipients lie in Germany's drama range 030 23125-000 to -999, numbers no real person has. They force
one outcome each, whatever the profile says, unless `Profile.magic` is false:

    +49 30 23125 …  outcome
    001  delivered, never read             011  held for quality, then fails with 132015
    002  delivered and read                012  read, without a `delivered` status
    003  read and link clicked             013  every status comes twice
    004  read and replied                  014  statuses come in reverse order
    005  read and replies STOPP            015  no status ever comes
    006  read and stops marketing          016  stops marketing, then resumes
    007  read and taps the first           017  read, clicked, orders
         quick reply                       018  known by BSUID only: read, replies
    008  sent, never delivered             019  read, then blocks the number
    009  its template is paused: answered `paused`, then fails with 132015
    010  held for quality, then read

    Accepted, then failed by webhook:      Refused in the answer:
    126  131026 undeliverable              200  131000 with HTTP 500 and an envelope
    147  131047 window closed              201  131026      204  190 token
    149  131049 enough marketing           202  131049      205  368 account blocked
    150  131050 stopped marketing          203  132001      206  131042 payment
    172  130472 experiment                 229  130429 on the first attempt, then accepted
    135  135000 portfolio pacing           256  131056 on the first attempt, then accepted
    115  132015 template paused            257  131057 on the first attempt, then accepted
    197  130497 country

    300  HTTP 500 with HTML, not taken     303  reset after acceptance
    301  HTTP 500 with HTML, but taken     304  reset before acceptance
    302  no answer after acceptance        305  slow answer (`slow_s`)
"""

from dataclasses import dataclass
from hashlib import blake2b
from struct import Struct

from whatsapp.emulator.profile import Profile

MAGIC_PREFIX = "493023125"
_EIGHT_NUMBERS = Struct(">8I")

FAILS = {
    126: 131026,
    147: 131047,
    149: 131049,
    150: 131050,
    172: 130472,
    135: 135000,
    115: 132015,
    197: 130497,
}
REFUSES = {200: 131000, 201: 131026, 202: 131049, 203: 132001, 204: 190, 205: 368, 206: 131042}
REFUSES_ONCE = {229: 130429, 256: 131056, 257: 131057}
ANSWERS = {300: "error", 301: "error_taken", 302: "hang", 303: "reset", 304: "reset_untaken", 305: "slow"}


@dataclass(slots=True)
class Fate:
    """What becomes of one accepted message."""

    fails: int = 0
    sent: bool = True
    delivered: bool = True
    told_delivered: bool = True
    read: bool = False
    action: str = ""
    held: bool = False
    held_fails: bool = False
    pauses: bool = False
    twice: bool = False
    reverse: bool = False
    orders: bool = False
    by_bsuid: bool = False
    chance: float = 0.0
    pace: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)


def magic_of(profile: Profile, phone: str) -> int:
    """The last three digits of a magic recipient, or -1 for everybody else."""
    if profile.magic and phone.startswith(MAGIC_PREFIX) and len(phone) == 12:
        return int(phone[9:])
    return -1


def dice(profile: Profile, purpose: str, recipient: str, callback: str) -> list[float]:
    """Eight numbers between 0 and 1 that are always the same for the same arguments."""
    digest = blake2b(f"{profile.seed}|{purpose}|{recipient}|{callback}".encode(), digest_size=32).digest()
    return [number / 4294967296 for number in _EIGHT_NUMBERS.unpack(digest)]


def answer_of(profile: Profile, phone: str, callback: str, attempt: int) -> tuple[str, int]:
    """How the send itself is answered: a kind and, for `refuse`, the code. `attempt` counts from 0."""
    magic = magic_of(profile, phone)
    if magic >= 0:
        if magic in REFUSES:
            return "refuse", REFUSES[magic]
        if magic in REFUSES_ONCE and attempt == 0:
            return "refuse", REFUSES_ONCE[magic]
        return ANSWERS.get(magic, "ok"), 0
    if not (profile.refused or profile.server_errors or profile.hangs or profile.resets or profile.slow):
        return "ok", 0
    roll = dice(profile, f"answer{attempt}", phone, callback)[0]
    for code, share in profile.refused.items():
        roll -= share
        if roll < 0:
            return "refuse", int(code)
    for kind, share in (
        ("error", profile.server_errors),
        ("hang", profile.hangs),
        ("reset", profile.resets),
        ("slow", profile.slow),
    ):
        roll -= share
        if roll < 0:
            return kind, 0
    return "ok", 0


def fate_of(profile: Profile, phone: str, recipient: str, callback: str) -> Fate:
    """What becomes of an accepted message to this recipient."""
    rolls = dice(profile, "fate", recipient, callback)
    pace = (rolls[4], rolls[5], rolls[6], rolls[7])
    magic = magic_of(profile, phone)
    if magic >= 0:
        fate = _magic_fate(magic)
        fate.chance, fate.pace = rolls[3], pace
        return fate
    fate = Fate(chance=rolls[3], pace=pace)
    fate.fails = _failure(profile, rolls[0])
    fate.delivered = rolls[1] < profile.delivered
    fate.read = fate.delivered and rolls[2] < profile.read
    fate.held, fate.held_fails, fate.twice = _oddities(profile, recipient, callback)
    if fate.read:
        fate.action, fate.orders = _action(profile, recipient, callback)
    return fate


def _failure(profile: Profile, roll: float) -> int:
    for code, share in profile.failures.items():
        roll -= share
        if roll < 0:
            return int(code)
    return 0


def _oddities(profile: Profile, recipient: str, callback: str) -> tuple[bool, bool, bool]:
    if not (profile.held or profile.duplicates):
        return False, False, False
    rolls = dice(profile, "odd", recipient, callback)
    return rolls[0] < profile.held, rolls[1] < profile.held_fails, rolls[2] < profile.duplicates


def _action(profile: Profile, recipient: str, callback: str) -> tuple[str, bool]:
    shares = (
        ("click", profile.clicked),
        ("tap", profile.tapped),
        ("reply", profile.replied),
        ("opt_out", profile.opted_out),
        ("stop", profile.stopped),
        ("block", profile.blocked),
    )
    if not any(share for _, share in shares):
        return "", False
    rolls = dice(profile, "action", recipient, callback)
    roll = rolls[0]
    for action, share in shares:
        roll -= share
        if roll < 0:
            return action, action == "click" and rolls[1] < profile.ordered
    return "", False


_MAGIC_ACTIONS = {
    3: "click",
    4: "reply",
    5: "opt_out",
    6: "stop",
    7: "tap",
    16: "stop_resume",
    17: "click",
    18: "reply",
    19: "block",
}


def _magic_fate(magic: int) -> Fate:
    if magic in FAILS:
        return Fate(fails=FAILS[magic])
    if magic == 15:
        return Fate(sent=False, delivered=False)
    if magic == 8:
        return Fate(delivered=False)
    return Fate(
        read=magic != 1,
        told_delivered=magic != 12,
        action=_MAGIC_ACTIONS.get(magic, ""),
        held=magic in (9, 10, 11),
        held_fails=magic in (9, 11),
        pauses=magic == 9,
        twice=magic == 13,
        reverse=magic == 14,
        orders=magic == 17,
        by_bsuid=magic == 18,
    )
