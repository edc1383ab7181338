"""One token bucket per business number in Redis, shared by all workers, on Redis' own clock.

GCRA: one stored time says when the bucket will be empty again. A flushed Redis starts a fresh bucket, which allows
one burst of a tenth of a second too many, and loses nothing.
"""

import redis.asyncio

# KEYS: the number's bucket, its brake. ARGV: messages a second, most wanted.
# Returns {granted, milliseconds to wait when none}.
TAKE = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local brake = redis.call('PTTL', KEYS[2])
if brake > 0 then return {0, brake} end
local step = 1000000 / tonumber(ARGV[1])
-- A tenth of a second may be made up for, so that a late timer does not lower the rate.
local earliest = now - 100000
local empty = tonumber(redis.call('GET', KEYS[1]) or 0)
if empty < earliest then empty = earliest end
local granted = math.floor((now - empty) / step)
if granted < 1 then return {0, math.ceil((empty + step - now) / 1000)} end
granted = math.min(granted, tonumber(ARGV[2]))
redis.call('SET', KEYS[1], string.format('%.0f', empty + granted * step), 'PX', 10000)
return {granted, 0}
"""


class Bucket:
    """The rate of one number."""

    def __init__(self, redis_client: "redis.asyncio.Redis", *, number_id: int, rate: int) -> None:
        self._take = redis_client.register_script(TAKE)
        self._redis = redis_client
        self._keys = [f"zusage:bucket:{number_id}", f"zusage:brake:{number_id}"]
        self.rate = rate

    async def take(self, most: int) -> tuple[int, float]:
        """Take up to `most` tokens; returns how many were granted and, if none, the seconds to wait."""
        granted, wait_ms = await self._take(keys=self._keys, args=[self.rate, most])
        return int(granted), int(wait_ms) / 1000

    async def brake(self, seconds: float) -> None:
        """Stop this number for a while, in every worker: Meta said 130429, or cannot be reached."""
        await self._redis.set(self._keys[1], 1, px=int(seconds * 1000))
