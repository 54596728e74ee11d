"""What a shadow made of an application goes only with the person; passes, evaluations and breaches never change."""

from django.db import migrations

from audit.triggers import append_only, erasable


class Migration(migrations.Migration):
    dependencies = [("serving", "0013_shadow")]

    operations = [
        *append_only("serving_shadowpass"),
        *erasable("serving_shadowscore"),
        *append_only("serving_guardrailevaluation"),
        *append_only("serving_guardrailbreach"),
    ]
