"""What applicants are told is adopted by one person on the word of another, whoever writes."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from audit.triggers import append_only, refuse_when

# Two others than who proposed it: a constraint says so of who adopts, this of who endorsed.
UNENDORSED = """NEW.status = 'approved' AND OLD.status <> 'approved' AND NEW.kind = 'reason_library' AND NOT EXISTS (
    SELECT 1 FROM registry_policyendorsement e WHERE e.policy_id = NEW.id
    AND e.endorsed_by_id NOT IN (NEW.approved_by_id, NEW.proposed_by_id))"""


class Migration(migrations.Migration):

    dependencies = [
        ('audit', '0008_erasure_disputes'),
        ('registry', '0012_serving_policies'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='PolicyEndorsement',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('endorsed_at', models.DateTimeField()),
                ('rationale', models.TextField()),
                ('endorsed_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('entry', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='audit.entry')),
                ('policy', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='endorsements', to='registry.policy')),
            ],
            options={
                'ordering': ['-id'],
            },
        ),
        *append_only("registry_policyendorsement"),
        *refuse_when(
            "registry_policy", "endorsed", "UPDATE", UNENDORSED, "one person adopts this on the word of another"
        ),
    ]
