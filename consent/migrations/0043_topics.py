"""Sign-up forms may offer a company's topics."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("consent", "0040_settled_requests")]

    operations = [
        migrations.AddField(
            "signupform",
            "offers_topics",
            models.BooleanField(db_default=False, default=False, verbose_name="offer your topics"),
        ),
    ]
