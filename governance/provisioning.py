"""Writing the permission matrix into the database: groups, their permissions and the service accounts."""

from django.apps import AppConfig, apps
from django.contrib.auth.management import create_permissions
from django.contrib.auth.models import Group, Permission, User
from django.contrib.contenttypes.management import create_contenttypes
from django.core.exceptions import ImproperlyConfigured
from django.db import connections, transaction

from governance.roles import ROLES, SERVICE_ACCOUNTS, service_group


class UnknownPermission(ImproperlyConfigured):
    """The matrix names a permission that no model declares."""


def provision(sender: AppConfig, *, using: str = "default", **_: object) -> None:
    """Make the database say exactly what the matrix says. Runs after every migration.

    1. Every app's permissions exist: Django makes them app by app, and the apps below come after this one.
    2. Each role and each service account has a group with exactly its permissions; no other group has any.
    3. Each service account exists, without a password, in its own group alone.

    Raises UnknownPermission naming all that do not exist.
    """
    if User._meta.db_table not in connections[using].introspection.table_names():
        return
    with transaction.atomic(using=using):
        _make_permissions(using)
        known = _known_permissions()
        _require_known(known)
        for role, permissions in ROLES.items():
            _group(role).permissions.set([known[name] for name in permissions])
        for account, permissions in SERVICE_ACCOUNTS.items():
            group = _group(service_group(account))
            group.permissions.set([known[name] for name in permissions])
            _service_account(account).groups.set([group])
        for group in Group.objects.exclude(
            name__in=[*ROLES, *map(service_group, SERVICE_ACCOUNTS)]
        ):
            group.permissions.clear()


def _make_permissions(using: str) -> None:
    for config in apps.get_app_configs():
        create_contenttypes(config, verbosity=0, interactive=False, using=using)
        create_permissions(config, verbosity=0, interactive=False, using=using)


def _known_permissions() -> dict[str, Permission]:
    rows = Permission.objects.select_related("content_type")
    return {f"{row.content_type.app_label}.{row.codename}": row for row in rows}


def _require_known(known: dict[str, Permission]) -> None:
    named = frozenset().union(*ROLES.values(), *SERVICE_ACCOUNTS.values())
    unknown = sorted(named.difference(known))
    if unknown:
        raise UnknownPermission(
            f"No model declares these permissions of the matrix: {', '.join(unknown)}."
        )


def _group(name: str) -> Group:
    return Group.objects.get_or_create(name=name)[0]


def _service_account(name: str) -> User:
    account, made = User.objects.get_or_create(username=name)
    if made or account.has_usable_password():
        account.set_unusable_password()
        account.save(update_fields=["password"])
    return account
