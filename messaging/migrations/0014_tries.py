"""How often a message was tried in vain is counted apart from the number that its attempt is known by."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("messaging", "0013_out_of_line")]

    operations = [
        migrations.AddField("message", "tries", models.SmallIntegerField(default=0, db_default=0)),
    ]
