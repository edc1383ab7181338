"""The Celery app: tasks carry ids and wake workers, PostgreSQL rows hold the work."""

import ctypes
import os
import signal
import sys
from typing import Any

import kombu
from celery import Celery, Task
from celery.app.amqp import AMQP
from celery.signals import setup_logging, task_prerun, worker_init, worker_process_init
from django.core.exceptions import ImproperlyConfigured
from django.db import close_old_connections

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

# How often a worker looks for a broker that is away.
LOOKS_EVERY_S = 2


class Connection(kombu.Connection):
    """Looks for a broker that is away every two seconds; kombu's own waits longer each time, for half a minute then."""

    def ensure_connection(self, *args: Any, **kwargs: Any) -> kombu.Connection:
        """Connect, and try again; raises OperationalError after `max_retries`.

        Celery's workers and beat have a hundred of them, at least 200 seconds. Then they end, and whoever supervises
        them starts them again.
        """
        return super().ensure_connection(*args, **{"interval_max": LOOKS_EVERY_S, **kwargs})


class Broker(AMQP):
    """Celery's, with such connections; no setting has it."""

    Connection = Connection


app = Celery("zusage", amqp=Broker)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
# Loaded with the tasks, when the apps are there.
app.autodiscover_tasks(["config"], related_name="alive")

PR_SET_PDEATHSIG = 1


@setup_logging.connect
def keep_our_logging(**_: Any) -> None:
    """With a listener here Celery leaves the log to LOGGING, as every other process does."""


@worker_init.connect
def refuse_without_wall(**_: Any) -> None:
    """A worker that would see every tenant's rows ends with one sentence; Celery would only log an exception."""
    # Not at the top: the local services load this package without any app.
    from tenants import wall

    try:
        wall.insist()
    except ImproperlyConfigured as fault:
        sys.exit(str(fault))


@worker_process_init.connect
def die_with_the_worker(**_: Any) -> None:
    """Pool processes end when their worker is killed with SIGKILL, which leaves it no time to tell them."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


@worker_process_init.connect
def spare_what_is_loaded(**_: Any) -> None:
    """A batch of webhooks made Python's collector look through all of Django, for a third of a receiver's time."""
    # Not at the top, as above.
    from tenants.collector import spare_what_stays

    spare_what_stays()


@task_prerun.connect
def keep_connections(sender: Task, **_: Any) -> None:
    """A task goes on with its process's database connection if that works and is not too old, as a request does.

    A new one costs both sides more than most tasks: a password's hash, plans and catalogues that are not known yet.
    A task called in place, by code that may be in a transaction, leaves that code's connection alone.
    """
    if not sender.request.is_eager:
        close_old_connections()
