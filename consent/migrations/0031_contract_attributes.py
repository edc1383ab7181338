"""What a company gathered for contracts, of no use for advertising (Art. 5 (1) (b) GDPR)."""

from django.contrib.postgres.fields import ArrayField
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("consent", "0030_age_and_names")]

    operations = [
        migrations.AddField(
            "controller",
            "contract_attributes",
            ArrayField(models.CharField(max_length=60), blank=True, db_default=[], default=list, size=None),
        )
    ]
