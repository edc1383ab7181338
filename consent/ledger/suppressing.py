"""The list of people who must not be messaged, known only by keyed hash, so that it outlives the person's data."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from consent.ledger.folding import ADVERTISING, CHANNELS, Pair
from consent.models import Channel, Purpose, Suppression
from consent.rights import walking
from contacts.identities import digests_of
from contacts.models import Contact
from tenants.models import Tenant

Digest = tuple[str, bytes]  # (kind, keyed hash)

WITHDRAWN = "withdrawn"
OBJECTED = "objected"
META_STOP = "meta_stop"
BLOCKED = "suppressed"

# An identity a person no longer has finds what was said while it was theirs; numbers get reassigned, and what the
# next owner says is not their word.
IS_LIVE = "s.lifted_at IS NULL AND (i.valid_to IS NULL OR s.since <= i.valid_to)"
# `since` is that of the first no, for an identity that somebody had then, whichever came first; the last one is noted
# beside it, or a yes between the two would outweigh both. Sorted, so that two writers who meet at the unique index wait
# in the same order.
INSERT = """
    INSERT INTO consent_suppression AS s
        (tenant_id, kind, digest, channel, purpose, reason, phone_number_id, since, said_again_at)
    SELECT %s, said.kind, said.digest, said.channel, said.purpose, said.reason, said.phone_number_id, min(said.since),
        nullif(max(coalesce(said.said_again_at, said.since)), min(said.since))
    FROM unnest(%s::text[], %s::bytea[], %s::text[], %s::text[], %s::text[], %s::timestamptz[], %s::text[],
        %s::timestamptz[]) AS said(kind, digest, channel, purpose, reason, since, phone_number_id, said_again_at)
    GROUP BY said.kind, said.digest, said.channel, said.purpose, said.reason, said.phone_number_id
    ORDER BY said.digest, said.channel, said.purpose, said.reason, said.phone_number_id
    ON CONFLICT (tenant_id, digest, channel, purpose, reason, phone_number_id) WHERE lifted_at IS NULL DO UPDATE
        SET since = least(s.since, EXCLUDED.since), said_again_at = nullif(
            greatest(s.said_again_at, s.since, EXCLUDED.said_again_at, EXCLUDED.since), least(s.since, EXCLUDED.since))
        WHERE EXCLUDED.since < s.since
            OR coalesce(EXCLUDED.said_again_at, EXCLUDED.since) > coalesce(s.said_again_at, s.since)
"""
HITS = f"""
    SELECT c.subject_id, s.channel, s.purpose
    FROM unnest(%s::uuid[]) AS wanted(subject_id)
    JOIN contacts_contact c ON c.tenant_id = %s AND c.subject_id = wanted.subject_id
    JOIN contacts_identity i ON i.tenant_id = c.tenant_id AND i.contact_id = c.id
    JOIN consent_suppression s ON s.tenant_id = i.tenant_id AND s.digest = i.digest AND {IS_LIVE}
"""
HOLDERS = """
    SELECT DISTINCT c.id, c.subject_id FROM unnest(%s::bytea[]) AS wanted(digest)
    JOIN contacts_identity i ON i.tenant_id = %s AND i.digest = wanted.digest
    JOIN contacts_contact c ON c.tenant_id = i.tenant_id AND c.id = i.contact_id
"""
LIVE = f"""
    SELECT s.*, i.valid_to AS named_until FROM contacts_identity i
    JOIN consent_suppression s ON s.tenant_id = i.tenant_id AND s.digest = i.digest AND {IS_LIVE}
    WHERE i.tenant_id = %s AND i.contact_id = %s
