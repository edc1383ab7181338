"""Finds what waits to be looked at; made while messages go on arriving, so alone in its migration."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("inbox", "0008_looked_at")]

    operations = [
        AddIndexConcurrently(
            "inboundmessage",
            models.Index(
                fields=["tenant", "sent_at"],
                name="inbound_to_look_at",
                condition=models.Q(needs_a_look=True, looked_at__isnull=True),
            ),
        ),
    ]
