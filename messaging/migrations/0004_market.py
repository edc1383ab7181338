"""The market whose price a message costs."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("messaging", "0003_find_open_sources")]

    operations = [
        migrations.AddField("message", "market", models.CharField(blank=True, db_default="", max_length=24)),
    ]
