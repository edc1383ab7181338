"""Turns the consent and opt-out columns of imported lines into ledger rows, or counts why not (consent-gdpr § 8).

A yes needs time, source, wording and proof, and never goes over a no; a no needs nothing and always holds.
"""

import datetime
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
from django.db import connection

from consent import ledger
from consent.importing.claims import Claimed, keep
from consent.importing.wordings import MARKETING, Agreed, agreed
from consent.ledger import Entry, suppressing
from consent.ledger.folding import ENDS_WITH_MARKETING, GRANTS
from consent.ledger.subjects import stored_names, stranger
from consent.linting import ages
from consent.models import Authority, Channel, Purpose, Source, State
from consent.queries import controller_of
from contacts import identities
from contacts.importing import mapping, noting, reasons, staging, upserting
from contacts.models import Import
from tenants.models import Tenant

PROOF = ("at", "source", "wording", "proof")
# States over which an import cannot grant.
RESTRICTED = frozenset(
    state.value
    for state in (
        State.WITHDRAWN,
        State.OBJECTED,
        State.REFUSED,
        State.SUPPRESSED,
        State.META_STOPPED,
        State.RESTRICTED,
        State.ERASED,
    )
)
# A rejected line changes no contact, but its opt-out counts for every one that it names; its e-mail address, which
# families share, only where it names nobody better. Whoever is unknown comes without a contact.
LINES = """
    SELECT DISTINCT b.line, c.subject_id, c.restricted_at IS NOT NULL, b.phone, b.bsuid, b.email, b.consent,
        b.outcome = ANY(%(refused)s), coalesce(b.birthday, c.birthday), c.id
    FROM (
        SELECT line, phone, bsuid, email, consent, outcome,
            (import_batch.values ->> 'birthday')::date AS birthday, unnest(CASE
            WHEN outcome <> ALL(%(refused)s) THEN ARRAY[contact_id]
            WHEN contact_id IS NOT NULL THEN ARRAY[by_phone, by_external_id, by_bsuid, contact_id]
            ELSE coalesce(nullif(ARRAY(SELECT e.id FROM contacts_contact e
                WHERE e.tenant_id = %(tenant)s AND e.email = import_batch.email), '{}'), ARRAY[NULL::bigint])
            END) AS contact_id, contact_id IS NULL AS is_unmatched
        FROM import_batch WHERE consent IS NOT NULL
    ) b
    LEFT JOIN contacts_contact c ON c.tenant_id = %(tenant)s AND c.id = b.contact_id
    WHERE c.id IS NOT NULL OR b.is_unmatched
    ORDER BY b.line
"""
REFUSED = [*upserting.REFUSALS, staging.REJECTED]
# A yes without the age, which a file that tells it may complete.
OF_UNKNOWN_AGE = "of_unknown_age"
# Arrays, not lists of parameters: the ORM takes longer to write ten thousand of them than PostgreSQL to look them up.
STATES = """
    SELECT s.subject_id, CASE WHEN s.state IN ('granted', 'renewed') AND s.age_confirmed IS NULL
        THEN 'of_unknown_age' ELSE s.state END
    FROM unnest(%s::uuid[]) AS wanted(subject_id)
    JOIN consent_consentstate s ON s.tenant_id = %s AND s.subject_id = wanted.subject_id
        AND s.channel = %s AND s.purpose = %s
"""
LISTED = """
    SELECT DISTINCT s.digest FROM unnest(%s::bytea[]) AS wanted(digest)
    JOIN consent_suppression s ON s.tenant_id = %s AND s.digest = wanted.digest AND s.lifted_at IS NULL
        AND s.channel IN (%s, 'all') AND s.purpose IN (%s, 'all')
"""


