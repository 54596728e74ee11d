"""Letters never change, and go only with the person."""

from django.db import migrations

from audit.triggers import erasable


class Migration(migrations.Migration):
    dependencies = [("serving", "0016_letters")]

    operations = [*erasable("serving_explanationletter")]
