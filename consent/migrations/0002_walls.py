"""The second wall: row-level security and same-tenant foreign keys of this app's tables."""

from django.db import migrations

from tenants.isolation import AppendOnly, IsolateTenant


class Migration(migrations.Migration):
    dependencies = [("consent", "0001_initial")]

    operations = [
        IsolateTenant("ConsentHead"),
        IsolateTenant("Wording"),
        IsolateTenant("WordingVersion"),
        IsolateTenant("ConsentEvent"),
        AppendOnly("ConsentEvent"),
        IsolateTenant("ConsentEvidence"),
        IsolateTenant("ConsentState"),
        IsolateTenant("Suppression"),
    ]