@dataclass(frozen=True, slots=True)
class Line:
    """One line with something about consent; `subject_id` is None for a contact a dry run would create.

    On a rejected line only an opt-out counts; somebody unknown gets the subject that a stranger's STOPP would have.
    """

    number: int
    subject_id: UUID | None
    is_restricted: bool
    phone: str | None
    bsuid: str | None
    email: str | None
    said: dict[str, Any]
    is_rejected: bool
    birthday: datetime.date | None = None
    contact_id: int | None = None

    @property
    def is_claim(self) -> bool:
        """Whether the line says that the person agreed; a "no" in the yes-or-no column overrules the rest."""
        said = self.said.get("whatsapp")
        return said is not False and (bool(said) or any(self.said.get(key) for key in PROOF))

    @property
    def is_proven(self) -> bool:
        return all(self.said.get(key) for key in PROOF)


def declare(imported: Import, tenant: Tenant, *, accepted: int, rejected: int) -> Counter[str]:
    """Record what the lines of `import_batch` say about consent; returns how many by `reasons.CONSENT` code.

    Each of the `accepted` and `rejected` lines of this range is counted once, whatever it says; only a rejected one
    whose no holds for several people, for each. A file without columns about consent counts nothing.

    In the caller's transaction, after the contacts are written. Claims that were not recorded are noted by line. A dry
    run counts and notes the same, and writes nothing else.
    """
    if not mapping.tells_of_consent(imported.mapping):
        return Counter()
    telling = _lines(imported, tenant)
    opted_out = [line for line in telling if line.said.get("optout")]
    claims = [line for line in telling if line.is_claim and not line.said.get("optout") and not line.is_rejected]
    rest = _rest([*opted_out, *claims], accepted, rejected)
    if not telling:
        return rest
    if not imported.is_dry_run:
        # Between reading states and appending nobody else may write.
        ledger.lock(tenant)
    states = _states(tenant, telling)
    withdrawn = _withdraw(imported, tenant, opted_out, states)
    became = _grant(imported, tenant, claims, states)
    noting.note(imported, {line: code for line, code in became.items() if code in reasons.NOTED})
    return withdrawn + Counter(became.values()) + rest


def _rest(heard: Iterable[Line], accepted: int, rejected: int) -> Counter[str]:
    """The lines that say neither yes nor a no that counts, so that all counts together are all lines of the file."""
    # By number: a rejected line stands here once for each contact whom its no is about.
    is_rejected = {line.number: line.is_rejected for line in heard}
    refused = sum(is_rejected.values())
    return Counter(not_claimed=accepted - len(is_rejected) + refused, line_rejected=rejected - refused)


def _lines(imported: Import, tenant: Tenant) -> list[Line]:
    with connection.cursor() as cursor:
        cursor.execute(LINES, {"tenant": imported.tenant_id, "refused": REFUSED})
        found = [
            Line(number, subject, is_restricted, phone, bsuid, email, orjson.loads(said), *rest)
            for number, subject, is_restricted, phone, bsuid, email, said, *rest in cursor.fetchall()
        ]
    return [named for line in found if (named := _named(tenant, line))]


def _named(tenant: Tenant, line: Line) -> Line | None:
    """The line with its subject; None for a rejected one that names nobody who could be recognised later."""
    if line.subject_id or not line.is_rejected:
        return line
    digests = list(_digests(tenant, line))
    return replace(line, subject_id=stranger(tenant, digests)) if digests else None


def _states(tenant: Tenant, lines: Iterable[Line]) -> dict[UUID, str]:
    subjects = [str(line.subject_id) for line in lines if line.subject_id]
    with connection.cursor() as cursor:
        cursor.execute(STATES, [subjects, tenant.pk, *MARKETING])
        return dict(cursor.fetchall())


def _withdraw(imported: Import, tenant: Tenant, lines: Sequence[Line], states: dict[UUID, str]) -> Counter[str]:
    """Write withdrawals and put every identity of these people on the suppression list."""
    noes = {State.WITHDRAWN.value, State.OBJECTED.value}
    new = [line for line in lines if line.subject_id is None or states.get(line.subject_id) not in noes]
    # Two rejected lines may name one contact; people are counted, and each says no once.
    people = {line.subject_id or line.number: line for line in new}
    counts = Counter({"withdrawn": len(people), "already_withdrawn": len(lines) - len(people)})
    if not imported.is_dry_run:
        ledger.append(tenant, [entry for line in people.values() for entry in _withdrawals(imported, line)])
        named = {line.subject_id for line in new if line.subject_id}
        suppressing.suppress(tenant, _suppressions(imported, tenant, new), stopped=named)
    return counts