"""


class Suppressed(NamedTuple):
    """One identity with what must not be sent to it and why."""

    kind: str
    digest: bytes
    channel: str
    purpose: str
    reason: str
    since: datetime
    phone_number_id: str = ""
    said_again_at: datetime | None = None


def suppress(tenant: Tenant, rows: Iterable[Suppressed], *, stopped: Collection[UUID] = ()) -> None:
    """Put identities on the list, in one statement; of those already there for the same reason a later no is noted.

    What waits for anybody who is known by one of them is cancelled: one person may be several contacts. For those of
    them who are `stopped`, the row of the ledger that brings them here has done so.
    """
    if said := set(rows):
        with connection.cursor() as cursor:
            cursor.execute(INSERT, [tenant.pk, *map(list, zip(*said, strict=True))])
            cursor.execute(HOLDERS, [list({row.digest for row in said}), tenant.pk])
            holders = [contact_id for contact_id, subject_id in cursor.fetchall() if subject_id not in stopped]
        walking.stop(tenant, holders)


class Hit(NamedTuple):
    """A live entry that hits somebody, and until when (UTC) what it says is theirs; None: they have that identity."""

    row: Suppression
    until: datetime | None

    @property
    def said_at(self) -> datetime:
        """When they said no for the last time, at the latest; a later one is the next owner's."""
        return min(self.row.said_at, self.until or self.row.said_at)


def names_of(contact: Contact) -> list[Digest]:
    """Every keyed hash by which a contact is or was known."""
    stored = [(row.kind, bytes(row.digest)) for row in contact.identities.all()]
    return sorted({*stored, *digests_of(contact)})


def hits(tenant: Tenant, subjects: Iterable[UUID]) -> dict[UUID, set[Pair]]:
    """Which of these people are on the list, each with the (channel, purpose) scopes, which may be "all"."""
    found: dict[UUID, set[Pair]] = {}
    with connection.cursor() as cursor:
        cursor.execute(HITS, [[str(subject) for subject in subjects], tenant.pk])
        for subject, channel, purpose in cursor.fetchall():
            found.setdefault(subject, set()).add((channel, purpose))
    return found


def covers(scopes: Iterable[Pair], channel: str, purpose: str) -> bool:
    """Whether one of these scopes forbids this channel and purpose."""
    return any((channel, purpose) in reached(scope) for scope in scopes)


def reached(scope: Pair) -> list[Pair]:
    """The pairs a scope stands for; "all" purposes leave what a contract needs (CG-26)."""
    channels = CHANNELS if scope[0] == Channel.ALL else (scope[0],)
    purposes = ADVERTISING if scope[1] == Purpose.ALL else (scope[1],)
    return [(channel, purpose) for channel in channels for purpose in purposes]


def lift_by_person(tenant: Tenant, contact: Contact, granted: Mapping[Pair, datetime], seq: int) -> None:
    """The person said yes again at these times: end older entries that kept these pairs closed.

    What was entered after the yes stays, and what Meta stopped, only Meta's resume opens. Entries that stood for more
    than these pairs are replaced by entries for the rest of it.
    """
    reach = [(hit, _outweighed(hit, granted)) for hit in _liftable(tenant, contact)]
    ended = [(hit, opened) for hit, opened in reach if opened]
    _end(tenant, [hit for hit, _opened in ended], seq)
    suppress(
        tenant,
        [
            _as_said(row, (row.kind, bytes(row.digest)), pair)
            for (row, _until), opened in ended
            for pair in reached((row.channel, row.purpose))
            if pair not in opened
        ],
    )


def _outweighed(hit: Hit, granted: Mapping[Pair, datetime]) -> set[Pair]:
    """What of an entry a yes of later opens."""
    stood_for = reached((hit.row.channel, hit.row.purpose))
    return {pair for pair in stood_for if pair in granted and hit.said_at <= granted[pair]}


def _as_said(row: Suppression, named: Digest, pair: Pair) -> Suppressed:
    """An entry once more, for another hash or for a part of what it stands for."""
    return Suppressed(*named, *pair, row.reason, row.since, row.phone_number_id, row.said_again_at)


def carried(tenant: Tenant, contact: Contact, to: Sequence[Digest]) -> list[Suppressed]:
    """Every entry that hits a contact once more, for these hashes; for `suppress`."""
    return [_carried(hit, named) for hit in _hits(tenant, contact) for named in to]


def _carried(hit: Hit, named: Digest) -> Suppressed:
    said = _as_said(hit.row, named, (hit.row.channel, hit.row.purpose))
    return said._replace(said_again_at=hit.said_at)


