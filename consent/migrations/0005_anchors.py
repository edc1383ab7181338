import django.db.models.deletion
from django.db import migrations, models

from tenants.isolation import AppendOnly, IsolateTenant


class Migration(migrations.Migration):
    dependencies = [
        ("consent", "0004_no_index_on_tenant_alone"),
        ("tenants", "0004_no_index_on_tenant_alone"),
    ]

    operations = [
        migrations.CreateModel(
            name="LedgerAnchor",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.IntegerField()),
                ("day", models.DateField()),
                ("seq", models.BigIntegerField()),
                ("text", models.TextField()),
                ("key_id", models.CharField(max_length=40)),
                ("signature", models.BinaryField()),
                (
                    "tenant",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="ledger_anchors",
                        to="tenants.tenant",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("tenant", "number"), name="anchor_number"),
                    models.UniqueConstraint(fields=("tenant", "day"), name="one_anchor_a_day"),
                ],
            },
        ),
        IsolateTenant("LedgerAnchor"),
        AppendOnly("LedgerAnchor"),
    ]
