"""Where a number's business profile leads, as Meta last told it, and an address that is to be added (CG-61)."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("whatsapp", "0008_storage_region")]

    operations = [
        migrations.AddField("number", "profile", models.JSONField(blank=True, null=True)),
        migrations.AddField("number", "profile_link", models.CharField(blank=True, db_default="", max_length=200)),
        migrations.AddField("number", "profile_error", models.IntegerField(blank=True, null=True)),
    ]
