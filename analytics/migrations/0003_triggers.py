"""The triggers that keep the KPI tables right, and the columns they need."""

from pathlib import Path

from django.db import migrations, models

# Both files may be run again: a later migration that changes them runs them whole.
SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [
        ("analytics", "0002_walls"),
        ("contacts", "0002_walls"),
        ("messaging", "0002_walls"),
    ]

    operations = [
        migrations.AddField("kpi", "first_accepted_at", models.DateTimeField(null=True)),
        migrations.AddField("kpi", "last_accepted_at", models.DateTimeField(null=True)),
        migrations.AddField("ordercredit", "currency", models.CharField(db_default="", max_length=3)),
        migrations.AddIndex("hourlykpi", models.Index(fields=["tenant", "hour"], name="hourly_kpi_by_hour")),
        # KPI rows are updated all the time and no index knows the columns: room for heap-only updates.
        migrations.RunSQL(
            "ALTER TABLE analytics_kpi SET (fillfactor = 50); ALTER TABLE analytics_hourlykpi SET (fillfactor = 50);"
            " ALTER TABLE analytics_reasonkpi SET (fillfactor = 50)",
            migrations.RunSQL.noop,
        ),
        migrations.RunSQL((SQL / "triggers.sql").read_text(encoding="utf-8")),
        migrations.RunSQL((SQL / "orders.sql").read_text(encoding="utf-8")),
    ]
