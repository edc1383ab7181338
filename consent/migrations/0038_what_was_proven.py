"""Takes over what is known: languages of forms, addresses that people proved, and codes that nobody can be given."""

from typing import Any

from django.db import migrations

from tenants.scope import across_tenants

# As it was read off until now: English where the consent text has no German version.
LANGUAGES = """
UPDATE consent_signupform f SET language = 'en' FROM (
    SELECT DISTINCT ON (v.tenant_id, v.wording_id) v.tenant_id, v.wording_id, v.texts FROM consent_wordingversion v
    ORDER BY v.tenant_id, v.wording_id,
        (v.published_at IS NOT NULL AND v.retired_at IS NULL AND v.invalid_reason = '') DESC, v.number DESC) shown
WHERE shown.tenant_id = f.tenant_id AND shown.wording_id = f.wording_id
    AND coalesce(shown.texts ->> 'de', '') = '' AND coalesce(shown.texts ->> 'en', '') <> ''
"""
# A yes that confirmed a mail's request proved the address that the contact still has.
PROVEN = """
UPDATE contacts_identity i SET proven_at = said.at FROM (
    SELECT e.tenant_id, e.subject_id, max(e.occurred_at) AS at FROM consent_consentevent e
    WHERE e.channel = 'email' AND e.state IN ('granted', 'renewed') AND e.authority = 3
        AND e.doi_request_seq IS NOT NULL
    GROUP BY e.tenant_id, e.subject_id) said
JOIN contacts_contact c ON c.tenant_id = said.tenant_id AND c.subject_id = said.subject_id
WHERE i.tenant_id = c.tenant_id AND i.contact_id = c.id AND i.kind = 'email' AND i.valid_to IS NULL
    AND c.email IS NOT NULL
"""
NOT_OWED = """
DELETE FROM consent_signupcode c USING consent_signupform f
WHERE f.tenant_id = c.tenant_id AND f.id = c.form_id AND f.without_code AND c.code IS NULL
"""


def take_over(apps: Any, schema_editor: Any) -> None:
    with across_tenants("forms and addresses of every company are what they were"):
        for statement in (LANGUAGES, PROVEN, NOT_OWED):
            schema_editor.execute(statement)


class Migration(migrations.Migration):
    dependencies = [("consent", "0037_languages_and_visits"), ("contacts", "0011_proven_identities")]

    operations = [migrations.RunPython(take_over, migrations.RunPython.noop)]
