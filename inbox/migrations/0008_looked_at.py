"""Unclear wishes wait until somebody of the team is done with them."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("inbox", "0007_days_by_function")]

    operations = [migrations.AddField("inboundmessage", "looked_at", models.DateTimeField(null=True))]
