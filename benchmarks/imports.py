"""Imports a file of contacts with consent columns through the real worker, ledger, evidence and states included.

The limit reads the same file, normalises the numbers on the fast path, and copies the lines into an unlogged table.
`bulk_create` is the naive way of who has read on in Django's documentation: no ledger, no evidence, no names.
"""

import csv
import io
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from django.db import connection

from benchmarks import Measured, rounds, statuses
from benchmarks.fleet import Fleet, wait_until
from benchmarks.rounds import Timed
from consent.actions import imports
from consent.models import ConsentState
from contacts import phones
from contacts.models import Contact, Import
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests import factories

# In each round; once beside them a file of a million, whose rows may cost no more and whose memory may not grow.
PEOPLE, TIMES, MORE = 100_000, 10, 1.5
# update_or_create takes minutes for more; what is printed beside is told by a tenth.
NAIVELY, BESIDE = 2_000, 10
HEADER = (
    "Telefon;Vorname;Nachname;E-Mail;PLZ;Kundennummer;"
    "WhatsApp-Einwilligung;Einwilligung am;Einwilligungsquelle;Wortlaut;Nachweis\n"
)
LINE = (
    "0151{n:08d};Anna;Muster{k};anna{n}@example.com;{plz};K{n};ja;2026-03-0{d}T12:00:00+01:00;Formular Kasse;"
    "Ja, ich möchte Angebote per WhatsApp erhalten.;Bestellung {n}\n"
)
FIELDS = ("first_name", "last_name", "email", "postcode", "external_id")
STAGING = """
CREATE UNLOGGED TABLE bench_staged (phone text, first_name text, last_name text, email text, postcode text,
    external_id text, consent text)
"""


def measure(people: int = PEOPLE) -> list[Measured]:
    """At least 0.4 of reading and copying alone, and fifty times update_or_create."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as base:
        folder = Path(base)
        ways: dict[str, rounds.Way] = {
            "ours": partial(imported, people),
            "naive": partial(_naive, folder, min(people, NAIVELY)),
            "limit": partial(_limit, folder, people),
            "bulk_create": partial(_in_bulk, folder, people // BESIDE),
        }
        with connection.cursor() as cursor:
            cursor.execute(STAGING)
        with Fleet(folder, ("default",)):
            rates = rounds.interleaved(ways)
            name, unit = "import, with consent", "rows/s"
            speed = rounds.judged(name, unit, rates, bar_naive=50, bar_limit=0.4)
            bulk = rates["bulk_create"].median
            counts = f"{people:,} rows beside bulk_create of {people // BESIDE:,}"
            beside = Measured(f"{name}: {counts}", unit, speed.ours, speed.ours >= 3 * bulk, round(bulk, 1), None, 3)
            return [speed, beside, _large(people * TIMES, speed.ours)]


def _large(count: int, usual: float) -> Measured:
    done = imported(count)
    rate = done.done / done.seconds
    print(f"  import of {count:,} in one file: {rate:,.0f}/s", flush=True)
    return Measured(f"import of {count:,} in one file", "rows/s", round(rate), met=rate * MORE >= usual)


def _tenant() -> Tenant:
    mark = f"import-{time.monotonic_ns()}"
    return factories.company(slug=mark, name="Import", owner_email=f"{mark}@example.com").tenant


def text(count: int) -> str:
    """A file of so many people as a shop would export it."""
    lines = (LINE.format(n=n, k=n % 9973, plz=10000 + n % 89999, d=1 + n % 9) for n in range(count))
    return HEADER + "".join(lines)


def imported(count: int) -> Timed:
    """A file of so many people for a new company, from the upload to the end; a default worker must run."""
    tenant = _tenant()
    file = io.BytesIO(text(count).encode())
    started = time.perf_counter()
    with tenant_scope(tenant):
        run = imports.start_import(tenant=tenant, file=file, filename="kunden.csv", by=None)
    wait_until(lambda: _state(run) not in ("checking", "running"), "the import", 3600, poll_s=0.1)
    took = time.perf_counter() - started
    with tenant_scope(tenant):
        assert Contact.objects.filter(tenant=tenant).count() == count
        assert ConsentState.objects.filter(tenant=tenant, purpose="marketing", state="granted").count() == count
    return Timed(count, took)


def _state(imported: Import) -> str:
    with tenant_scope(imported.tenant_id):
        return Import.objects.values_list("state", flat=True).get(pk=imported.pk)


def _naive(folder: Path, count: int) -> int:
    """The loop that every tutorial shows, without any ledger."""
    tenant = _tenant()
    for row in _rows(folder, count):
        with tenant_scope(tenant):
            contact, _ = Contact.objects.update_or_create(
                tenant=tenant,
                phone=phones.normalise(row[0], "DE"),
                defaults={"first_name": row[1], "last_name": row[2], "postcode": row[4], "external_id": row[5]},
            )
            ConsentState.objects.update_or_create(
                tenant=tenant,
                subject_id=contact.subject_id,
                channel="whatsapp",
                purpose="marketing",
                defaults={"state": "granted", "since": row[7], "seq": 1},
            )
    return count


def _in_bulk(folder: Path, count: int) -> int:
    """A thousand rows at a time, contacts and states."""
    tenant = _tenant()
    for rows in statuses.batched(list(_rows(folder, count)), 1000):
        with tenant_scope(tenant):
            people = Contact.objects.bulk_create(
                [
                    Contact(
                        tenant=tenant,
                        phone=phones.normalise(row[0], "DE"),
                        **dict(zip(FIELDS, row[1:6], strict=True)),
                    )
                    for row in rows
                ],
                update_conflicts=True,
                unique_fields=["tenant", "phone"],
                update_fields=FIELDS,
            )
            ConsentState.objects.bulk_create(
                [
                    ConsentState(
                        tenant=tenant,
                        subject_id=person.subject_id,
                        channel="whatsapp",
                        purpose="marketing",
                        state="granted",
                        since=row[7],
                        seq=1,
                    )
                    for person, row in zip(people, rows, strict=True)
                ],
                update_conflicts=True,
                unique_fields=["tenant", "subject_id", "channel", "purpose"],
                update_fields=["state", "since", "seq"],
            )
    return count


def _limit(folder: Path, count: int) -> int:
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE bench_staged")
    batch: list[str] = []
    for row in _rows(folder, count):
        batch.append("\t".join((str(phones.normalise(row[0], "DE")), *row[1:6], "|".join(row[6:]))))
        if len(batch) == 10_000:
            _copy(batch)
            batch = []
    _copy(batch)
    return count


def _rows(folder: Path, count: int) -> Iterator[list[str]]:
    path = folder / f"{count}.csv"
    if not path.exists():
        path.write_text(text(count))
    with path.open(newline="") as file:
        rows = csv.reader(file, delimiter=";")
        next(rows)
        yield from rows


def _copy(batch: list[str]) -> None:
    if batch:
        with connection.cursor() as cursor:
            cursor.copy_expert("COPY bench_staged FROM STDIN", io.StringIO("\n".join(batch) + "\n"))
