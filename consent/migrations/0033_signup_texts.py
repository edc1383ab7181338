"""A form's texts in other languages, archived places, and voucher codes that are owed."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("consent", "0032_address_requests")]

    operations = [
        migrations.AddField("signupform", "translations", models.JSONField(blank=True, db_default={}, default=dict)),
        migrations.AddField(
            "signupform",
            "without_code",
            models.BooleanField(db_default=False, default=False, verbose_name="the benefit needs no voucher code"),
        ),
        migrations.AddField("signupplace", "archived_at", models.DateTimeField(editable=False, null=True)),
        migrations.AlterField("signupcode", "code", models.CharField(max_length=40, null=True)),
        migrations.AddConstraint(
            "signupcode",
            models.CheckConstraint(
                condition=models.Q(("code__isnull", False), ("contact__isnull", False), _connector="OR"),
                name="signup_code_is_there_or_owed",
            ),
        ),
    ]
