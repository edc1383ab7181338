"""Where Meta keeps a number's messages at rest (CG-53)."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("whatsapp", "0007_no_index_on_tenant_alone")]

    operations = [
        migrations.AddField("number", "storage_region", models.CharField(blank=True, db_default="", max_length=2)),
    ]
