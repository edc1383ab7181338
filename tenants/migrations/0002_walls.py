"""The second wall: row-level security and same-tenant foreign keys of this app's tables."""

from django.db import migrations

from tenants.isolation import AppendOnly, IsolateTenant


class Migration(migrations.Migration):
    dependencies = [("tenants", "0001_initial")]

    operations = [
        IsolateTenant("ApiKey"),
        IsolateTenant("Membership"),
        IsolateTenant("IdempotencyKey"),
        IsolateTenant("AuditEvent"),
        AppendOnly("AuditEvent"),
    ]
