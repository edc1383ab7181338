"""Unclear wishes wait until somebody of the team is done with them."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("inbox", "0007_days_by_function")]

    operations = [
        migrations.AddField("inboundmessage", "looked_at", models.DateTimeField(null=True)),
        AddIndexConcurrently(
            "inboundmessage",
            models.Index(
                fields=["tenant", "sent_at"],
                name="inbound_to_look_at",
                condition=models.Q(needs_a_look=True, looked_at__isnull=True),
            ),
        ),
    ]