def _withdrawals(imported: Import, line: Line) -> Iterator[Entry]:
    for purpose in ENDS_WITH_MARKETING:
        yield _entry(
            imported,
            line,
            state=State.WITHDRAWN,
            channel=Channel.WHATSAPP.value,
            purpose=purpose,
            occurred_at=imported.created_at,
            key=f"{_key(imported, line)}:optout:{purpose}",
        )


def _suppressions(imported: Import, tenant: Tenant, lines: Sequence[Line]) -> Iterator[suppressing.Suppressed]:
    names: dict[UUID, set[tuple[str, bytes]]] = {}
    for line in lines:
        assert line.subject_id
        names.setdefault(line.subject_id, set()).update(_digests(tenant, line))
    for subject, name in stored_names(tenant, list(names)):
        names[subject].add(name)
    for kind, digest in {name for known in names.values() for name in known}:
        for purpose in ENDS_WITH_MARKETING:
            yield suppressing.Suppressed(
                kind, digest, Channel.WHATSAPP.value, purpose, suppressing.WITHDRAWN, imported.created_at
            )


def _grant(imported: Import, tenant: Tenant, claims: Sequence[Line], states: dict[UUID, str]) -> dict[int, str]:
    """Record the claims that hold; returns what became of each line."""
    wordings = agreed(
        tenant,
        (line.said["wording"] for line in claims if line.is_proven),
        by=imported.created_by,
        is_dry_run=imported.is_dry_run,
    )
    suppressed = _suppressed(tenant, claims)
    demands_age = controller_of(tenant).demands_age
    became: dict[int, str] = {}
    fit: list[tuple[Line, Agreed]] = []
    refused: list[Claimed] = []
    for line in claims:
        wording = wordings.get(line.said.get("wording", ""), "no_proof")
        reason = _obstacle(tenant, line, wording, states, suppressed, demands_age=demands_age)
        if reason == "skipped_suppressed" and line.is_proven and isinstance(wording, Agreed):
            refused += _claimed(tenant, line)
        if isinstance(wording, str) or reason:
            became[line.number] = reason
        else:
            fit.append((line, wording))
    if not imported.is_dry_run:
        keep(imported, tenant, refused)
    ahead = {line.number: _granted(line, wording, demands_age) for line, wording in fit}
    return became | (ahead if imported.is_dry_run else _appended(imported, tenant, fit, ahead))


def _claimed(tenant: Tenant, line: Line) -> Iterator[Claimed]:
    """What people may look at; nothing of somebody whose data are only stored (Art. 18 GDPR)."""
    if line.subject_id and line.contact_id and not line.is_restricted:
        yield Claimed(line.number, line.contact_id, line.subject_id, list(_digests(tenant, line)), line.said)


def _obstacle(
    tenant: Tenant,
    line: Line,
    wording: Agreed | str,
    states: dict[UUID, str],
    suppressed: set[int],
    *,
    demands_age: bool,
) -> str:
    """Why this claim is not recorded; "" when it is."""
    state = states.get(line.subject_id, "") if line.subject_id else ""
    if line.is_restricted or state in RESTRICTED or line.number in suppressed:
        return "skipped_suppressed"
    if not line.is_proven:
        return "no_proof"
    if isinstance(wording, str):
        return wording
    if line.said.get("age") is False or _was_too_young(tenant, line):
        return "minor"
    if state == OF_UNKNOWN_AGE and not _age(line, wording):
        return "age_unknown" if demands_age else "already_granted"
    return "already_granted" if state in GRANTS else ""


def _was_too_young(tenant: Tenant, line: Line) -> bool:
    """Whether the person was not 16 yet on the day of the yes (CG-07); `rules` judges later birthdays alike."""
    if line.birthday is None:
        return False
    at = datetime.datetime.fromisoformat(line.said["at"]).astimezone(ZoneInfo(tenant.timezone))
    return ages.is_too_young(line.birthday, at.date())


