"""Whether the age is demanded for advertising; requests of people who are no contact; contracts that name nobody."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("consent", "0029_requests_of_strangers"),
    ]

    operations = [
        migrations.AddField(
            model_name="controller",
            name="demands_age",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name="datarequest",
            name="is_of_stranger",
            field=models.BooleanField(db_default=False, default=False, editable=False),
        ),
        migrations.AlterField(
            model_name="agreement",
            name="position",
            field=models.CharField(blank=True, max_length=200, verbose_name="position"),
        ),
        migrations.AlterField(
            model_name="agreement",
            name="signer",
            field=models.CharField(blank=True, max_length=200, verbose_name="name"),
        ),
    ]
