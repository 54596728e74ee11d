"""Reports of a fourth kind: whether the reasons that were given are true."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('monitoring', '0002_triggers'),
    ]

    operations = [
        migrations.AlterField(
            model_name='report',
            name='kind',
            field=models.CharField(choices=[('drift', 'Drift'), ('fairness', 'Fairness'), ('performance', 'Performance'), ('reasons', 'Reasons')], max_length=11),
        ),
    ]
