"""The web application, started as production's but with libraries that wait for Redis and try again for ten minutes.

So whoever asks Redis without limits of its own is told from one that has them by minutes instead of by seconds.
"""

from functools import partialmethod

from redis.connection import AbstractConnection

from config.celery import app

PATIENCE_S = 600

AbstractConnection.__init__ = partialmethod(  # type: ignore[assignment]
    AbstractConnection.__init__, socket_timeout=PATIENCE_S
)
app.conf.broker_connection_timeout = PATIENCE_S
app.conf.broker_transport_options |= {"socket_timeout": PATIENCE_S}
app.conf.task_publish_retry_policy |= {"max_retries": PATIENCE_S}

from config.wsgi import application as application  # noqa: E402
