"""Checks that a webhook comes from Meta and stores its body as it came; both doors call it."""

import re
import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from django.conf import settings

from inbox import queries
from tenants.scope import execute_across_tenants
from whatsapp import signature
from whatsapp.models import Account

# Meta's own limit for one webhook body.
LARGEST = 3 * 1024 * 1024
PEOPLE_FIRST, STATUSES_ONLY = 0, 1

_STATUSES = re.compile(rb'"statuses"\s*:')
# As keys: the word "messages" alone also stands as the value of `field` in every body with statuses.
_PEOPLE = re.compile(rb'"(?:messages|message_echoes|user_preferences|user_id_update|message_template_id)"\s*:')


class Refused(Exception):
    """The request is not answered with 200; `status` is the HTTP status instead."""

    def __init__(self, status: int) -> None:
        super().__init__(f"HTTP {status}")
        self.status = status


class App(NamedTuple):
    """A Meta app that may post here; `account_id` is None for the app that all tenants share."""

    account_id: int | None
    secret: str
    verify_token: str


class Received(NamedTuple):
    """A verified body on its way into the database."""

    account_id: int | None
    priority: int
    body: bytes


def shared_app() -> App:
    """The Meta app whose secret stands in the environment."""
    return App(None, settings.WHATSAPP_APP_SECRET, settings.WHATSAPP_VERIFY_TOKEN)


def own_app(account_uid: uuid.UUID) -> App | None:
    """The Meta app of one tenant's account, at most 5 seconds old; None for unknown accounts.

    Raises django.db.Error when the database is away.
    """
    account = _own_apps.find(account_uid)
    return App(account.pk, account.app_secret, account.verify_token) if account else None


def challenge(app: App | None, query: Mapping[str, str]) -> str:
    """What to answer to Meta's handshake; raises Refused. Source: Meta "Create a webhook endpoint"."""
    is_ours = signature.token_matches(app.verify_token if app else "", query.get("hub.verify_token"))
    if app is None:
        raise Refused(404)
    if query.get("hub.mode") != "subscribe" or not is_ours:
        raise Refused(403)
    return query.get("hub.challenge", "")


def verified(app: App | None, body: bytes, header: str | None) -> Received:
    """The body, once its signature over exactly these bytes is right; raises Refused (413, 401, 404, 403).

    An unknown account costs the same hash as a wrong signature, so that time does not tell which accounts exist.
    """
    if len(body) > LARGEST:
        raise Refused(413)
    if not header:
        raise Refused(401)
    is_ours = signature.is_valid([app.secret if app else "unknown"], body, header)
    if app is None:
        raise Refused(404)
    if not is_ours:
        raise Refused(403)
    return Received(app.account_id, priority_of(body), body)


def priority_of(body: bytes) -> int:
    """0 for bodies that may hold what people or Meta decided, 1 for statuses alone, which can wait."""
    is_statuses_only = _STATUSES.search(body) and not _PEOPLE.search(body)
    return STATUSES_ONLY if is_statuses_only else PEOPLE_FIRST


def store(received: Sequence[Received]) -> None:
    """Insert the bodies in one statement and one transaction; they are durable when this returns.

    COPY would be faster still, but PostgreSQL refuses it on tables with row-level security. Raises django.db.Error.
    """
    execute_across_tenants(
        "a webhook belongs to no tenant until it is read",
        "INSERT INTO inbox_webhookevent (account_id, priority, body)"
        " SELECT * FROM unnest(%s::bigint[], %s::smallint[], %s::bytea[])",
        [list(column) for column in zip(*received, strict=True)],
    )


class _OwnApps:
    """The accounts with their own app; paths that somebody makes up cause at most one read a second, all together."""

    FRESH_SECONDS = 5.0
    MISSES_SECONDS = 1.0

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._accounts: dict[uuid.UUID, Account] = {}
        self._read_at = self._missed_at = float("-inf")

    def find(self, uid: uuid.UUID) -> Account | None:
        with self._lock:
            now = time.monotonic()
            if now - self._read_at > self.FRESH_SECONDS:
                self._read(now)
            # A miss looks again, because Meta's handshake follows the connecting of an account within the second.
            elif uid not in self._accounts and now - self._missed_at > self.MISSES_SECONDS:
                self._missed_at = now
                self._read(now)
            return self._accounts.get(uid)

    def _read(self, now: float) -> None:
        self._accounts = queries.accounts_with_own_app()
        self._read_at = now


_own_apps = _OwnApps()
