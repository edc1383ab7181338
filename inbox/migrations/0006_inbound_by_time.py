"""Received messages are found by their age, so that those past 24 months are deleted without reading all."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("inbox", "0005_webhooks_by_day")]

    operations = [
        AddIndexConcurrently("inboundmessage", models.Index(fields=["tenant", "sent_at"], name="inbound_by_time")),
    ]
