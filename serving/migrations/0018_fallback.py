"""The former champion decides where the champion's bytes cannot be used. Neither operation changes a table."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('serving', '0017_letter_triggers'),
    ]

    operations = [
        migrations.AlterField(
            model_name='decision',
            name='role',
            field=models.CharField(choices=[('champion', 'Champion'), ('challenger', 'Challenger'), ('canary', 'Canary'), ('fallback', 'Fallback')], max_length=10),
        ),
        migrations.AlterModelOptions(
            name='loadfailure',
            options={'ordering': ['-id'], 'permissions': [('note_failure', 'Can note that a version could not be made ready to score')]},
        ),
    ]
