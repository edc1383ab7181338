"""The operator's register of contracts that ended, which outlives the company's data; it belongs to no tenant."""

import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("consent", "0027_lapsed_requests"), ("tenants", "0007_closed")]

    operations = [
        migrations.CreateModel(
            name="EndedContract",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("company_id", models.BigIntegerField(unique=True)),
                ("company_uid", models.UUIDField(unique=True)),
                ("slug", models.CharField(max_length=50)),
                ("name", models.CharField(max_length=200)),
                ("began_at", models.DateTimeField()),
                ("closed_at", models.DateTimeField()),
                ("agreements", models.JSONField(default=list)),
                (
                    "names",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=40), default=list, size=None
                    ),
                ),
                ("deleted_at", models.DateTimeField()),
                ("deleted", models.JSONField(default=dict)),
                (
                    "files",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=200), default=list, size=None
                    ),
                ),
                ("files_deleted", models.IntegerField(default=0)),
            ],
            options={"indexes": [models.Index(fields=["slug"], name="ended_contract_by_slug")]},
        ),
    ]
