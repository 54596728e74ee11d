"""Epochs, locked objects, restores, holds and what listings found."""

import audit.ids
import django.db.models.deletion
from django.db import migrations, models

from audit.triggers import append_only, frozen


class Migration(migrations.Migration):
    dependencies = [("audit", "0004_witnesses")]

    operations = [
        migrations.CreateModel(
            name='Epoch',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('origin', models.CharField(max_length=255)),
                ('first', models.BigIntegerField()),
                ('last', models.BigIntegerField()),
                ('stamps', models.JSONField()),
                ('policy', models.TextField()),
                ('closed_at', models.DateTimeField()),
                ('locked_until', models.DateTimeField()),
                ('entry', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='audit.entry')),
                ('publication', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='audit.publication')),
            ],
            options={
                'ordering': ['-id'],
                'constraints': [models.CheckConstraint(condition=models.Q(('first__gte', 0), ('last__gte', models.F('first'))), name='audit_epoch_is_a_range'), models.UniqueConstraint(fields=('origin', 'first'), name='audit_one_epoch_per_first')],
            },
        ),
        migrations.CreateModel(
            name='ArchivedObject',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('origin', models.CharField(max_length=255)),
                ('key', models.CharField(max_length=500, unique=True)),
                ('version_id', models.CharField(blank=True, max_length=200)),
                ('sha256', models.CharField(max_length=64)),
                ('size', models.BigIntegerField()),
                ('tree_size', models.BigIntegerField()),
                ('locked_until', models.DateTimeField(null=True)),
                ('read_back_at', models.DateTimeField()),
                ('entry', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='audit.entry')),
                ('epoch', models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='archived', to='audit.epoch')),
            ],
            options={
                'permissions': [('archive_log', 'Can archive the log'), ('verify_log', 'Can verify the whole log'), ('manage_keys', 'Can make and rotate keys'), ('write_heartbeat', 'Can write heartbeats'), ('extend_retention', 'Can lock archived objects for longer'), ('hold_archive', 'Can put archived objects under legal hold')],
            },
        ),
        migrations.CreateModel(
            name='LockExtension',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('locked_until', models.DateTimeField()),
                ('reason', models.CharField(max_length=300)),
                ('extended_at', models.DateTimeField()),
                ('archived', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='extensions', to='audit.archivedobject')),
                ('entry', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='audit.entry')),
            ],
        ),
        migrations.CreateModel(
            name='ObjectHold',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('matter', models.CharField(max_length=100)),
                ('wanted_at', models.DateTimeField()),
                ('in_force_at', models.DateTimeField(null=True)),
                ('released_at', models.DateTimeField(null=True)),
                ('lifted_at', models.DateTimeField(null=True)),
                ('archived', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='holds', to='audit.archivedobject')),
                ('entry', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='audit.entry')),
            ],
            options={
                'constraints': [models.UniqueConstraint(condition=models.Q(('released_at', None)), fields=('archived', 'matter'), name='audit_one_hold_per_matter')],
            },
        ),
        migrations.CreateModel(
            name='RestoreRequest',
            fields=[
                ('id', models.UUIDField(default=audit.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('tier', models.CharField(choices=[('expedited', 'Expedited'), ('standard', 'Standard'), ('bulk', 'Bulk')], max_length=10)),
                ('days', models.PositiveSmallIntegerField()),
                ('reason', models.CharField(max_length=300)),
                ('storage_class', models.CharField(max_length=30)),
                ('state', models.CharField(choices=[('requested', 'Requested'), ('restoring', 'Restoring'), ('available', 'Available'), ('exported', 'Exported'), ('expired', 'Expired'), ('refused', 'Refused')], default='requested', max_length=10)),
                ('requested_by', models.CharField(max_length=150)),
                ('requested_at', models.DateTimeField()),
                ('expected_at', models.DateTimeField()),
                ('available_at', models.DateTimeField(null=True)),
                ('expires_at', models.DateTimeField(null=True)),
                ('exported_at', models.DateTimeField(null=True)),
                ('refusal', models.TextField(blank=True)),
                ('archived', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='restores', to='audit.archivedobject')),
                ('entry', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='audit.entry')),
            ],
            options={
                'ordering': ['-id'],
                'permissions': [('request_restore', 'Can ask for objects to be restored from the archive')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('state__in', ['requested', 'restoring'])), fields=('archived',), name='audit_one_restore_under_way')],
            },
        ),
        migrations.CreateModel(
            name='RetentionStart',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('record_class', models.CharField(max_length=50)),
                ('subject_type', models.CharField(max_length=100)),
                ('subject_id', models.CharField(max_length=100)),
                ('started_on', models.DateField()),
                ('entry', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='audit.entry')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('record_class', 'subject_type', 'subject_id'), name='audit_one_start_per_record')],
            },
        ),
        migrations.CreateModel(
            name='ArchiveAlarm',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('delete_marker', 'Delete Marker'), ('second_version', 'Second Version'), ('missing', 'Missing'), ('changed', 'Changed'), ('lock_shortened', 'Lock Shortened'), ('hold_off', 'Hold Off'), ('drill_failed', 'Drill Failed')], max_length=20)),
                ('key', models.CharField(max_length=500)),
                ('version_id', models.CharField(blank=True, max_length=200)),
                ('detail', models.TextField()),
                ('found_at', models.DateTimeField()),
                ('cleared_at', models.DateTimeField(null=True)),
                ('entry', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='audit.entry')),
            ],
            options={
                'ordering': ['-id'],
                'constraints': [models.UniqueConstraint(condition=models.Q(('cleared_at', None)), fields=('kind', 'key', 'version_id'), name='audit_one_open_alarm')],
            },
        ),
        *append_only("audit_epoch"),
        *append_only("audit_archivedobject"),
        *append_only("audit_lockextension"),
        *append_only("audit_retentionstart"),
        *frozen("audit_objecthold", allowed=["in_force_at", "released_at", "lifted_at"]),
        *frozen(
            "audit_restorerequest",
            allowed=["state", "available_at", "expires_at", "exported_at", "refusal"],
        ),
        *frozen("audit_archivealarm", allowed=["cleared_at"]),
    ]
