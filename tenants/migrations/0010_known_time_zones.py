"""No company's time zone is one that PostgreSQL does not know: a search through all companies would fail at it.

What was entered before forms refused it counts as Berlin, as if nothing had been.
"""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("tenants", "0009_fewer_audit_indexes")]

    operations = [
        migrations.RunSQL(
            "UPDATE tenants_tenant SET timezone = 'Europe/Berlin'"
            " WHERE timezone NOT IN (SELECT name FROM pg_timezone_names)",
            migrations.RunSQL.noop,
        ),
        migrations.RunSQL(
            "ALTER TABLE tenants_tenant ADD CONSTRAINT tenant_timezone_is_known"
            " CHECK (timezone(timezone, timestamptz '2000-01-01 00:00:00+00') IS NOT NULL)",
            "ALTER TABLE tenants_tenant DROP CONSTRAINT tenant_timezone_is_known",
        ),
    ]
