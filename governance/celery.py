"""The Celery application: `celery -A governance.celery worker` and `beat`."""

import os

from celery import Celery

from governance import file_transport

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "governance.settings")

file_transport.register()
app = Celery("credence")
app.set_default()  # for every thread of every process, the web server among them
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
