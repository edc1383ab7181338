"""Meta's prices, with the list that was known when this was written."""

import csv
from pathlib import Path
from typing import Any

from django.db import migrations, models
from django.db.migrations.state import StateApps

LIST = Path(__file__).resolve().parent.parent / "rates.csv"


def read(apps: StateApps, schema_editor: Any) -> None:
    rate = apps.get_model("whatsapp", "Rate")
    with LIST.open(encoding="utf-8", newline="") as lines:
        rate.objects.bulk_create(rate(**{**row, "price": row["price"] or None}) for row in csv.DictReader(lines))


class Migration(migrations.Migration):
    dependencies = [("whatsapp", "0002_walls")]

    operations = [
        migrations.CreateModel(
            name="Rate",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("currency", models.CharField(max_length=3)),
                ("market", models.CharField(max_length=24)),
                ("category", models.CharField(max_length=32)),
                ("valid_from", models.DateField()),
                ("price", models.DecimalField(blank=True, decimal_places=6, max_digits=12, null=True)),
                ("source", models.CharField(blank=True, max_length=200)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("currency", "market", "category", "valid_from"), name="one_rate_per_day"
                    ),
                    models.CheckConstraint(condition=models.Q(("price__gte", 0)), name="rate_is_not_negative"),
                ],
            },
        ),
        migrations.RunPython(read, migrations.RunPython.noop),
    ]
