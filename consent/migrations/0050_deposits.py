"""Which signed heads were taken out of the database, so that one whose mail or file failed is tried again."""

import django.db.models.deletion
from django.db import migrations, models

from tenants.isolation import IsolateTenant


class Migration(migrations.Migration):
    dependencies = [("consent", "0049_said_again"), ("tenants", "0004_no_index_on_tenant_alone")]

    operations = [
        migrations.CreateModel(
            name="LedgerDeposit",
            fields=[
                (
                    "tenant",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="ledger_deposit",
                        serialize=False,
                        to="tenants.tenant",
                    ),
                ),
                ("kept", models.IntegerField(db_default=0, default=0)),
                ("mailed", models.IntegerField(db_default=0, default=0)),
                ("leased_until", models.DateTimeField(null=True)),
            ],
        ),
        IsolateTenant("LedgerDeposit"),
    ]
