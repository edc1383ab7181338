"""When the people of an import had been told whence their data come (Art. 14 GDPR)."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("contacts", "0007_events_by_index_alone")]

    operations = [migrations.AddField("import", "informed_at", models.DateTimeField(blank=True, null=True))]
