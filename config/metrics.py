"""/metrics: what an operator's Prometheus reads, and who may read it. Says nothing about any one tenant or person.

Every figure is indexed, bounded, or remembered by a task, so that a scrape costs the same however much is stored.
"""

import hmac
import ipaddress
import time

import redis
from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection, transaction
from django.http import Http404, HttpRequest, HttpResponse

import consent.announcing
import consent.mailing
import inbox.queries
import messaging.queries
from config import health
from config.exposition import CONTENT_TYPE, Metric, counter, gauge, text
from consent.ledger import checking, depositing
from messaging.tallying import KINDS
from tenants import counting

# More is not told apart: whoever has so many needs no exact figure.
MOST = 10_000
# A proxy speaks for somebody else, whose address is not the one that we see.
FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-IP", "Via")


def metrics(request: HttpRequest) -> HttpResponse:
    """The page, for those who know METRICS_TOKEN, or without one for callers in our own network."""
    if settings.METRICS_TOKEN:
        if not _knows_token(request):
            return HttpResponse(status=401, headers={"WWW-Authenticate": "Bearer"})
    elif not _is_near(request):
        raise Http404
    began = time.perf_counter()
    found = [metric for part in (_of_database, _of_redis) for metric in part()]
    found.append(gauge("scrape_seconds", "How long this page took.", time.perf_counter() - began))
    return HttpResponse(text(found), content_type=CONTENT_TYPE)


def _knows_token(request: HttpRequest) -> bool:
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    return hmac.compare_digest(given.encode(), settings.METRICS_TOKEN.encode())


def _is_near(request: HttpRequest) -> bool:
    if any(name in request.headers for name in FORWARDED):
        return False
    try:
        address = ipaddress.ip_address(request.META.get("REMOTE_ADDR", ""))
    except ValueError:
        return False
    # A socket for both kinds writes an IPv4 address inside a private IPv6 one.
    return (getattr(address, "ipv4_mapped", None) or address).is_private


def _of_database() -> list[Metric]:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = %s", [health.STATEMENT_MS])
            found = [*_outbox(), *_webhooks(), *_announcements(), *_requests(), *_ledgers(), *_connections()]
            return [_up("database", 1), *found]
    except DatabaseError:
        return [_up("database", 0)]


def _of_redis() -> list[Metric]:
    try:
        return [_up("redis", 1), *_counts(), *_lives(), *_queues(), *_totals(), *_drift()]
    except redis.RedisError:
        return [_up("redis", 0)]


def _up(name: str, value: int) -> Metric:
    return gauge(f"{name}_up", f"1 while the {name} answers.", value)


def _outbox() -> list[Metric]:
    found = messaging.queries.backlog(most=MOST)
    oldest = (
        "Since when the oldest message is due that nothing holds up; a campaign takes as long as its rate makes it."
    )
    return [
        gauge("queue_age_seconds", oldest, found.oldest_due_s, by="kind"),
        gauge("messages_unsettled", f"Attempts without an answer, not settled yet; at most {MOST}.", found.uncertain),
        gauge("accounts_paused", "Accounts that an error of Meta's stopped.", found.paused_accounts),
        gauge("numbers_paused", "Numbers that pause now.", found.paused_numbers),
    ]


def _webhooks() -> list[Metric]:
    found = inbox.queries.backlog(most=MOST)
    return [
        gauge(
            "webhook_lag_seconds",
            "How long the oldest stored webhook waits.",
            inbox.queries.oldest_waiting(),
            by="content",
        ),
        gauge("webhooks_waiting", f"Stored webhooks that are not applied yet; at most {MOST}.", found.waiting),
        gauge("webhooks_set_aside", f"Webhooks that could not be applied; at most {MOST}.", found.set_aside),
    ]


def _announcements() -> list[Metric]:
    about = "How long the oldest mail waits that the operator owes a company, by what it tells of."
    asking = "How long the oldest mail waits that asks somebody whether they want e-mails."
    return [
        gauge("announcement_age_seconds", about, consent.announcing.waiting(), by="kind"),
        gauge("confirmation_mail_age_seconds", asking, consent.mailing.waiting()),
    ]


