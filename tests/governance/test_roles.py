"""The matrix in the database is the matrix in the code, and nobody holds both sides of a decision."""

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, Permission, User

from governance import provisioning
from governance.provisioning import UnknownPermission, provision
from governance.roles import ROLES, SERVICE_ACCOUNTS, service_group

pytestmark = pytest.mark.django_db


def held_by(group: str) -> set[str]:
    rows = Permission.objects.filter(group__name=group).values_list(
        "content_type__app_label", "codename"
    )
    return {f"{app}.{codename}" for app, codename in rows}


@pytest.mark.parametrize("role", ROLES)
def test_a_role_holds_exactly_what_the_matrix_says(role):
    assert held_by(role) == set(ROLES[role])


@pytest.mark.parametrize("account", SERVICE_ACCOUNTS)
def test_a_service_account_holds_exactly_what_the_matrix_says_and_has_no_password(account):
    user = User.objects.get(username=account)

    assert held_by(service_group(account)) == set(SERVICE_ACCOUNTS[account])
    assert [group.name for group in user.groups.all()] == [service_group(account)]
    assert not user.has_usable_password()
    assert not user.is_staff


def test_a_permission_given_by_hand_is_taken_away_by_the_next_migration():
    smuggled = Permission.objects.get(codename="grant_role")
    Group.objects.get(name="model developer").permissions.add(smuggled)
    Group.objects.create(name="friends").permissions.add(smuggled)

    provision(apps.get_app_config("governance"))

    assert held_by("model developer") == set(ROLES["model developer"])
    assert held_by("friends") == set()


def test_a_permission_that_no_model_declares_stops_the_migration(monkeypatch):
    monkeypatch.setitem(provisioning.ROLES, "validator", frozenset({"registry.fly"}))

    with pytest.raises(UnknownPermission, match=r"registry\.fly"):
        provision(apps.get_app_config("governance"))
