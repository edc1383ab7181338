"""Looks through all messages once, without keeping anybody from writing meanwhile."""

from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("messaging", "0008_sent_with_a_yes")]

    operations = [ValidateConstraint("message", "message_sent_with_a_yes")]
