"""How long a database's host may be silent: one that is gone without a word closes no connection.

libpq and the kernel count, on open connections too, and only towards another host: a Unix socket needs none of it. A
statement may take hours, because the server's kernel answers for it meanwhile. What does get cut is sending to somebody
who does not read: a pooler whose connections are all taken, or COPY into a disk that stands still.
"""

from typing import Any

from environ import Env

# 5 s for a new connection. 20 s for an open one, whether it waits for an answer (10 + 2 * 5) or for an acknowledgement
# (ms); where the system has both limits, the latter ends the former, too.
LIMITS = {
    "connect_timeout": 5,
    "tcp_user_timeout": 20_000,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 2,
}
# A report waits for it, and there is the primary.
REPLICA_LIMITS = {
    "connect_timeout": 2,
    "tcp_user_timeout": 3000,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 2,
}


def entry(url: str, limits: dict[str, int]) -> dict[str, Any]:
    """What Django's DATABASES says of an address, whose own query goes before the limits."""
    found: dict[str, Any] = Env.db_url_config(url)
    options = limits | found.get("OPTIONS", {})
    return found | {"OPTIONS": options, "CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}
