"""The second wall: row-level security and same-tenant foreign keys of this app's tables."""

from django.db import migrations

from tenants.isolation import IsolateTenant


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0001_initial")]

    operations = [
        IsolateTenant("Campaign"),
        IsolateTenant("Audience"),
        IsolateTenant("Variant"),
    ]
