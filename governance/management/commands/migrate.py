"""Django's migrate, as the owner of the tables where MIGRATE_DATABASE_URL names one; it grants the other role its rights."""

from typing import Any

from django.core.management.commands import migrate

from governance.database_role import as_owner


class Command(migrate.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        with as_owner(options["database"]):
            super().handle(*args, **options)
