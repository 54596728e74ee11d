"""The product's own settings; the references are served beside it, by the same processes."""

from governance.settings import *  # noqa: F403

ROOT_URLCONF = "tests.benchmarks.scoring.urls"
