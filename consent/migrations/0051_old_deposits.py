"""Heads from before count as kept and mailed: nobody is sent a seal of long ago on the first day."""

from django.db import migrations

DONE = """
SELECT set_config('app.across', 'on', true);
INSERT INTO consent_ledgerdeposit (tenant_id, kept, mailed)
SELECT tenant_id, max(number), max(number) FROM consent_ledgeranchor GROUP BY tenant_id
ON CONFLICT (tenant_id) DO NOTHING;
SELECT set_config('app.across', '', true);
"""


class Migration(migrations.Migration):
    dependencies = [("consent", "0050_deposits")]

    operations = [migrations.RunSQL(DONE, migrations.RunSQL.noop)]
