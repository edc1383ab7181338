"""A page that is sent twice is one request; what it asks beside the yes lies beside what proves it.

By itself: a sign-up locks the request before its form, and a migration that took both tables would wait in a circle.
"""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("consent", "0037_languages")]

    operations = [
        migrations.AddField("signuprequest", "visit", models.BinaryField(null=True)),
        migrations.AddField("signuprequest", "aside", models.TextField(db_default="", default="")),
        migrations.AddConstraint(
            "signuprequest", models.UniqueConstraint(fields=("tenant", "visit"), name="one_sign_up_per_visit")
        ),
    ]
