"""Appending rows: numbers without gaps, the hash chain, evidence and projection, all in the caller's transaction."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from django.db import connection, transaction

from consent.ledger import chain, evidence, projecting, suppressing
from consent.ledger.entries import Appended, Entry
from consent.ledger.folding import GRANTS, HOLDS, NOES, Folded, Happened, Pair, fold, is_blocked, reach
from consent.models import Authority, ConsentHead, State
from consent.rights import walking
from contacts.identities import digest
from contacts.models import Contact
from tenants.models import Tenant

ENTRIES_PER_BATCH = 5000
YESES = GRANTS | {State.REQUESTED.value}
# After these nothing that waits may go out any more, whichever way they came in (CG-21).
WAYS_OUT = NOES | HOLDS | {State.META_STOPPED.value}
RECORD = ", ".join(f"{name} {kind}" for name, kind in chain.COLUMNS.items())
NAMES = ", ".join(chain.COLUMNS)
READ = ", ".join(f"coalesce({name}, '')" if name in chain.LATER else name for name in chain.COLUMNS)
# The columns are read out of the very text that was hashed, so the two cannot differ.
INSERT = f"""
    INSERT INTO consent_consentevent (tenant_id, wording_version_id, canonical, prev_hash, row_hash, {NAMES})
    SELECT %s, t.wording_version_id, t.canonical, t.prev_hash, t.row_hash, {READ}
    FROM unnest(%s::bigint[], %s::text[], %s::bytea[], %s::bytea[])
        AS t(wording_version_id, canonical, prev_hash, row_hash),
        json_to_record(t.canonical::json) AS r({RECORD})
"""
KNOWN = """
    SELECT e.idempotency_key, e.event_id
    FROM unnest(%s::text[]) AS wanted(key)
    JOIN consent_consentevent e ON e.tenant_id = %s AND e.idempotency_key = wanted.key
"""


def append(tenant: Tenant, entries: Sequence[Entry]) -> list[Appended]:
    """Write entries to a tenant's ledger, all or none; returns what became of each, in the same order.

    Runs in the caller's scope and transaction and locks first the end of the chain, then the states of the people
    concerned, so that writers queue and cannot deadlock. Entries whose key is known add nothing. Restrictive entries
    are always accepted; a yes by import, agent or API over a restriction, and a lift by anybody but the person, write
    nothing and say so (consent-gdpr §§ 5, 8). Every 5,000 entries cost well under a second.
    """
    done: list[Appended] = []
    with transaction.atomic():
        for start in range(0, len(entries), ENTRIES_PER_BATCH):
            done += _appended(tenant, entries[start : start + ENTRIES_PER_BATCH])
    return done


def _appended(tenant: Tenant, entries: Sequence[Entry]) -> list[Appended]:
    head, moment = _locked_head(tenant)
    batch = _Batch(tenant, head, moment, entries)
    results = [batch.take(entry, key) for entry, key in zip(entries, batch.keys, strict=True)]
    batch.save()
    return [
        Appended(seq, event_id, batch.after(entry), skipped, batch.states_of(entry))
        for entry, (seq, event_id, skipped) in zip(entries, results, strict=True)
    ]


def lock(tenant: Tenant) -> tuple[int, datetime]:
    """Let no other writer append to this tenant's ledger until the transaction ends.

    For actions that read, decide and append: between reading and appending nobody may change what was read. Returns
    the number of the last row and the database's clock after the wait.
    """
    head, moment = _locked_head(tenant)
    return head.last_seq, moment


def _locked_head(tenant: Tenant) -> tuple[ConsentHead, datetime]:
    """The end of the chain under lock, made on first use, and the database's clock read after the wait."""
    heads = ConsentHead.objects.select_for_update()
    head = heads.filter(tenant=tenant).first()
    if head is None:
        first = ConsentHead(tenant=tenant, last_seq=0, last_hash=chain.genesis(tenant))
        ConsentHead.objects.bulk_create([first], ignore_conflicts=True)
        head = heads.get(tenant=tenant)
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return head, cursor.fetchone()[0]


