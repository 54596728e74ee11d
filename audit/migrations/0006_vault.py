"""Requests for erasure and legal holds, and what the database itself refuses under them."""

import django.db.models.deletion
from django.db import migrations, models

import audit.ids

from audit.triggers import frozen, refuse_when

HELD = """EXISTS (
    SELECT 1 FROM audit_legalhold h WHERE h.released_at IS NULL AND (
        h.subject_id = NEW.subject_id
        OR (h.scope = 'everything' AND h.first_on IS NULL AND h.last_on IS NULL)))"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0005_archive")]

    operations = [
        migrations.CreateModel(
            name='ErasureCase',
            fields=[
                ('id', models.UUIDField(default=audit.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('correspondence', models.CharField(max_length=100)),
                ('identity_check', models.TextField()),
                ('received_on', models.DateField()),
                ('due_on', models.DateField()),
                ('extended_until', models.DateField(null=True)),
                ('extension_reason', models.TextField(blank=True)),
                ('recorded_by', models.CharField(max_length=150)),
                ('recorded_at', models.DateTimeField()),
                ('state', models.CharField(choices=[('open', 'Open'), ('decided', 'Decided')], default='open', max_length=10)),
                ('outcome', models.CharField(blank=True, choices=[('erased', 'erased'), ('partially_erased', 'partially_erased'), ('retained_legal_obligation', 'retained_legal_obligation'), ('retained_legal_claims', 'retained_legal_claims'), ('refused_not_subject', 'refused_not_subject')], max_length=30)),
                ('assessment', models.JSONField(default=dict)),
                ('letter', models.TextField(blank=True)),
                ('is_restricted', models.BooleanField(default=False)),
                ('decided_by', models.CharField(blank=True, max_length=150)),
                ('decided_at', models.DateTimeField(null=True)),
                ('entry', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='audit.entry')),
                ('subject', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='audit.subject')),
            ],
            options={
                'verbose_name': 'request for erasure',
                'verbose_name_plural': 'requests for erasure',
                'ordering': ['-id'],
                'permissions': [('record_erasure', 'Can record requests for erasure'), ('decide_erasure', 'Can decide requests for erasure and carry them out')],
                'indexes': [models.Index(condition=models.Q(('is_restricted', True)), fields=['subject'], name='audit_restricted_subjects')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('state', 'open')), fields=('subject',), name='audit_one_open_case_per_subject'), models.CheckConstraint(condition=models.Q(models.Q(('decided_at', None), ('outcome', ''), ('state', 'open')), models.Q(('decided_at__isnull', False), ('state', 'decided'), models.Q(('outcome', ''), _negated=True), models.Q(('letter', ''), _negated=True)), _connector='OR'), name='audit_decided_case_has_an_outcome'), models.CheckConstraint(condition=models.Q(('extended_until', None), ('extended_until__gt', models.F('due_on')), _connector='OR'), name='audit_extension_is_later')],
            },
        ),
        migrations.CreateModel(
            name='LegalHold',
            fields=[
                ('id', models.UUIDField(default=audit.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('matter', models.CharField(max_length=100)),
                ('scope', models.CharField(choices=[('subject', 'Subject'), ('model', 'Model'), ('everything', 'Everything')], max_length=10)),
                ('model_name', models.CharField(blank=True, max_length=50)),
                ('first_on', models.DateField(null=True)),
                ('last_on', models.DateField(null=True)),
                ('custodian', models.CharField(max_length=150)),
                ('reason', models.TextField()),
                ('review_on', models.DateField()),
                ('placed_by', models.CharField(max_length=150)),
                ('placed_at', models.DateTimeField()),
                ('released_by', models.CharField(blank=True, max_length=150)),
                ('released_at', models.DateTimeField(null=True)),
                ('release_reason', models.TextField(blank=True)),
                ('entry', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='audit.entry')),
                ('subject', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='audit.subject')),
            ],
            options={
                'ordering': ['-id'],
                'permissions': [('place_hold', 'Can place legal holds'), ('release_hold', 'Can release legal holds')],
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('model_name', ''), ('scope', 'subject'), ('subject__isnull', False)), models.Q(('scope', 'model'), ('subject__isnull', True), models.Q(('model_name', ''), _negated=True)), models.Q(('model_name', ''), ('scope', 'everything'), ('subject__isnull', True)), _connector='OR'), name='audit_hold_says_what_it_covers'), models.CheckConstraint(condition=models.Q(('first_on', None), ('last_on', None), ('first_on__lte', models.F('last_on')), _connector='OR'), name='audit_hold_days_in_order'), models.CheckConstraint(condition=models.Q(models.Q(('release_reason', ''), ('released_at', None), ('released_by', '')), models.Q(('released_at__isnull', False), models.Q(('released_by', ''), _negated=True), models.Q(('release_reason', ''), _negated=True)), _connector='OR'), name='audit_released_hold_says_why')],
            },
        ),
        *frozen(
            "audit_erasurecase",
            [
                "extended_until", "extension_reason", "state", "outcome", "assessment", "letter", "is_restricted",
                "decided_by", "decided_at",
            ],
        ),
        *refuse_when("audit_erasurecase", "decided_once", "UPDATE", "OLD.state = 'decided'", "the request was decided"),
        *frozen("audit_legalhold", ["released_by", "released_at", "release_reason"]),
        *refuse_when(
            "audit_legalhold", "released_once", "UPDATE", "OLD.released_at IS NOT NULL", "the hold was released"
        ),
        *refuse_when("audit_erasure", "not_under_hold", "INSERT", HELD, "a legal hold covers this person"),
    ]
