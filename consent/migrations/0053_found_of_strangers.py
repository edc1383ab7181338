"""What an erasure finds of people who are no contacts, and an end for proofs of contacts that were deleted before.

Where such a contact had agreed to something that nobody has ended since, above all to e-mail, its proof would stay for
good: nobody knows any more whose it is.
"""

from django.db import migrations, models

LOCK_AWAY = """
SELECT set_config('app.across', 'on', true);
UPDATE consent_consentevidence p
SET kept_until = make_date(extract(year FROM left_over.last)::int + 3, 12, 31)
FROM (
    SELECT e.tenant_id, e.subject_id, max(e.occurred_at) AS last FROM consent_consentevent e
    WHERE EXISTS (
        SELECT FROM consent_consentstate s
        WHERE s.tenant_id = e.tenant_id AND s.subject_id = e.subject_id AND s.state IN ('granted', 'renewed'))
      AND NOT EXISTS (
        SELECT FROM contacts_contact c WHERE c.tenant_id = e.tenant_id AND c.subject_id = e.subject_id)
    GROUP BY e.tenant_id, e.subject_id) left_over
JOIN consent_consentevent said ON said.tenant_id = left_over.tenant_id AND said.subject_id = left_over.subject_id
WHERE p.tenant_id = said.tenant_id AND p.event_id = said.event_id AND p.kept_until IS NULL;
SELECT set_config('app.across', '', true);
"""


class Migration(migrations.Migration):
    dependencies = [("consent", "0052_deposits_are_owed")]

    operations = [
        migrations.AddField(
            model_name="datarequest",
            name="found",
            field=models.JSONField(blank=True, db_default={}, default=dict, editable=False),
        ),
        migrations.RunSQL(LOCK_AWAY, migrations.RunSQL.noop),
    ]
