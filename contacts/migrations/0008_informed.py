"""When an import first brought somebody new, and when they had been told whence their data come (Art. 14 GDPR)."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("contacts", "0007_events_by_index_alone")]

    operations = [
        migrations.AddField("import", name, models.DateTimeField(blank=True, null=True))
        for name in ("brought_at", "informed_at")
    ]
