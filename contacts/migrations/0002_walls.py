"""The second wall: row-level security and same-tenant foreign keys of this app's tables."""

from django.db import migrations

from tenants.isolation import IsolateTenant


class Migration(migrations.Migration):
    dependencies = [("contacts", "0001_initial")]

    operations = [
        IsolateTenant("Contact"),
        IsolateTenant("ContactList"),
        IsolateTenant("Event"),
        IsolateTenant("Identity"),
        IsolateTenant("Import"),
        IsolateTenant("ListMember"),
        IsolateTenant("RejectedRow"),
        IsolateTenant("StagedRow"),
        IsolateTenant("Tag"),
        IsolateTenant("ContactTag"),
        # Staged lines can be read from the file again, so they need no write-ahead log.
        migrations.RunSQL("ALTER TABLE contacts_stagedrow SET UNLOGGED", migrations.RunSQL.noop),
    ]
