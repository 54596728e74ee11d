"""Notices about applications never change either, and are sent once they are issued."""

from django.db import migrations

from audit.triggers import append_only, refuse_when


class Migration(migrations.Migration):
    dependencies = [("serving", "0020_application_notices")]

    operations = [
        *append_only("serving_applicationnotice"),
        *append_only("serving_applicationnoticedelivery"),
        *refuse_when(
            "serving_applicationnoticedelivery",
            "after_issue",
            "INSERT",
            "EXISTS (SELECT 1 FROM serving_applicationnotice WHERE id = NEW.notice_id AND issued_at > NEW.sent_at)",
            "a notice is sent after it is issued",
        ),
    ]
