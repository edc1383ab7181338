"""A form's texts in other languages, archived places, and voucher codes that are owed."""

from typing import Any

from django.db import migrations, models

from tenants.scope import across_tenants

# Where nobody ever entered a code, the benefit is one that needs none.
WITHOUT_CODE = """
UPDATE consent_signupform f SET without_code = TRUE WHERE f.benefit <> ''
    AND NOT EXISTS (SELECT FROM consent_signupcode c WHERE c.tenant_id = f.tenant_id AND c.form_id = f.id)
"""


def keep_promises(apps: Any, schema_editor: Any) -> None:
    with across_tenants("forms of every company go on promising what they promised before"):
        schema_editor.execute(WITHOUT_CODE)


class Migration(migrations.Migration):
    dependencies = [("consent", "0032_address_requests")]

    operations = [
        migrations.AddField("signupform", "translations", models.JSONField(blank=True, db_default={}, default=dict)),
        migrations.AddField(
            "signupform",
            "without_code",
            models.BooleanField(db_default=False, default=False, verbose_name="the benefit needs no voucher code"),
        ),
        migrations.RunPython(keep_promises, migrations.RunPython.noop),
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
