"""Signed heads are taken out of the database by a task that beat rings, and what fails says so."""

from django.db import migrations, models
from django.db.models.functions import Now
from django.utils.timezone import now

# Also of companies that had no row yet; what old code signs meanwhile stands here with the next head.
SIGNED = """
SELECT set_config('app.across', 'on', true);
INSERT INTO consent_ledgerdeposit (tenant_id, signed)
SELECT tenant_id, max(number) FROM consent_ledgeranchor GROUP BY tenant_id
ON CONFLICT (tenant_id) DO UPDATE SET signed = EXCLUDED.signed;
SELECT set_config('app.across', '', true);
"""


class Migration(migrations.Migration):
    dependencies = [("consent", "0051_old_deposits")]

    operations = [
        migrations.AddField("ledgerdeposit", "signed", models.IntegerField(default=0, db_default=0)),
        migrations.AddField("ledgerdeposit", "next_attempt_at", models.DateTimeField(default=now, db_default=Now())),
        migrations.AddField("ledgerdeposit", "attempts", models.PositiveIntegerField(default=0, db_default=0)),
        migrations.AddField(
            "ledgerdeposit", "error", models.CharField(max_length=100, blank=True, default="", db_default="")
        ),
        migrations.AddField("ledgerdeposit", "refused_until", models.DateTimeField(null=True)),
        migrations.RemoveField("ledgerdeposit", "leased_until"),
        migrations.RunSQL(SIGNED, migrations.RunSQL.noop),
        migrations.AddField("ledgercheck", "is_uncompared", models.BooleanField(default=False, db_default=False)),
    ]
