"""The moving 24-hour limit of unique people per business portfolio (whatsapp-cloud-api § 6.3).

Answers in a conversation that the person has opened take no place: Meta counts what a company begins.

Redis counts, because every claim asks; PostgreSQL knows: a missing key is rebuilt from the messages.
"""

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import redis
from django.conf import settings
from django.db import connection

from whatsapp.models import Number

DAY_S = 24 * 3600
# Claims hold rows while they ask: a Redis that hangs must not keep an opt-out waiting behind them.
TIMEOUTS: dict[str, Any] = {"socket_timeout": 5, "socket_connect_timeout": 2}

# The people reached, by time, and "whole" from when on all of them are known. Redis may be emptied at any moment,
# also between two commands: what is not whole is thrown away, and the caller rebuilds it.
# KEYS: people reached. ARGV: limit, contact ids. Returns the ids that have no room and the oldest time, or nothing.
RESERVE = """
local now = tonumber(redis.call('TIME')[1])
if not redis.call('ZSCORE', KEYS[1], 'whole') then
  redis.call('DEL', KEYS[1])
  return false
end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - 86400)
local room = tonumber(ARGV[1]) - redis.call('ZCARD', KEYS[1]) + 1
local refused = {}
for i = 2, #ARGV do
  local known = redis.call('ZSCORE', KEYS[1], ARGV[i])
  if known then
    redis.call('ZADD', KEYS[1], now, ARGV[i])
  elseif room > 0 then
    redis.call('ZADD', KEYS[1], now, ARGV[i])
    room = room - 1
  else
    table.insert(refused, ARGV[i])
  end
end
redis.call('EXPIRE', KEYS[1], 90000)
local oldest = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', '(+inf', 'WITHSCORES', 'LIMIT', 0, 1)
return {refused, oldest[2] or tostring(now)}
"""
# KEYS: a rebuilt set, people reached. ARGV: how many it must hold. Another process may have been faster.
FINISH = """
if redis.call('ZCARD', KEYS[1]) ~= tonumber(ARGV[1]) then return redis.call('DEL', KEYS[1]) end
redis.call('ZADD', KEYS[1], '+inf', 'whole')
if redis.call('RENAMENX', KEYS[1], KEYS[2]) == 0 then redis.call('DEL', KEYS[1]) end
"""
TRIES = 3

# Everyone this portfolio's numbers reached in the last day, from the truth; who was claimed may have been.
REACHED = """
SELECT m.contact_id, extract(epoch FROM max(coalesce(m.accepted_at, m.claimed_at)))::bigint
FROM messaging_message m
JOIN messaging_source s ON s.tenant_id = m.tenant_id AND s.id = m.source_id
JOIN whatsapp_number n ON n.tenant_id = s.tenant_id AND n.id = s.number_id
JOIN whatsapp_account a ON a.tenant_id = n.tenant_id AND a.id = n.account_id
WHERE m.tenant_id = %s AND a.portfolio_id = %s AND s.purpose <> 'service'
  AND coalesce(s.resumed_at, s.created_at) > now() - interval '8 days'
  AND (m.accepted_at > now() - interval '24 hours'
       OR m.state IN (1, 7) AND m.claimed_at > now() - interval '24 hours')
GROUP BY m.contact_id
"""


class Budget:
    """How many more people a number's portfolio may reach today."""

    def __init__(self, number: Number) -> None:
        self._tenant_id = number.tenant_id
        self._portfolio = number.account.portfolio_id
        self._key = f"zusage:reached:{number.tenant_id}:{number.account.portfolio_id}"

    def reserve(self, contact_ids: Sequence[int], *, limit: int | None) -> tuple[set[int], datetime]:
        """Take room for these people; returns those who have none, and when the next place becomes free (UTC).

        `limit` is the number's at this moment: Meta may raise it while a lane is open.
        """
        if limit is None or not contact_ids:
            return set(), datetime.now(UTC)
        refused, oldest = self._reserve(limit, contact_ids)
        free_at = datetime.fromtimestamp(float(oldest), UTC) + timedelta(seconds=DAY_S)
        return {int(contact_id) for contact_id in refused}, free_at

    def _reserve(self, limit: int, contact_ids: Sequence[int]) -> tuple[list[bytes], bytes]:
        reserve = client().register_script(RESERVE)
        for _ in range(TRIES):
            if (answer := reserve(keys=[self._key], args=[limit, *contact_ids])) is not None:
                return answer
            self._rebuild()
        raise redis.RedisError("the people reached today are lost again and again")

    def _rebuild(self) -> None:
        # Under a name of its own until it is complete: others must not count on a part of it.
        building, count = f"{self._key}:{uuid.uuid4()}", 0
        with connection.cursor() as cursor:
            cursor.execute(REACHED, [self._tenant_id, self._portfolio])
            for rows in iter(lambda: cursor.fetchmany(5000), []):
                client().zadd(building, {str(contact_id): at for contact_id, at in rows})
                client().expire(building, DAY_S)
                count += len(rows)
        client().register_script(FINISH)(keys=[building, self._key], args=[count])


@cache
def client() -> "redis.Redis":
    """The process' Redis connection pool; redis-py makes it safe to share between threads."""
    return redis.Redis.from_url(settings.REDIS_URL, **TIMEOUTS)
