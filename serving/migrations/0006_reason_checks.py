"""Key factors, and whether reasons say what counted. Nullable, so that SQLite adds the columns and keeps the triggers."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('serving', '0005_deployments'),
    ]

    operations = [
        migrations.AddField(
            model_name='observation',
            name='key_factors',
            field=models.JSONField(null=True),
        ),
        migrations.AddField(
            model_name='observation',
            name='reason_check',
            field=models.JSONField(null=True),
        ),
    ]
