"""Feature tables, the batches that came into them, and their rows, which go only with the person."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from audit.triggers import append_only, erasable


class Migration(migrations.Migration):

    dependencies = [
        ('audit', '0007_write_path'),
        ('registry', '0005_inventory'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='FeatureIngest',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('rows', models.PositiveIntegerField()),
                ('newest_event_at', models.DateTimeField()),
                ('source', models.CharField(max_length=200)),
                ('recorded_at', models.DateTimeField()),
                ('entry', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='audit.entry')),
                ('recorded_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'batch of feature rows',
                'verbose_name_plural': 'batches of feature rows',
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='FeatureTable',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.SlugField(max_length=100)),
                ('version', models.PositiveIntegerField()),
                ('features', models.JSONField()),
                ('contract_sha256', models.CharField(max_length=64)),
                ('ttl_seconds', models.PositiveBigIntegerField()),
                ('source', models.TextField()),
                ('created_at', models.DateTimeField()),
                ('client', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('defined_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('entry', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='audit.entry')),
            ],
            options={
                'verbose_name': 'feature table',
                'ordering': ['name', '-version'],
                'permissions': [('define_featuretable', 'Can define a feature table'), ('record_features', 'Can record rows of a feature table')],
                'constraints': [models.CheckConstraint(condition=models.Q(('ttl_seconds__gt', 0)), name='registry_feature_table_lives_some_time'), models.UniqueConstraint(fields=('name', 'version'), name='registry_one_feature_table_per_version')],
            },
        ),
        migrations.CreateModel(
            name='FeatureRow',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('subject_id', models.UUIDField(db_index=True)),
                ('event_at', models.DateTimeField()),
                ('created_at', models.DateTimeField()),
                ('packed', models.BinaryField()),
                ('ingest', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='recorded', to='registry.featureingest')),
                ('table', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='rows', to='registry.featuretable')),
            ],
            options={
                'verbose_name': 'feature row',
                'constraints': [models.CheckConstraint(condition=models.Q(('created_at__gte', models.F('event_at'))), name='registry_feature_known_after_event')],
            },
        ),
        migrations.AddField(
            model_name='featureingest',
            name='table',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='ingests', to='registry.featuretable'),
        ),
        migrations.AddIndex(
            model_name='featurerow',
            index=models.Index(fields=['table', 'subject_id', 'event_at'], name='registry_feature_lookup'),
        ),
        *append_only("registry_featuretable"),
        *append_only("registry_featureingest"),
        *erasable("registry_featurerow"),
    ]
