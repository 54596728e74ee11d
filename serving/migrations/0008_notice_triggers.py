"""Nothing that is recorded about notices ever changes; a notice is sent once it is issued."""

from django.db import migrations

from audit.triggers import append_only, refuse_when


class Migration(migrations.Migration):
    dependencies = [("serving", "0007_notices")]

    operations = [
        *append_only("serving_notice"),
        *append_only("serving_noticedelivery"),
        *append_only("serving_applicationstatus"),
        *append_only("serving_latenotice"),
        *append_only("serving_noticealert"),
        *refuse_when(
            "serving_noticedelivery",
            "after_issue",
            "INSERT",
            "EXISTS (SELECT 1 FROM serving_notice WHERE id = NEW.notice_id AND issued_at > NEW.sent_at)",
            "a notice is sent after it is issued",
        ),
    ]
