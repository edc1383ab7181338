"""The second wall: row-level security and same-tenant foreign keys of this app's tables."""

from django.db import migrations

from tenants.isolation import IsolateAcross, IsolateTenant


class Migration(migrations.Migration):
    dependencies = [("inbox", "0001_initial")]

    operations = [
        IsolateTenant("Conversation"),
        IsolateTenant("InboundMessage"),
        IsolateAcross("WebhookEvent"),
    ]
