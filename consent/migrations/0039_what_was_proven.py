"""Takes over what is known: addresses that people proved, codes that nobody can be given, and languages of forms.

Each statement by itself, so that sign-ups go on meanwhile; run again, it does the same.
"""

from typing import Any

from django.db import migrations

from consent.ledger import evidence
from contacts import identities
from tenants.encryption import CannotDecrypt
from tenants.scope import across_tenants, tenant_scope

AT_A_TIME = 2000
# A yes that confirmed a mail proved the address that it names: of a contact that is known by nothing else, or that
# confirmed the same sign-up in WhatsApp as well: one page asked for both, at one moment. Beside another number anybody
# may have typed it.
PROVEN = """
SELECT e.seq, i.id, i.digest, p.tenant_id, p.event_id, p.salt, p.sealed, e.occurred_at FROM consent_consentevent e
JOIN contacts_contact c ON c.tenant_id = e.tenant_id AND c.subject_id = e.subject_id
JOIN contacts_identity i ON i.tenant_id = c.tenant_id AND i.contact_id = c.id AND i.kind = 'email'
    AND i.valid_to IS NULL
JOIN consent_consentevidence p ON p.tenant_id = e.tenant_id AND p.event_id = e.event_id AND p.kept_until IS NULL
WHERE e.tenant_id = %s AND (e.seq, i.id) > (%s, %s) AND e.channel = 'email' AND e.state IN ('granted', 'renewed')
    AND e.authority = 3 AND e.doi_request_seq IS NOT NULL
    AND (c.phone IS NULL AND c.bsuid IS NULL OR EXISTS (
        SELECT FROM consent_consentevent w
        JOIN consent_consentevent wr ON wr.tenant_id = w.tenant_id AND wr.seq = w.doi_request_seq
        JOIN consent_consentevent er ON er.tenant_id = w.tenant_id AND er.seq = e.doi_request_seq
        WHERE w.tenant_id = e.tenant_id AND w.subject_id = e.subject_id AND w.channel = 'whatsapp'
            AND w.state IN ('granted', 'renewed') AND w.authority = 3 AND w.source_ref = e.source_ref
            AND wr.occurred_at = er.occurred_at))
ORDER BY e.seq, i.id LIMIT %s
"""
PROVE = """
UPDATE contacts_identity i SET proven_at = said.at FROM unnest(%s::bigint[], %s::timestamptz[]) AS said(id, at)
WHERE i.tenant_id = %s AND i.id = said.id AND (i.proven_at IS NULL OR i.proven_at < said.at)
"""
NOT_OWED = """
DELETE FROM consent_signupcode c USING consent_signupform f
WHERE f.tenant_id = c.tenant_id AND f.id = c.form_id AND f.without_code AND c.code IS NULL
"""
# As it was read off until now: English where the consent text has no German version.
LANGUAGES = """
UPDATE consent_signupform f SET language = 'en' FROM (
    SELECT DISTINCT ON (v.tenant_id, v.wording_id) v.tenant_id, v.wording_id, v.texts FROM consent_wordingversion v
    ORDER BY v.tenant_id, v.wording_id,
        (v.published_at IS NOT NULL AND v.retired_at IS NULL AND v.invalid_reason = '') DESC, v.number DESC) shown
WHERE shown.tenant_id = f.tenant_id AND shown.wording_id = f.wording_id
    AND coalesce(shown.texts ->> 'de', '') = '' AND coalesce(shown.texts ->> 'en', '') <> ''
"""


def take_over(apps: Any, schema_editor: Any) -> None:
    for tenant in apps.get_model("tenants", "Tenant").objects.order_by("pk"):
        after: tuple[int, int] | None = (0, 0)
        while after:
            after = _prove(tenant, after, schema_editor.connection)
    # Last what every sign-up waits for: its form.
    for statement in (NOT_OWED, LANGUAGES):
        with across_tenants("codes and forms of every company are what they were"):
            schema_editor.connection.cursor().execute(statement)


def _prove(tenant: Any, after: tuple[int, int], connection: Any) -> tuple[int, int] | None:
    """Where the next batch begins; None at the end."""
    with tenant_scope(tenant.pk), connection.cursor() as cursor:
        cursor.execute(PROVEN, [tenant.pk, *after, AT_A_TIME])
        rows = cursor.fetchall()
        proven = {row[1]: row[-1] for row in rows if bytes(row[2]) == _named(tenant, *row[3:7])}
        cursor.execute(PROVE, [list(proven), list(proven.values()), tenant.pk])
    return rows[-1][:2] if len(rows) == AT_A_TIME else None


def _named(tenant: Any, tenant_id: int, event_id: Any, salt: bytes, sealed: str) -> bytes | None:
    """The hash of the address that a proof names: the contact may have got another one since."""
    row = evidence.ConsentEvidence(tenant_id=tenant_id, event_id=event_id, salt=salt, sealed=sealed)
    try:
        address = evidence.unseal(row).get("email")
    except CannotDecrypt:
        return None
    return identities.digest(tenant, "email", address) if address else None


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("consent", "0038_visits"), ("contacts", "0011_proven_identities")]

    operations = [migrations.RunPython(take_over, migrations.RunPython.noop)]
