"""More of the inventory, its history, the history of stages, and use restrictions."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from audit.entries import parse
from audit.triggers import append_only, frozen, refuse_when, thawed

INVENTORY = [
    "title", "purpose", "product", "approved_uses", "prohibited_uses", "jurisdictions", "label_meaning", "regulatory_use",
    "limitations", "methodology", "vendor", "actual_use", "operating_boundaries", "assumptions", "compensating_controls",
    "users", "dependencies", "complexity", "inherent_risk", "label_window_months", "tier", "tier_rationale",
]
MOVES = ["registry.version.registered", "registry.version.stage_changed", "registry.version.promoted"]


def write_history(apps, schema_editor):
    """The first record of each model from its row, and the stages of its versions from the log."""
    record, change = apps.get_model("registry", "ModelRecord"), apps.get_model("registry", "StageChange")
    for model in apps.get_model("registry", "ScoringModel").objects.select_related("owner"):
        body = {name: getattr(model, name) for name in INVENTORY} | {"owner": model.owner.username}
        entry = apps.get_model("audit", "Entry").objects.get(pk=model.entry_id)
        record.objects.create(
            model=model, revision=1, body=body, recorded_by_id=int(entry.actor_id), valid_from=model.created_at, entry=entry
        )
    versions = {
        f"{version.model.name}/{version.number}": version
        for version in apps.get_model("registry", "ModelVersion").objects.select_related("model")
    }
    entries = apps.get_model("audit", "Entry").objects.filter(event__in=MOVES) if versions else []
    for entry in sorted(entries, key=lambda entry: entry.id):
        said, version = parse(bytes(entry.body))["public"], versions[entry.subject_id]
        moved = [(version, said.get("stage", "production"))]
        if entry.event == MOVES[0]:
            moved = [(version, "registered")]
        if archived := said.get("archived"):
            moved.append((versions[f"{version.model.name}/{archived}"], "archived"))
        for moving, stage in moved:
            change.objects.create(version=moving, stage=stage, changed_at=entry.occurred_at, entry=entry)


class Migration(migrations.Migration):

    dependencies = [
        ('audit', '0007_write_path'),
        ('registry', '0004_oversight_policies'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        *thawed("registry_scoringmodel", allowed=[]),
        migrations.AlterModelOptions(
            name='scoringmodel',
            options={'ordering': ['name'], 'permissions': [('register_model', 'Can register a model'), ('amend_model', 'Can amend the inventory record of a model'), ('change_tier', 'Can change the tier of a model')], 'verbose_name': 'model'},
        ),
        migrations.AddField(
            model_name='scoringmodel',
            name='actual_use',
            field=models.TextField(blank=True),
        ),
        migrations.AddField(
            model_name='scoringmodel',
            name='assumptions',
            field=models.TextField(blank=True),
        ),
        migrations.AddField(
            model_name='scoringmodel',
            name='compensating_controls',
            field=models.TextField(blank=True),
        ),
        migrations.AddField(
            model_name='scoringmodel',
            name='complexity',
            field=models.CharField(blank=True, choices=[('low', 'Low'), ('medium', 'Medium'), ('high', 'High')], max_length=6),
        ),
        migrations.AddField(
            model_name='scoringmodel',
            name='dependencies',
            field=models.JSONField(default=list),
        ),
        migrations.AddField(
            model_name='scoringmodel',
            name='inherent_risk',
            field=models.CharField(blank=True, choices=[('low', 'Low'), ('medium', 'Medium'), ('high', 'High')], max_length=6),
        ),
        migrations.AddField(
            model_name='scoringmodel',
            name='label_window_months',
            field=models.PositiveSmallIntegerField(null=True),
        ),
        migrations.AddField(
            model_name='scoringmodel',
            name='methodology',
            field=models.TextField(blank=True),
        ),
        migrations.AddField(
            model_name='scoringmodel',
            name='operating_boundaries',
            field=models.TextField(blank=True),
        ),
        migrations.AddField(
            model_name='scoringmodel',
            name='revision',
            field=models.PositiveIntegerField(default=1),
        ),
        migrations.AddField(
            model_name='scoringmodel',
            name='users',
            field=models.JSONField(default=list),
        ),
        migrations.AddField(
            model_name='scoringmodel',
            name='vendor',
            field=models.CharField(blank=True, max_length=200),
        ),
        migrations.CreateModel(
            name='StageChange',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('stage', models.CharField(choices=[('registered', 'Registered'), ('staging', 'Staging'), ('production', 'Production'), ('archived', 'Archived'), ('rejected', 'Rejected'), ('suspended', 'Suspended')], max_length=10)),
                ('changed_at', models.DateTimeField()),
                ('entry', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='audit.entry')),
                ('version', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='stage_changes', to='registry.modelversion')),
            ],
            options={
                'verbose_name': 'stage change',
                'ordering': ['-changed_at', '-id'],
            },
        ),
        migrations.CreateModel(
            name='UseRestriction',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('max_amount', 'Max Amount'), ('allowed_values', 'Allowed Values'), ('no_new_decisions', 'No New Decisions')], max_length=20)),
                ('limits', models.JSONField()),
                ('reason', models.TextField()),
                ('valid_from', models.DateTimeField()),
                ('valid_to', models.DateTimeField(null=True)),
                ('entry', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='audit.entry')),
                ('model', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='restrictions', to='registry.scoringmodel')),
                ('placed_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('version', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='restrictions', to='registry.modelversion')),
            ],
            options={
                'verbose_name': 'use restriction',
                'ordering': ['-id'],
                'permissions': [('restrict_use', 'Can restrict the use of a model or a version'), ('lift_restriction', 'Can lift a use restriction')],
                'constraints': [models.CheckConstraint(condition=models.Q(('valid_to__isnull', True), ('valid_to__gt', models.F('valid_from')), _connector='OR'), name='registry_restriction_ends_after_it_begins'), models.CheckConstraint(condition=models.Q(('reason', ''), _negated=True), name='registry_restriction_has_reason')],
            },
        ),
        migrations.CreateModel(
            name='RestrictionLift',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('reason', models.TextField()),
                ('lifted_at', models.DateTimeField()),
                ('entry', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='audit.entry')),
                ('lifted_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('restriction', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='lift', to='registry.userestriction')),
            ],
            options={
                'verbose_name': 'lifted restriction',
                'ordering': ['-id'],
                'constraints': [models.CheckConstraint(condition=models.Q(('reason', ''), _negated=True), name='registry_lift_has_reason')],
            },
        ),
        migrations.CreateModel(
            name='ModelRecord',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('revision', models.PositiveIntegerField()),
                ('body', models.JSONField()),
                ('rationale', models.TextField(blank=True)),
                ('valid_from', models.DateTimeField()),
                ('entry', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='audit.entry')),
                ('model', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='records', to='registry.scoringmodel')),
                ('recorded_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'inventory record',
                'ordering': ['-id'],
                'constraints': [models.UniqueConstraint(fields=('model', 'revision'), name='registry_one_record_per_revision')],
            },
        ),
        *frozen("registry_scoringmodel", allowed=[*INVENTORY, "owner_id", "revision"]),
        *refuse_when(
            "registry_scoringmodel",
            "leaves_a_record",
            "UPDATE",
            "NEW.revision <> OLD.revision + 1 OR NOT EXISTS (SELECT 1 FROM registry_modelrecord r "
            "WHERE r.model_id = NEW.id AND r.revision = NEW.revision)",
            "registry_scoringmodel: a change leaves a record",
        ),
        *refuse_when(
            "registry_modelversion",
            "leaves_a_stage_change",
            "UPDATE",
            "NOT EXISTS (SELECT 1 FROM registry_stagechange c WHERE c.version_id = NEW.id "
            "AND c.stage = NEW.stage AND c.changed_at = NEW.stage_changed_at)",
            "registry_modelversion: a move leaves a stage change",
        ),
        *append_only("registry_modelrecord"),
        *append_only("registry_stagechange"),
        *append_only("registry_userestriction"),
        *append_only("registry_restrictionlift"),
        *refuse_when(
            "registry_restrictionlift",
            "lifter_is_not_developer",
            "INSERT",
            "EXISTS (SELECT 1 FROM registry_userestriction r JOIN registry_modelversion v "
            "ON v.id = r.version_id OR (r.version_id IS NULL AND v.model_id = r.model_id) "
            "WHERE r.id = NEW.restriction_id AND v.developed_by_id = NEW.lifted_by_id)",
            "registry_restrictionlift: the lifter developed what is restricted",
        ),
        # Last: PostgreSQL makes no trigger while foreign keys of new rows wait for the commit.
        migrations.RunPython(write_history, migrations.RunPython.noop),
    ]
