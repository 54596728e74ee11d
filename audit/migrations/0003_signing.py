"""Keys of the log: their introduction, rotation and end."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("audit", "0002_triggers")]

    operations = [
        migrations.AlterModelOptions(
            name="checkpoint",
            options={
                "ordering": ["-id"],
                "permissions": [
                    ("renew_keys", "Can renew producer keys and end an overlap of log keys")
                ],
            },
        ),
    ]
