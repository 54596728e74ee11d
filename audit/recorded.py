"""Which tables have an entry per row, so that the log can be reconciled without importing the apps above."""

from django.db import models

RECORDED: list[type[models.Model]] = []


def recorded_table(model: type[models.Model]) -> None:
    """Called in `AppConfig.ready()` for every table with an `entry` column."""
    model._meta.get_field("entry")
    if model not in RECORDED:
        RECORDED.append(model)
