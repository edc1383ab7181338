"""What the nightly verification of each ledger has found."""

import django.db.models.deletion
from django.db import migrations, models

from tenants.isolation import IsolateTenant


class Migration(migrations.Migration):
    dependencies = [
        ("consent", "0025_notice"),
        ("tenants", "0004_no_index_on_tenant_alone"),
    ]

    operations = [
        migrations.CreateModel(
            name="LedgerCheck",
            fields=[
                (
                    "tenant",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="ledger_check",
                        serialize=False,
                        to="tenants.tenant",
                    ),
                ),
                ("begun_at", models.DateTimeField(null=True)),
                ("walk", models.JSONField(null=True)),
                ("leased_until", models.DateTimeField(null=True)),
                ("checked_at", models.DateTimeField(null=True)),
                ("is_intact", models.BooleanField(null=True)),
                ("rows", models.BigIntegerField(default=0)),
                ("anchors", models.IntegerField(default=0)),
                ("signed_on", models.DateField(null=True)),
                ("broken_seq", models.BigIntegerField(null=True)),
                ("because", models.CharField(blank=True, default="", max_length=200)),
                ("because_day", models.CharField(blank=True, default="", max_length=10)),
                ("because_seq", models.BigIntegerField(default=0)),
                ("altered_wording", models.CharField(blank=True, default="", max_length=200)),
            ],
            options={
                "indexes": [
                    models.Index(condition=models.Q(("is_intact", False)), fields=["tenant"], name="ledgers_broken")
                ],
            },
        ),
        IsolateTenant("LedgerCheck"),
    ]
