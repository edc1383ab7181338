"""What an erasure finds of people who are no contacts."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("consent", "0052_deposits_are_owed")]

    operations = [
        migrations.AddField(
            model_name="datarequest",
            name="found",
            field=models.JSONField(blank=True, db_default={}, default=dict, editable=False),
        ),
    ]
