"""A company whose contract is over is closed before it is deleted."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tenants", "0006_audit_by_time")]

    operations = [
        migrations.AddField(
            model_name="tenant", name="closed_at", field=models.DateTimeField(editable=False, null=True)
        ),
        migrations.AddConstraint(
            model_name="tenant",
            constraint=models.CheckConstraint(
                name="closed_tenant_is_not_active",
                condition=models.Q(("closed_at", None), ("is_active", False), _connector="OR"),
            ),
        ),
    ]
