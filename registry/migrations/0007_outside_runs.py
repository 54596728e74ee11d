"""Runs that are trained outside and reported here, and what an MLflow tracking server has to do with them."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from audit.triggers import append_only, frozen, refuse_when, thawed

OUTCOME = [
    "status",
    "error",
    "metrics",
    "plots",
    "code_revision",
    "environment_sha256",
    "artefact_sha256",
    "content_sha256",
    "started_at",
    "finished_at",
]


class Migration(migrations.Migration):

    dependencies = [
        ('audit', '0007_write_path'),
        ('registry', '0006_feature_tables'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        *thawed("registry_run", allowed=OUTCOME),
        migrations.CreateModel(
            name='RunReport',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.UUIDField()),
                ('body', models.JSONField()),
                ('said_sha256', models.CharField(max_length=64)),
                ('reported_at', models.DateTimeField()),
            ],
            options={
                'ordering': ['id'],
            },
        ),
        migrations.CreateModel(
            name='TrackedRun',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('tracking_uri', models.CharField(max_length=500)),
                ('mlflow_run_id', models.CharField(max_length=64)),
                ('model_name', models.CharField(blank=True, max_length=250)),
                ('model_version', models.CharField(blank=True, max_length=20)),
                ('flavour', models.CharField(max_length=30)),
                ('signature', models.JSONField()),
                ('imported_at', models.DateTimeField()),
            ],
            options={
                'verbose_name': 'imported run',
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='WriteBack',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('state', models.CharField(choices=[('waiting', 'Waiting'), ('written', 'Written'), ('given_up', 'Given Up')], default='waiting', max_length=10)),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('error', models.TextField(blank=True)),
                ('due_at', models.DateTimeField()),
                ('ended_at', models.DateTimeField(null=True)),
            ],
            options={
                'ordering': ['-id'],
                'permissions': [('write_back', 'Can tell a tracking server what became of its version')],
            },
        ),
        migrations.AlterModelOptions(
            name='run',
            options={'ordering': ['-id'], 'permissions': [('request_run', 'Can request a training run'), ('train_run', 'Can train a run'), ('report_run', 'Can report a run that was trained outside')]},
        ),
        migrations.AddField(
            model_name='run',
            name='client_key',
            field=models.UUIDField(null=True, unique=True),
        ),
        migrations.AlterField(
            model_name='run',
            name='algorithm',
            field=models.CharField(choices=[('logistic_regression', 'Logistic Regression'), ('hist_gradient_boosting', 'Hist Gradient Boosting'), ('outside', 'trained outside')], max_length=30),
        ),
        migrations.AlterField(
            model_name='run',
            name='status',
            field=models.CharField(choices=[('open', 'Open'), ('queued', 'Queued'), ('running', 'Running'), ('succeeded', 'Succeeded'), ('failed', 'Failed')], default='queued', max_length=10),
        ),
        migrations.AddConstraint(
            model_name='run',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('algorithm', 'outside'), ('client_key__isnull', False)), models.Q(models.Q(('algorithm', 'outside'), _negated=True), ('client_key__isnull', True)), _connector='OR'), name='registry_run_outside_has_key'),
        ),
        migrations.AddField(
            model_name='runreport',
            name='entry',
            field=models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='audit.entry'),
        ),
        migrations.AddField(
            model_name='runreport',
            name='run',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='reports', to='registry.run'),
        ),
        migrations.AddField(
            model_name='trackedrun',
            name='entry',
            field=models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='audit.entry'),
        ),
        migrations.AddField(
            model_name='trackedrun',
            name='imported_by',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='trackedrun',
            name='run',
            field=models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='tracked', to='registry.run'),
        ),
        migrations.AddField(
            model_name='writeback',
            name='change',
            field=models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='write_back', to='registry.stagechange'),
        ),
        migrations.AddField(
            model_name='writeback',
            name='entry',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='audit.entry'),
        ),
        migrations.AddField(
            model_name='writeback',
            name='tracked',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='write_backs', to='registry.trackedrun'),
        ),
        migrations.AddConstraint(
            model_name='runreport',
            constraint=models.UniqueConstraint(fields=('run', 'key'), name='registry_one_report_per_key'),
        ),
        *frozen("registry_run", allowed=OUTCOME),
        *refuse_when(
            "registry_run",
            "ended",
            "UPDATE",
            "OLD.status IN ('succeeded', 'failed')",
            "registry_run: the run has ended",
        ),
        *append_only("registry_runreport"),
        *refuse_when(
            "registry_runreport",
            "run_is_open",
            "INSERT",
            "NOT EXISTS (SELECT 1 FROM registry_run r WHERE r.id = NEW.run_id AND r.status = 'open')",
            "registry_runreport: the run is not open",
        ),
        *append_only("registry_trackedrun"),
        *frozen("registry_writeback", allowed=["state", "attempts", "error", "due_at", "ended_at"]),
    ]