def _age(line: Line, wording: Agreed) -> bool | None:
    """What the file, else the text, says of the age (consent.linting.ages)."""
    return True if line.said.get("age") or wording.is_of_age else None


def _granted(line: Line, wording: Agreed, demands_age: bool) -> str:
    """What a recorded yes is worth: where the company demands the age, one without it allows no advertising."""
    is_contract = all(purpose == Purpose.TRANSACTIONAL for _channel, purpose in wording.pairs)
    return "age_unknown" if demands_age and not (is_contract or _age(line, wording)) else "granted"


def _suppressed(tenant: Tenant, claims: Sequence[Line]) -> set[int]:
    """The numbers of the lines whose person is on the suppression list, by what we know and what the file says."""
    found = suppressing.hits(tenant, {line.subject_id for line in claims if line.subject_id})
    blocked = {subject for subject, scopes in found.items() if suppressing.covers(scopes, *MARKETING)}
    by_digest: dict[bytes, set[int]] = {}
    for line in claims:
        for _kind, digest in _digests(tenant, line):
            by_digest.setdefault(digest, set()).add(line.number)
    with connection.cursor() as cursor:
        cursor.execute(LISTED, [list(by_digest), tenant.pk, *MARKETING])
        numbers = [by_digest[bytes(digest)] for (digest,) in cursor.fetchall()]
    return set().union(*numbers) | {line.number for line in claims if line.subject_id in blocked}


def _appended(
    imported: Import, tenant: Tenant, fit: Sequence[tuple[Line, Agreed]], worth: dict[int, str]
) -> dict[int, str]:
    """Append one yes per covered pair; returns what became of each line, by what its yes is worth."""
    entries = [(line, entry) for line, wording in fit for entry in _yeses(imported, line, wording)]
    results = ledger.append(tenant, [entry for _line, entry in entries])
    became: dict[int, str] = {}
    for (line, _entry), result in zip(entries, results, strict=True):
        if result.seq:
            became[line.number] = worth[line.number]
        else:
            became.setdefault(line.number, SKIPPED[result.skipped])
    return became


SKIPPED = {"duplicate": "already_granted", "suppressed": "skipped_suppressed", "not_permitted": "skipped_suppressed"}


def _yeses(imported: Import, line: Line, wording: Agreed) -> Iterator[Entry]:
    for channel, purpose in wording.pairs:
        yield _entry(
            imported,
            line,
            state=State.GRANTED,
            channel=channel,
            purpose=purpose,
            occurred_at=datetime.datetime.fromisoformat(line.said["at"]),
            # The same file with its column of the age assigned, too, says more.
            key=f"{_key(imported, line)}:{channel}:{purpose}" + (":16" if line.said.get("age") else ""),
            age_confirmed=_age(line, wording),
            wording_version_id=wording.version_id,
            wording_sha256=wording.sha256,
            policy_url=wording.policy_url,
            policy_version=wording.policy_version,
            policy_sha256=wording.policy_sha256,
        )


def _entry(imported: Import, line: Line, **said: Any) -> Entry:
    assert line.subject_id
    return Entry(
        subject_id=line.subject_id,
        authority=Authority.IMPORT,
        source=Source.IMPORT.value,
        source_ref=f"import {imported.uid} line {line.number}",
        by=imported.created_by,
        evidence={
            "file": imported.filename,
            "file_sha256": imported.sha256,
            "line": line.number,
            "phone": line.phone,
            "email": line.email,
            "bsuid": line.bsuid,
            **{f"consent.{key}": str(value) for key, value in line.said.items()},
        },
        **said,
    )


def _key(imported: Import, line: Line) -> str:
    """Names the cause: this person in this file. The same file again adds nothing, whatever its line order."""
    return f"import:{imported.sha256}:{line.subject_id}"


def _digests(tenant: Tenant, line: Line) -> Iterator[tuple[str, bytes]]:
    for kind, value in (("phone", line.phone), ("bsuid", line.bsuid), ("email", line.email)):
        if value:
            yield kind, identities.digest(tenant, kind, value)
