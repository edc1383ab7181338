"""The moving 24-hour limit of unique people per business portfolio (whatsapp-cloud-api § 6.3).

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

# KEYS: people reached, by time. ARGV: limit, contact ids. Returns the ids that have no room, and the oldest time.
RESERVE = """
local now = tonumber(redis.call('TIME')[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - 86400)
local room = tonumber(ARGV[1]) - redis.call('ZCARD', KEYS[1])
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
local oldest = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
return {refused, oldest[2] or tostring(now)}
"""

# Everyone this portfolio's numbers reached in the last day, from the truth.
REACHED = """
SELECT m.contact_id, extract(epoch FROM max(m.accepted_at))::bigint
FROM messaging_message m
JOIN messaging_source s ON s.tenant_id = m.tenant_id AND s.id = m.source_id
JOIN whatsapp_number n ON n.tenant_id = s.tenant_id AND n.id = s.number_id
JOIN whatsapp_account a ON a.tenant_id = n.tenant_id AND a.id = n.account_id
WHERE m.tenant_id = %s AND a.portfolio_id = %s AND s.created_at > now() - interval '8 days'
  AND m.accepted_at > now() - interval '24 hours'
GROUP BY m.contact_id
"""


class Budget:
    """How many more people a number's portfolio may reach today."""

    def __init__(self, number: Number) -> None:
        self.limit = number.daily_limit
        self._tenant_id = number.tenant_id
        self._portfolio = number.account.portfolio_id
        self._key = f"zusage:reached:{number.tenant_id}:{number.account.portfolio_id}"

    def reserve(self, contact_ids: Sequence[int]) -> tuple[set[int], datetime]:
        """Take room for these people; returns those who have none, and when the next place becomes free (UTC)."""
        if self.limit is None or not contact_ids:
            return set(), datetime.now(UTC)
        if not client().exists(self._key):
            self._rebuild()
        refused, oldest = client().register_script(RESERVE)(keys=[self._key], args=[self.limit, *contact_ids])
        free_at = datetime.fromtimestamp(float(oldest), UTC) + timedelta(seconds=DAY_S)
        return {int(contact_id) for contact_id in refused}, free_at

    def _rebuild(self) -> None:
        # Under a name of its own until it is complete: others must not count on a part of it.
        building = f"{self._key}:{uuid.uuid4()}"
        with connection.cursor() as cursor:
            cursor.execute(REACHED, [self._tenant_id, self._portfolio])
            for rows in iter(lambda: cursor.fetchmany(5000), []):
                client().zadd(building, {str(contact_id): at for contact_id, at in rows})
                client().expire(building, DAY_S)
        if client().exists(building):
            client().renamenx(building, self._key)


@cache
def client() -> "redis.Redis":
    """The process' Redis connection pool; redis-py makes it safe to share between threads."""
    return redis.Redis.from_url(settings.REDIS_URL, **TIMEOUTS)
