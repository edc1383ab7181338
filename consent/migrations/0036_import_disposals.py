"""The log of periods names uploaded files and their lines, too."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("consent", "0035_processors")]

    operations = [
        migrations.AlterField(
            "disposal",
            "what",
            models.CharField(
                choices=[
                    ("messages", "Messages past their time, made anonymous"),
                    ("clicks", "Clicks past their time, made anonymous"),
                    ("inbound", "Received messages past their time"),
                    ("consents", "Consents that nobody used any more, expired"),
                    ("lapsed", "Requests to sign up that nobody confirmed within 7 days, expired"),
                    ("sign_ups", "Requests to sign up, after 14 days"),
                    ("proofs", "Proofs of consents that ended, after the third calendar year"),
                    ("exports", "Exports older than 7 days"),
                    ("imports", "Uploaded import files, after 30 days"),
                    ("lines", "Rejected and noted lines of imports, after 30 days"),
                ],
                max_length=10,
            ),
        ),
    ]