def _hits(tenant: Tenant, contact: Contact) -> list[Hit]:
    rows = Suppression.objects.raw(LIVE, [tenant.pk, contact.pk])
    return [Hit(row, vars(row)["named_until"]) for row in rows]


def _liftable(tenant: Tenant, contact: Contact) -> list[Hit]:
    """The entries that hit a contact and that the person can lift."""
    return [hit for hit in _hits(tenant, contact) if hit.row.reason != META_STOP]


def is_listed(tenant: Tenant, digests: Sequence[Digest], scope: Pair, reason: str) -> bool:
    """Whether every one of these hashes is on the list already for exactly this scope and reason."""
    keys = {key for _kind, key in digests}
    live = Suppression.objects.filter(tenant=tenant, digest__in=keys, lifted_at=None, reason=reason)
    return live.filter(channel=scope[0], purpose=scope[1]).values("digest").distinct().count() == len(keys)


def closed(tenant: Tenant, contact: Contact, pairs: Iterable[Pair]) -> list[Pair]:
    """Which of these pairs an entry keeps closed that the person can lift."""
    scopes = [(row.channel, row.purpose) for row, _until in _liftable(tenant, contact)]
    return [pair for pair in pairs if covers(scopes, *pair)]


def outweighed(tenant: Tenant, contact: Contact, granted: Mapping[Pair, datetime]) -> list[Pair]:
    """Which of these pairs, with when the person said yes to them, entries keep closed that are all older."""
    opened, held = set[Pair](), set[Pair]()
    for hit in _liftable(tenant, contact):
        open_again = _outweighed(hit, granted)
        opened |= open_again
        held |= set(reached((hit.row.channel, hit.row.purpose))) - open_again
    return sorted(opened - held)


def lift_by_meta(
    tenant: Tenant, contact: Contact | None, told: Sequence[Digest], phone_number_id: str, at: datetime, seq: int
) -> None:
    """Meta reported a resume at that time: end its stop for this sending number, and nothing else.

    The person is named by what was `told`; a contact has more identities. What somebody who has a number after them has
    stopped stays, and so does what they have stopped again since then.
    """
    hitting = _hits(tenant, contact) if contact else []
    own = {row.pk: Hit(row, min(until or at, at)) for row, until in hitting if row.since <= at}
    named = {row.pk: Hit(row, at) for row in entries(tenant, {key for _kind, key in told}, at)}
    hits = (own | named).values()
    stops = [hit for hit in hits if (hit.row.reason, hit.row.phone_number_id) == (META_STOP, phone_number_id)]
    _end(tenant, stops, seq)


def _end(tenant: Tenant, ended: Sequence[Hit], seq: int) -> None:
    """End entries; what the next owner of a number said beside the contact, who had it before, goes on for them."""
    rows = Suppression.objects.filter(tenant=tenant, pk__in=[hit.row.pk for hit in ended])
    rows.update(lifted_at=timezone.now(), lifted_seq=seq)
    theirs = [row for row, until in ended if until and row.said_at > until]
    again = [(row.said_at, _as_said(row, (row.kind, bytes(row.digest)), (row.channel, row.purpose))) for row in theirs]
    suppress(tenant, [one._replace(since=said_at, said_again_at=None) for said_at, one in again])


def spread(
    tenant: Tenant,
    targets: Mapping[bytes, Sequence[Digest]],
    until: datetime | None = None,
    besides: Collection[int] = (),
) -> None:
    """Carry every live entry of some hashes over to others each: the same person under another number or id.

    With `until` only those entries that were made by then, `besides` those of these ids.
    """
    hits = [Hit(row, until) for row in entries(tenant, targets, until).exclude(pk__in=besides)]
    suppress(tenant, [_carried(hit, named) for hit in hits for named in targets[bytes(hit.row.digest)]])


def entries(tenant: Tenant, keys: Iterable[bytes], until: datetime | None = None) -> QuerySet[Suppression]:
    """Every live entry of these hashes; with `until` those that were made by then."""
    live = Suppression.objects.filter(tenant=tenant, digest__in=list(keys), lifted_at=None)
    return live.filter(since__lte=until) if until else live
