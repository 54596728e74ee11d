"""Runs that were trained again from their record."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from audit.triggers import append_only


class Migration(migrations.Migration):

    dependencies = [
        ('audit', '0007_write_path'),
        ('registry', '0002_triggers'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Reproduction',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('verdict', models.CharField(choices=[('same_bytes', 'Same Bytes'), ('same_content', 'Same Content'), ('different', 'Different')], max_length=12)),
                ('content_sha256', models.CharField(max_length=64)),
                ('artefact_sha256', models.CharField(max_length=64)),
                ('holdout_auc_change', models.FloatField()),
                ('code_revision', models.CharField(max_length=64)),
                ('environment_changes', models.JSONField()),
                ('reproduced_at', models.DateTimeField()),
                ('entry', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='audit.entry')),
                ('reproduced_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('run', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='reproductions', to='registry.run')),
            ],
            options={
                'ordering': ['-id'],
                'permissions': [('reproduce_run', 'Can train a finished run again from its record')],
            },
        ),
        *append_only("registry_reproduction"),
    ]
