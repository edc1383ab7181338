"""The second wall: row-level security and same-tenant foreign keys of this app's tables."""

from django.db import migrations

from tenants.isolation import IsolateTenant


class Migration(migrations.Migration):
    dependencies = [("messaging", "0001_initial")]

    operations = [
        IsolateTenant("Source"),
        IsolateTenant("Message"),
        IsolateTenant("Link"),
        IsolateTenant("Content"),
        IsolateTenant("Click"),
        # Room for heap-only updates: every message row is updated four to six times (docs/decisions/0003).
        migrations.RunSQL(
            "ALTER TABLE messaging_message SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02,"
            " autovacuum_analyze_scale_factor = 0.02)",
            migrations.RunSQL.noop,
        ),
    ]
