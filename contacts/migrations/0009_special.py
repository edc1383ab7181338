"""Tags and lists may tell of health, faith or the like (Art. 9 GDPR)."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("contacts", "0008_informed")]

    operations = [
        migrations.AddField(group, "is_special", models.BooleanField(default=False, db_default=False))
        for group in ("tag", "contactlist")
    ]
