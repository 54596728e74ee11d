"""How fresh looked-up features were. Nullable, so that SQLite adds the column and keeps the triggers."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('serving', '0002_triggers'),
    ]

    operations = [
        migrations.AddField(
            model_name='observation',
            name='lookups',
            field=models.JSONField(null=True),
        ),
    ]
