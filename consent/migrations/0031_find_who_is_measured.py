"""Finds who agrees to being measured; made while people go on agreeing, so alone in its migration."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("consent", "0030_age_and_names")]

    operations = [
        AddIndexConcurrently(
            "consentstate",
            models.Index(
                fields=["tenant", "subject_id"],
                name="state_measured",
                condition=models.Q(channel="whatsapp", purpose="tracking", state__in=["granted", "renewed"]),
            ),
        ),
    ]
