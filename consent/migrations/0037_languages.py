"""A form says in which language its own texts are."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("consent", "0036_import_disposals")]

    operations = [
        migrations.AddField(
            "signupform",
            "language",
            models.CharField(
                choices=[("de", "German"), ("en", "English")],
                db_default="de",
                default="de",
                max_length=5,
                verbose_name="language",
            ),
        ),
    ]
