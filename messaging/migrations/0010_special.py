"""Sources whose recipients are chosen by data of a special category (Art. 9 GDPR)."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("messaging", "0009_checked")]

    operations = [migrations.AddField("source", "is_special", models.BooleanField(default=False, db_default=False))]
