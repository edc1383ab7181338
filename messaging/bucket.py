"""One token bucket per business number in Redis, shared by all workers, on Redis' own clock; and who got a token.

GCRA: one stored time says when the bucket will be empty again. A fresh bucket, of a number that was silent for a second
or of a flushed Redis, begins with one message: nothing is made up for that was never late.

Tokens are granted to attempts by name. Whoever names an attempt first owns it: the lane that is about to send it, or
the sweeper that takes it back from a lane that died. So a dead lane's attempts that never got a token certainly never
left. Redis remembers grants since a moment that it can tell; what was claimed before it, nobody knows.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import redis
import redis.asyncio

# A grant is forgotten as soon as its outcome is recorded, else after a day.
REMEMBER_S = 24 * 3600

# KEYS[3] holds names of granted attempts with their lane's mark as score, and the name of this run of Redis with the
# negative time since when it remembers. A restarted Redis may have lost the last grants, so it remembers anew.
REMEMBERING = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
if not redis.call('ZSCORE', KEYS[3], ARGV[1]) then
  redis.call('DEL', KEYS[3])
  redis.call('ZADD', KEYS[3], -now, ARGV[1])
end
"""

# KEYS: the number's bucket, its brake, its grants. ARGV: run of Redis, messages a second, lane's mark, attempts …
# Returns {granted, milliseconds to wait when none, those of the granted that the sweeper has taken back}.
TAKE = (
    REMEMBERING
    + """
local brake = redis.call('PTTL', KEYS[2])
if brake > 0 then return {0, brake, {}} end
local step = 1000000 / tonumber(ARGV[2])
-- A fortieth of a second may be made up for, so that a late timer does not lower the rate; one message always may.
-- Between Meta's limit and the rate that is set for a number, 950 of 1,000, that leaves room for as many messages again
-- that were held up on their way and arrive with later ones.
local earliest = now - math.max(25000, math.ceil(step))
-- Rounded up: at most rates a difference of doubles of this size is a little less than a step, and grants nothing.
local empty = tonumber(redis.call('GET', KEYS[1]) or now - math.ceil(step))
if empty < earliest then empty = earliest end
-- Where Redis' clock has stepped back, the bucket is a fresh one.
if empty > now + 1000000 then empty = now - math.ceil(step) end
local granted = math.floor((now - empty) / step)
if granted < 1 then return {0, math.ceil((empty + step - now) / 1000), {}} end
granted = math.min(granted, #ARGV - 3)
local silent_ms = math.max(1000, math.ceil(2 * step / 1000))
redis.call('SET', KEYS[1], string.format('%.0f', empty + granted * step), 'PX', silent_ms)
local lost = {}
for i = 4, 3 + granted do
  -- The same lane may ask twice, when the connection broke before the answer.
  if redis.call('ZADD', KEYS[3], 'NX', ARGV[3], ARGV[i]) == 0
     and tonumber(redis.call('ZSCORE', KEYS[3], ARGV[i])) ~= tonumber(ARGV[3]) then
    table.insert(lost, ARGV[i])
  end
end
-- The marks are of the workers' clocks: one that is far behind must not forget what it has just named.
redis.call('ZREMRANGEBYSCORE', KEYS[3], '(0', math.min(now, tonumber(ARGV[3])) - {remember} * 1000000)
redis.call('EXPIRE', KEYS[3], {remember})
return {granted, 0, lost}
""".replace("{remember}", str(REMEMBER_S))
)

# KEYS: the brake. ARGV: milliseconds. What an answer on its way says must not shorten a longer rest.
BRAKE = "if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[1]) then redis.call('SET', KEYS[1], 1, 'PX', ARGV[1]) end"

# KEYS as above. ARGV: run of Redis, attempts … Returns {since when it remembers, attempts that nobody had named}.
TAKE_BACK = (
    REMEMBERING
    + """
local mine = {}
for i = 2, #ARGV do
  if redis.call('ZADD', KEYS[3], 'NX', now, ARGV[i]) == 1 then table.insert(mine, ARGV[i]) end
end
return {string.format('%.0f', -redis.call('ZSCORE', KEYS[3], ARGV[1])), mine}
"""
)


@dataclass(frozen=True)
class Grant:
    """The first `count` attempts were granted, but not those `lost` to the sweeper; if none, wait so many seconds."""

    count: int
    wait_s: float
    lost: frozenset[str]


class Bucket:
    """The rate of one number, as one lane spends it."""

    def __init__(self, cache: "redis.asyncio.Redis", *, number_id: int, rate: int, run: str) -> None:
        self._cache = cache
        self._take, self._brake = cache.register_script(TAKE), cache.register_script(BRAKE)
        self._keys = _keys(number_id)
        self._run = run
        self._mark = int(datetime.now(UTC).timestamp() * 1_000_000)
        self.rate = rate

    async def take(self, attempts: Sequence[str]) -> Grant:
        """Take a token for as many of these attempts as the rate allows now, in their order."""
        granted, wait_ms, lost = await self._take(keys=self._keys, args=[self._run, self.rate, self._mark, *attempts])
        return Grant(int(granted), int(wait_ms) / 1000, frozenset(name.decode() for name in lost))

    async def forget(self, attempts: Sequence[str]) -> None:
        """Drop what is known about attempts whose outcome is recorded."""
        if attempts:
            await self._cache.zrem(self._keys[2], *attempts)

    async def brake(self, seconds: float) -> None:
        """Stop this number for a while, in every worker: Meta said 130429, or cannot be reached."""
        await self._brake(keys=[self._keys[1]], args=[int(seconds * 1000)])


async def rests(cache: "redis.asyncio.Redis", number_id: int, seconds: float) -> bool:
    """Whether a number is stopped for longer than that."""
    return bool(await cache.pttl(_keys(number_id)[1]) > seconds * 1000)


def name(message_id: int, attempt: int) -> str:
    """What an attempt is called in Redis."""
    return f"{message_id}:{attempt}"


async def run_of(cache: "redis.asyncio.Redis") -> str:
    """Which run of Redis this is; it changes with every restart and failover."""
    return _run(await cache.info("server"))


def take_back(cache: "redis.Redis", *, number_id: int, attempts: Sequence[str]) -> tuple[datetime, set[str]]:
    """Forbid these attempts to every lane; returns since when (UTC) grants are remembered, and which nobody had named.

    What was claimed after that moment and was named by nobody has never left and never will.
    """
    run = _run(cache.info("server"))
    since, mine = cache.register_script(TAKE_BACK)(keys=_keys(number_id), args=[run, *attempts])
    if _run(cache.info("server")) != run:
        # Redis failed over or restarted in between, perhaps with an older memory: it does not know.
        return datetime.now(UTC), set()
    return datetime.fromtimestamp(int(since) / 1_000_000, UTC), {name.decode() for name in mine}


def _keys(number_id: int) -> list[str]:
    return [f"zusage:bucket:{number_id}", f"zusage:brake:{number_id}", f"zusage:granted:{number_id}"]


def _run(info: dict[str, Any]) -> str:
    # A server that does not say is taken for a new one each time: it remembers nothing.
    return f"run:{info.get('run_id') or uuid.uuid4()}"
