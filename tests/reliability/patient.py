"""The web application, started as production's but with a Celery that waits and tries again for minutes.

So whoever rings without limits of its own is told from one that has them by minutes instead of by seconds.
"""

from config.celery import app

app.conf.broker_connection_timeout = 600
app.conf.broker_transport_options |= {"socket_timeout": 600}
app.conf.task_publish_retry_policy |= {"max_retries": 600}

from config.wsgi import application as application  # noqa: E402
