"""The WSGI application that the web server runs, where the database and the keys are as they must be."""

import gc
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "governance.settings")

application = get_wsgi_application()

from audit.checks import require_fit_to_serve  # noqa: E402  the settings come first
from serving.warming import keep_warm  # noqa: E402  the settings come first

require_fit_to_serve()
keep_warm(asks=True)
# What is loaded by now stays: the collector need not look through it again and again, while requests wait. Nor at each 700
# objects: the answer to a batch has some thousands, and all of them go with it.
gc.collect()
gc.freeze()
gc.set_threshold(50_000, 20, 20)
