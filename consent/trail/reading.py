"""Reads audit trail and ledger as one list: each in its own order, put together by time, a bounded stretch at a time.

Neither list can be counted or searched as a whole in a request: a ledger has millions of rows. A page therefore looks
at no more than WINDOW rows of each, and says where to go on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from heapq import merge
from itertools import islice, takewhile

from django.db import connection
from django.db.models import Q, QuerySet

from consent.models import Channel, ConsentEvent, ConsentHead, State
from tenants import encryption
from tenants.models import ApiKey, AuditEvent, Tenant, User

WINDOW = 50_000
USE = "trail"
Row = AuditEvent | ConsentEvent
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ACTIONS, DECLARATIONS = "actions", "consent"
KINDS = (ACTIONS, DECLARATIONS, *(state.value for state in State))
# Who said or did it, besides a user or a key: the people themselves, and the product.
PERSON, PRODUCT = "contact", "system"
# The number of the last row recorded before a time. Rows are recorded in the order of their numbers, so halving finds
# it in some twenty steps; an index would be paid for with every row of every import.
LAST_BEFORE = """
WITH RECURSIVE halves(low, high) AS (
    SELECT 0::bigint, %(end)s::bigint + 1
    UNION ALL
    SELECT CASE WHEN e.recorded_at < %(moment)s THEN e.seq ELSE h.low END,
           CASE WHEN e.recorded_at < %(moment)s THEN h.high ELSE e.seq END
    FROM halves h JOIN consent_consentevent e ON e.tenant_id = %(tenant)s AND e.seq = (h.low + h.high) / 2
    WHERE h.high - h.low > 1
)
SELECT max(low) FROM halves
"""


@dataclass(frozen=True)
class Asked:
    """What is looked for: a stretch of time, one of KINDS or "" for all, one actor, one channel.

    `by` is a user, an API key, PERSON, PRODUCT, or None for everybody. Only declarations have a channel.
    """

    since: datetime | None = None
    until: datetime | None = None
    kind: str = ""
    by: User | ApiKey | str | None = None
    channel: str = ""

    @property
    def wants_actions(self) -> bool:
        return self.kind in ("", ACTIONS) and not self.channel and self.by != PERSON

    @property
    def wants_declarations(self) -> bool:
        return self.kind != ACTIONS


@dataclass(frozen=True)
class Place:
    """From where to go on: below this row of the audit trail, and below this row of the ledger."""

    at: datetime
    action_id: int
    seq: int

    def sealed(self, tenant: Tenant) -> str:
        """The same for an address: it tells nobody how many actions all companies have done together."""
        numbers = ((self.at - EPOCH) // timedelta(microseconds=1), self.action_id, self.seq)
        return encryption.seal(f"{USE}:{tenant.pk}", *numbers)

    @classmethod
    def unsealed(cls, tenant: Tenant, token: str) -> "Place | None":
        """The place in an address; None for one that was not made here for this company."""
        try:
            at, action_id, seq = encryption.unseal(f"{USE}:{tenant.pk}", token)
        except (encryption.BadToken, ValueError):
            return None
        return cls(EPOCH + timedelta(microseconds=at), action_id, seq)


@dataclass(frozen=True)
class Page:
    """Some rows, newest first, and from where to go on; `older` is None at the end of both lists."""

    rows: list[Row]
    older: Place | None


@dataclass(frozen=True)
class _Stretch:
    """Rows of one list, newest first; `cut` is where its window ended before `most` were found."""

    rows: Sequence[Row] = ()
    cut: tuple[datetime, int] | None = None


def time_of(row: Row) -> datetime:
    """When it was done, or written into the ledger."""
    return row.at if isinstance(row, AuditEvent) else row.recorded_at


def page(tenant: Tenant, asked: Asked, place: Place | None, size: int) -> Page:
    """The next rows, in an open scope: a handful of reads, however long both lists are.

    Fewer rows than `size`, or none, with an `older`: nothing fitted in the stretch that was looked through.
    """
    place = place or _top(tenant)
    actions = _actions(tenant, asked, place, size + 1) if asked.wants_actions else _Stretch()
    said = _declarations(tenant, asked, place, size + 1) if asked.wants_declarations else _Stretch()
    # What lies before the end of a window may have something between it that was not looked at yet.
    cuts = [at for at, _key in filter(None, (actions.cut, said.cut))]
    known = merge(actions.rows, said.rows, key=time_of, reverse=True)
    fitting = list(islice(takewhile(lambda row: not cuts or time_of(row) >= max(cuts), known), size + 1))
    shown = fitting[:size]
    if len(fitting) > size:
        return Page(shown, _below(place, shown, _Stretch(), _Stretch()))
    is_over = not cuts and len(shown) == len(actions.rows) + len(said.rows)
    return Page(shown, None if is_over else _below(place, shown, actions, said))


def _top(tenant: Tenant) -> Place:
    head = ConsentHead.objects.filter(tenant=tenant).first()
    return Place(datetime.max.replace(tzinfo=UTC), 2**62, (head.last_seq if head else 0) + 1)


def _below(place: Place, shown: list[Row], actions: _Stretch, said: _Stretch) -> Place:
    """Where both lists go on after these rows: at the end of a window all of whose rows are shown, else at the last."""
    at, action_id, seq = place.at, place.action_id, place.seq
    done = [row for row in shown if isinstance(row, AuditEvent)]
    written = [row for row in shown if isinstance(row, ConsentEvent)]
    if done:
        at, action_id = done[-1].at, done[-1].pk
    if written:
        seq = written[-1].seq
    if actions.cut and len(done) == len(actions.rows):
        at, action_id = actions.cut
    if said.cut and len(written) == len(said.rows):
        seq = said.cut[1]
    return Place(at, action_id, seq)


def _actions(tenant: Tenant, asked: Asked, place: Place, most: int) -> _Stretch:
    rows = AuditEvent.objects.filter(tenant=tenant, at__lte=place.at).filter(
        Q(at__lt=place.at) | Q(pk__lt=place.action_id)
    )
    rows = rows.filter(**_between("at", asked)).order_by("-at", "-pk")
    fitting, end = _by(rows, asked), None
    if asked.by:
        end = next(iter(rows.values_list("at", "pk")[WINDOW - 1 : WINDOW]), None)
    if end:
        fitting = fitting.filter(at__gte=end[0]).exclude(at=end[0], pk__lt=end[1])
    found = list(fitting.select_related("user", "api_key")[:most])
    return _Stretch(found, end if len(found) < most else None)


def _by(rows: QuerySet[AuditEvent], asked: Asked) -> QuerySet[AuditEvent]:
    if isinstance(asked.by, User):
        return rows.filter(user=asked.by)
    if isinstance(asked.by, ApiKey):
        return rows.filter(api_key=asked.by)
    return rows.filter(user=None, api_key=None) if asked.by == PRODUCT else rows


def _between(name: str, asked: Asked) -> dict[str, datetime]:
    bounds = {f"{name}__gte": asked.since, f"{name}__lt": asked.until}
    return {bound: moment for bound, moment in bounds.items() if moment}


def _declarations(tenant: Tenant, asked: Asked, place: Place, most: int) -> _Stretch:
    last = _top(tenant).seq - 1
    first = _last_before(tenant, asked.since, last) + 1 if asked.since else 1
    high = min(place.seq - 1, _last_before(tenant, asked.until, last) if asked.until else last)
    low = max(first, high - WINDOW + 1)
    rows = ConsentEvent.objects.filter(tenant=tenant, seq__gte=low, seq__lte=high, **_said(asked))
    found = list(rows.order_by("-seq")[:most])
    is_cut = len(found) < most and low > first
    return _Stretch(found, (_recorded_at(tenant, low), low) if is_cut else None)


def _said(asked: Asked) -> dict[str, str]:
    fields = {}
    if asked.kind not in ("", DECLARATIONS):
        fields["state"] = asked.kind
    if asked.channel:
        fields["channel"] = Channel(asked.channel).value
    if isinstance(asked.by, User):
        fields |= {"actor_type": "user", "actor_id": str(asked.by.pk)}
    elif isinstance(asked.by, ApiKey):
        fields |= {"actor_type": "api_key", "actor_id": asked.by.prefix}
    elif asked.by:
        fields["actor_type"] = asked.by
    return fields


def _last_before(tenant: Tenant, moment: datetime, end: int) -> int:
    with connection.cursor() as cursor:
        cursor.execute(LAST_BEFORE, {"tenant": tenant.pk, "moment": moment, "end": end})
        return int(cursor.fetchone()[0])


def _recorded_at(tenant: Tenant, seq: int) -> datetime:
    return ConsentEvent.objects.values_list("recorded_at", flat=True).get(tenant=tenant, seq=seq)
