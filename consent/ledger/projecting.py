"""The projection: what each person's ledger rows add up to, kept beside the ledger in the same transaction."""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from django.db import connection

from consent.ledger.folding import GRANTS, Folded, Happened, Pair, fold
from consent.linting import ages
from consent.models import WordingVersion
from tenants.models import Tenant

FIELDS = ", ".join(f"e.{name}" for name in Happened._fields)
HISTORIES = f"""
    SELECT e.subject_id, e.wording_version_id, {FIELDS}
    FROM unnest(%s::uuid[]) AS wanted(subject_id)
    JOIN consent_consentevent e ON e.tenant_id = %s AND e.subject_id = wanted.subject_id
"""
# Senders lock the same rows in the same order (rules.lock_states), so neither can wait for the other in a circle.
LOCK = """
    SELECT s.subject_id, s.channel, s.purpose FROM consent_consentstate s
    WHERE s.tenant_id = %s AND s.subject_id = ANY(%s::uuid[])
    ORDER BY s.subject_id, s.channel, s.purpose FOR UPDATE
"""
FORGET = """
    DELETE FROM consent_consentstate s
    USING unnest(%s::uuid[], %s::text[], %s::text[]) AS over(subject_id, channel, purpose)
    WHERE s.tenant_id = %s AND s.subject_id = over.subject_id AND s.channel = over.channel AND s.purpose = over.purpose
"""
# Rows that say the same already are left alone: no lock for the sender, no dead row.
UPSERT = """
    INSERT INTO consent_consentstate AS s
        (tenant_id, subject_id, channel, purpose, state, since, seq, reason, age_confirmed, valid_until,
         stopped_numbers)
    SELECT %s, n.subject_id, n.channel, n.purpose, n.state, n.since, n.seq, n.reason, n.age_confirmed, n.valid_until,
        string_to_array(n.stopped, ',')
    FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::text[], %s::timestamptz[], %s::bigint[], %s::text[],
        %s::boolean[], %s::timestamptz[], %s::text[])
        AS n(subject_id, channel, purpose, state, since, seq, reason, age_confirmed, valid_until, stopped)
    ORDER BY n.subject_id, n.channel, n.purpose
    ON CONFLICT (tenant_id, subject_id, channel, purpose) DO UPDATE SET
        (state, since, seq, reason, age_confirmed, valid_until, stopped_numbers) =
        (EXCLUDED.state, EXCLUDED.since, EXCLUDED.seq, EXCLUDED.reason, EXCLUDED.age_confirmed,
         EXCLUDED.valid_until, EXCLUDED.stopped_numbers)
    WHERE (s.state, s.since, s.seq, s.reason, s.age_confirmed, s.valid_until, s.stopped_numbers) IS DISTINCT FROM
        (EXCLUDED.state, EXCLUDED.since, EXCLUDED.seq, EXCLUDED.reason, EXCLUDED.age_confirmed,
         EXCLUDED.valid_until, EXCLUDED.stopped_numbers)
"""

Histories = dict[UUID, list[Happened]]
States = Mapping[UUID, Mapping[Pair, Folded]]
Stored = tuple[UUID, str, str]  # subject, channel, purpose


def histories(tenant: Tenant, subjects: Iterable[UUID]) -> Histories:
    """The ledger rows of these people, by subject; people without rows are missing."""
    found: Histories = {}
    with connection.cursor() as cursor:
        cursor.execute(HISTORIES, [[str(subject) for subject in subjects], tenant.pk])
        rows = [(subject, version, Happened(*values)) for subject, version, *values in cursor.fetchall()]
    of_age = _of_age(tenant, {version for _subject, version, event in rows if version and _is_silent(event)})
    for subject, version, event in rows:
        is_confirmed = version in of_age and _is_silent(event)
        found.setdefault(subject, []).append(event._replace(age_confirmed=True) if is_confirmed else event)
    return found


def _is_silent(event: Happened) -> bool:
    """Whether a row is a yes without the age: those of before it was read out of the text (consent.linting.ages)."""
    return event.age_confirmed is None and event.state in GRANTS


def _of_age(tenant: Tenant, versions: set[int]) -> set[int]:
    """Those of these published texts, which nobody can change, that say the age themselves."""
    if not versions:
        return set()
    known = WordingVersion.objects.filter(tenant=tenant, pk__in=versions).values_list("pk", "texts")
    return {pk for pk, texts in known if ages.says_age(texts.values())}


def lock(tenant: Tenant, subjects: Iterable[UUID]) -> set[Stored]:
    """Keep senders from claiming messages to these people until the transaction ends; returns the rows they have."""
    with connection.cursor() as cursor:
        cursor.execute(LOCK, [tenant.pk, [str(subject) for subject in subjects]])
        return set(cursor.fetchall())


def write(tenant: Tenant, states: States, *, stored: Iterable[Stored] = ()) -> None:
    """Store the folded states of these people; of the rows `stored` those that hold no longer are deleted."""
    rows = [(str(subject), *pair, folded) for subject, pairs in states.items() for pair, folded in pairs.items()]
    over = [(str(s), c, p) for s, c, p in stored if s in states and (c, p) not in states[s]]
    folded = [row[3] for row in rows]
    with connection.cursor() as cursor:
        if over:
            cursor.execute(FORGET, [*map(list, zip(*over, strict=True)), tenant.pk])
        if rows:
            keys = [[row[i] for row in rows] for i in range(3)]
            cursor.execute(UPSERT, [tenant.pk, *keys, *_columns(folded)])


def rebuild(tenant: Tenant, *, after: UUID, batch: int = 5000) -> Sequence[UUID]:
    """Fold the ledger of the next people after this subject anew; returns them, empty at the end.

    The caller holds the head's lock; between batches writers get their turn.
    """
    subjects = _subjects_after(tenant, after, batch)
    stored = lock(tenant, subjects)
    found = histories(tenant, subjects)
    write(tenant, {subject: fold(found.get(subject, ())) for subject in subjects}, stored=stored)
    return subjects


def _subjects_after(tenant: Tenant, after: UUID, batch: int) -> Sequence[UUID]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT subject_id FROM consent_consentevent WHERE tenant_id = %s AND subject_id > %s"
            " UNION SELECT subject_id FROM consent_consentstate WHERE tenant_id = %s AND subject_id > %s"
            " ORDER BY 1 LIMIT %s",
            [tenant.pk, str(after), tenant.pk, str(after), batch],
        )
        return [row[0] for row in cursor.fetchall()]


def _columns(folded: Sequence[Folded]) -> list[list[object]]:
    return [
        [f.state for f in folded],
        [f.since for f in folded],
        [f.seq for f in folded],
        [f.reason for f in folded],
        [f.age_confirmed for f in folded],
        [f.valid_until for f in folded],
        [",".join(f.stopped_numbers) for f in folded],
    ]