def _requests() -> list[Metric]:
    late = f"Requests of people that are past their last day without an answer; at most {MOST}."
    return [gauge("data_requests_overdue", late, consent.announcing.overdue(most=MOST))]


def _ledgers() -> list[Metric]:
    found = checking.tally(most=MOST)
    return [
        gauge("ledgers_broken", "Consent ledgers that do not hold, as of the nightly check.", found.broken),
        gauge("ledgers_unchecked", "Companies whose ledger was not verified for two days.", found.unchecked),
        gauge("ledgers_uncompared", "Ledgers whose kept seals the nightly check did not find.", found.uncompared),
        gauge(
            "ledger_seals_waiting",
            f"Companies whose newest seal is yet to be kept or mailed, but for mailboxes that refuse; at most {MOST}.",
            depositing.waiting(most=MOST),
        ),
    ]


def _connections() -> list[Metric]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT CASE WHEN state IN ('active', 'idle') THEN state WHEN state LIKE 'idle in%' THEN 'in_transaction'"
            " ELSE 'other' END, count(*) FROM pg_stat_activity WHERE datname = current_database() GROUP BY 1"
        )
        by_state = {"active": 0, "idle": 0, "in_transaction": 0, "other": 0} | dict(cursor.fetchall())
        cursor.execute("SELECT current_setting('max_connections')::int")
        [(most,)] = cursor.fetchall()
    return [
        gauge("database_connections", "Connections to our database.", by_state, by="state"),
        gauge("database_connections_max", "What the server allows altogether.", most),
    ]


def _counts() -> list[Metric]:
    found = counting.counts()

    def group(prefix: str, names: tuple[str, ...]) -> dict[str, float]:
        return {name: found.get(f"{prefix}.{name}", 0) for name in names}

    steps = ("put_back", "left_behind", "settled", "held", "expired", "closed")
    return [
        counter("sends", "Attempts by Meta's answer, or the class of its error.", group("sends", KINDS), by="outcome"),
        counter("swept", "What the sweeper moved, by step.", group("swept", steps), by="step"),
        counter(
            "bucket_wait_seconds", "Time in which lanes waited for their number's rate.", found.get("lane.waited_s", 0)
        ),
        counter("lane_seconds", "Time in which lanes of numbers were open.", found.get("lane.open_s", 0)),
        counter("lane_capacity", "Messages that the rates of open lanes allowed.", found.get("lane.capacity", 0)),
    ]


def _lives() -> list[Metric]:
    ages = counting.ages(list(health.SILENT_S))
    silent = {name: float("inf") if age is None else age for name, age in ages.items()}
    about = "Since the last sign of life of beat and of each queue's workers; +Inf: none for a day."
    return [gauge("silent_seconds", about, silent, by="of")]


def _queues() -> list[Metric]:
    names = sorted({*(route["queue"] for route in settings.CELERY_TASK_ROUTES.values())})
    with counting.broker().pipeline(transaction=False) as pipe:
        for name in names:
            pipe.llen(name)
        pipe.hlen("unacked")
        *lengths, unacked = pipe.execute()
    return [
        gauge("celery_queue_length", "Tasks that wait in Redis.", dict(zip(names, lengths, strict=True)), by="queue"),
        gauge("celery_unacknowledged", "Tasks that workers hold.", unacked),
    ]


def _totals() -> list[Metric]:
    found = counting.remembered("totals")
    if not found:
        return []
    return [
        gauge("messages", "Messages by their state now, as summed up half a minute ago.", found["states"], by="state"),
        counter("messages_reached", "Messages that ever got so far.", found["reached"], by="step"),
        counter("messages_failed", "Failed messages by the class of Meta's error.", found["failed"], by="error_class"),
    ]


def _drift() -> list[Metric]:
    tenants, numbers = counting.drift()
    return [
        gauge("kpi_drift", "KPIs that differ from a recount, as of the nightly check.", numbers),
        gauge("kpi_checked_tenants", "Tenants whose KPIs were checked in the last two days.", tenants),
    ]
