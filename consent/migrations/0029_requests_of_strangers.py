"""Requests of people who are no contact: what they named themselves by, encrypted."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("consent", "0028_ended_contracts")]

    operations = [
        migrations.AddField(
            model_name="datarequest",
            name="named_encrypted",
            field=models.TextField(blank=True, db_default="", default="", editable=False),
        ),
    ]
