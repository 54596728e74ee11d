"""How many applicants are still to be told, as of the last look, and the index by which cases that wait for a person are found."""

from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('audit', '0008_erasure_disputes'),
        ('registry', '0013_reason_approvals'),
        ('serving', '0018_fallback'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='NoticeCount',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('model_name', models.SlugField(unique=True)),
                ('due_soon', models.PositiveIntegerField()),
                ('late', models.PositiveIntegerField()),
                ('counted_at', models.DateTimeField()),
            ],
        ),
        migrations.AddIndex(
            model_name='decision',
            index=models.Index(condition=models.Q(('outcome', 'referred')), fields=['model_name', 'decided_at'], name='serving_decision_referred'),
        ),
    ]
