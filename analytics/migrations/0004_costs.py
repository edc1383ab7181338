"""What Meta charges for, counted by the messages' trigger."""

from pathlib import Path

import django.db.models.deletion
from django.db import migrations, models

import tenants.fields
from tenants.isolation import IsolateTenant

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("analytics", "0003_triggers"), ("messaging", "0004_market")]

    operations = [
        migrations.CreateModel(
            name="CostKpi",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("variant", models.SmallIntegerField()),
                ("hour", models.DateTimeField()),
                ("market", models.CharField(db_default="", max_length=24)),
                ("price_type", models.CharField(db_default="", max_length=24)),
                ("price_category", models.CharField(db_default="", max_length=32)),
                ("shard", models.SmallIntegerField()),
                ("messages", models.BigIntegerField(db_default=0, default=0)),
                (
                    "source",
                    tenants.fields.HotForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="cost_kpis",
                        to="messaging.source",
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="cost_kpis",
                        to="tenants.tenant",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["tenant", "hour"], name="cost_kpi_by_hour")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=(
                            "tenant",
                            "source",
                            "variant",
                            "hour",
                            "market",
                            "price_type",
                            "price_category",
                            "shard",
                        ),
                        name="cost_kpi_row",
                    )
                ],
            },
        ),
        IsolateTenant("CostKpi"),
        migrations.RunSQL("ALTER TABLE analytics_costkpi SET (fillfactor = 50)", migrations.RunSQL.noop),
        migrations.RunSQL((SQL / "triggers.sql").read_text(encoding="utf-8")),
    ]