class _Batch:
    """The entries of one append on their way into the ledger."""

    def __init__(self, tenant: Tenant, head: ConsentHead, moment: datetime, entries: Sequence[Entry]) -> None:
        self.tenant, self.head, self.moment = tenant, head, moment
        self.seq, self.hash = head.last_seq, bytes(head.last_hash)
        self.keys = [digest(tenant, "ledger", entry.key).hex() for entry in entries]
        self.events = self._known()
        self.subjects = sorted({entry.subject_id for entry in entries})
        self.histories = projecting.histories(tenant, self.subjects)
        self.stored = projecting.lock(tenant, self.histories) if self.histories else set()
        weak = {e.subject_id for e in entries if e.state in YESES and e.authority < Authority.PERSON}
        self.hits = suppressing.hits(tenant, weak) if weak else {}
        self.rows: list[tuple[int | None, str, bytes, bytes]] = []
        self.sealed: list[evidence.Sealed] = []
        self.changed: set[UUID] = set()
        self.out: set[UUID] = set()
        self.states: dict[UUID, dict[Pair, Folded]] = {}

    def _known(self) -> dict[str, UUID]:
        with connection.cursor() as cursor:
            cursor.execute(KNOWN, [self.keys, self.tenant.pk])
            return dict(cursor.fetchall())

    def take(self, entry: Entry, key: str) -> tuple[int | None, UUID | None, str]:
        """Chain one entry, or say why not: (seq, event id, why it was skipped)."""
        if key in self.events:
            return None, self.events[key], "duplicate"
        history = self.histories.setdefault(entry.subject_id, [])
        if refusal := self._refusal(entry, history):
            return None, None, refusal
        row = self._row(entry, key, history)
        text = chain.canonical(row)
        previous, self.hash = self.hash, chain.link(self.hash, text)
        self.rows.append((entry.wording_version_id, text, previous, self.hash))
        history.append(Happened(*(row[name] for name in Happened._fields)))
        self.changed.add(entry.subject_id)
        if entry.state in WAYS_OUT:
            self.out.add(entry.subject_id)
        self.events[key] = row["event_id"]
        return self.seq, row["event_id"], ""

    def _refusal(self, entry: Entry, history: Sequence[Happened]) -> str:
        if entry.authority >= Authority.PERSON:
            return ""
        if entry.state == State.SUPPRESSION_LIFTED:
            return "not_permitted"
        if entry.state not in YESES:
            return ""
        scopes = self.hits.get(entry.subject_id)
        if scopes and suppressing.covers(scopes, entry.channel, entry.purpose):
            return "suppressed"
        return "suppressed" if history and is_blocked(history, entry.channel, entry.purpose) else ""

    def _row(self, entry: Entry, key: str, history: Sequence[Happened]) -> dict[str, Any]:
        self.seq += 1
        event_id = uuid4()
        row = {name: getattr(entry, name) for name in COPIED}
        row |= {"seq": self.seq, "event_id": event_id, "recorded_at": self.moment, "idempotency_key": key}
        # Nothing can have happened after it was recorded: a clock that runs ahead must not outlast later words.
        row["occurred_at"] = min(entry.occurred_at, self.moment)
        row["actor_type"], row["actor_id"] = entry.actor
        row["supersedes_seq"] = _latest(history, entry) if history else None
        row["evidence_digest"] = self._seal(event_id, entry.evidence)
        return row

    def _seal(self, event_id: UUID, proof: dict[str, Any] | None) -> str:
        if not proof:
            return ""
        self.sealed.append(evidence.seal(self.tenant, event_id, proof))
        return self.sealed[-1].digest

    def save(self) -> None:
        """Write rows, evidence, head and the states of everybody concerned."""
        if not self.rows:
            return
        with connection.cursor() as cursor:
            cursor.execute(INSERT, [self.tenant.pk, *map(list, zip(*self.rows, strict=True))])
        evidence.store(self.tenant, self.sealed)
        ConsentHead.objects.filter(tenant=self.tenant).update(last_seq=self.seq, last_hash=self.hash)
        self.states = {subject: fold(self.histories[subject]) for subject in self.changed}
        projecting.write(self.tenant, self.states, stored=self.stored)
        walking.stop(self.tenant, self._out())

    def _out(self) -> list[int]:
        """The contacts of those who said no in this batch."""
        if not self.out:
            return []
        people = Contact.objects.filter(tenant=self.tenant, subject_id__in=self.out)
        return list(people.order_by("pk").values_list("pk", flat=True))

    def states_of(self, entry: Entry) -> dict[Pair, Folded]:
        """What everything recorded of this entry's person adds up to, by channel and purpose."""
        if entry.subject_id not in self.states:
            self.states[entry.subject_id] = fold(self.histories.get(entry.subject_id, ()))
        return self.states[entry.subject_id]

    def after(self, entry: Entry) -> Folded | None:
        """The same for this entry's channel and purpose only, or for the first pair it reaches."""
        states = self.states_of(entry)
        own = states.get((entry.channel, entry.purpose))
        return own or next((states[pair] for pair in _reached(entry) if pair in states), None)


# Columns that are taken over from the entry as they are.
COPIED = [name for name in chain.COLUMNS if name in Entry.__dataclass_fields__]


def _reached(entry: Entry) -> Iterable[Pair]:
    return reach(Happened(0, entry.channel, entry.purpose, entry.state, entry.authority, entry.occurred_at))


def _latest(history: Sequence[Happened], entry: Entry) -> int | None:
    """The row that said something about this channel and purpose last."""
    same = [event.seq for event in history if (event.channel, event.purpose) == (entry.channel, entry.purpose)]
    return max(same, default=None)
