"""Who may act is itself on record, and ends at once."""

import io
from datetime import timedelta
from functools import partial
from time import monotonic

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.utils import timezone
from knox.models import AuthToken
from rest_framework.exceptions import AuthenticationFailed

from audit.action import holds
from audit.entries import parse
from audit.errors import InvalidInput, NotPermitted
from audit.models import Entry
from audit.queries import service_account
from governance.actions.accounts import (
    create_user,
    deactivate_user,
    grant_role,
    issue_token,
    revoke_role,
    revoke_token,
)
from governance.actions.sign_ins import FAILURES_ALLOWED
from governance.errors import (
    AccountExists,
    NoSuchToken,
    OwnAccountFixed,
    PasswordTooWeak,
    RoleNotHeld,
    ServiceAccountFixed,
    UnknownRole,
)
from governance.models import SignInGuard
from governance.token_authentication import TRUSTED_SECONDS, CompiledTokenAuthentication

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"


def events() -> list[str]:
    return list(Entry.objects.order_by("id").values_list("event", flat=True))


def test_a_new_account_and_its_roles_are_in_the_log(administrator):
    user = create_user("vera", by=administrator, password=PASSWORD, roles=["validator"])

    assert user.check_password(PASSWORD)
    assert user.is_staff
    assert not user.is_superuser
    assert events() == ["governance.user.created", "governance.role.granted"]


def test_the_log_never_holds_a_password_or_a_token(administrator):
    user = create_user("vera", by=administrator, password=PASSWORD)
    token, text = issue_token(user, by=administrator)

    bodies = b"".join(bytes(body) for body in Entry.objects.values_list("body", flat=True))
    assert PASSWORD.encode() not in bodies
    assert text.encode() not in bodies
    assert token.digest.encode() not in bodies
    assert token.token_key.encode() in bodies


def test_an_account_without_a_password_cannot_sign_in(administrator):
    user = create_user("core-banking", by=administrator, roles=["scoring client"])

    assert not user.has_usable_password()
    assert not user.is_staff


def test_only_the_administrator_makes_accounts(approver):
    with pytest.raises(NotPermitted):
        create_user("vera", by=approver, password=PASSWORD)

    assert not User.objects.filter(username="vera").exists()
    assert events() == ["audit.action_refused"]


def test_a_superuser_without_a_role_may_do_nothing(superuser, developer):
    with pytest.raises(NotPermitted):
        grant_role(developer, "approver", by=superuser)

    assert not developer.groups.filter(name="approver").exists()


def test_a_name_is_used_once_whatever_its_case(administrator, developer):
    with pytest.raises(AccountExists):
        create_user(developer.username.upper(), by=administrator, password=PASSWORD)


def test_a_name_that_cannot_be_one_is_refused_by_field(administrator):
    with pytest.raises(InvalidInput) as refused:
        create_user("no spaces allowed", by=administrator, password=PASSWORD)

    assert [problem.field for problem in refused.value.errors] == ["username"]


def test_a_weak_password_makes_no_account(administrator):
    with pytest.raises(PasswordTooWeak):
        create_user("vera", by=administrator, password="password")

    assert not User.objects.filter(username="vera").exists()


def test_nobody_gives_themselves_a_role(administrator):
    with pytest.raises(OwnAccountFixed):
        grant_role(administrator, "approver", by=administrator)


def test_a_role_that_does_not_exist_is_refused(administrator, developer):
    with pytest.raises(UnknownRole):
        grant_role(developer, "service: cli", by=administrator)


def test_a_service_account_gets_no_role_and_no_token(administrator):
    cli = service_account("cli")

    with pytest.raises(ServiceAccountFixed):
        grant_role(cli, "approver", by=administrator)
    with pytest.raises(ServiceAccountFixed):
        issue_token(cli, by=administrator)
    with pytest.raises(ServiceAccountFixed):
        deactivate_user(cli, by=administrator)


def test_revoking_a_role_stops_its_holder_at_the_next_act(administrator):
    second = create_user("zoe", by=administrator, password=PASSWORD, roles=["administrator"])
    create_user("vera", by=second, password=PASSWORD)

    revoke_role(second, "administrator", by=administrator)

    with pytest.raises(NotPermitted):
        create_user("walter", by=second, password=PASSWORD)
    assert not User.objects.filter(username="walter").exists()


def test_a_role_that_is_not_held_cannot_be_revoked(administrator, developer):
    with pytest.raises(RoleNotHeld):
        revoke_role(developer, "approver", by=administrator)


def test_a_closed_account_can_neither_act_nor_sign_in_nor_use_its_token(administrator, client, rf):
    second = create_user("zoe", by=administrator, password=PASSWORD, roles=["administrator"])
    issue_token(second, by=administrator)

    deactivate_user(second, by=administrator)

    assert not holds(second, "governance.create_user")
    assert not client.login(username="zoe", password=PASSWORD)
    assert not AuthToken.objects.filter(user=second).exists()


def test_a_token_works_until_it_is_revoked(administrator, lending, rf):
    token, text = issue_token(lending, by=administrator)
    request = rf.get("/", HTTP_AUTHORIZATION=f"Token {text}")
    assert CompiledTokenAuthentication().authenticate(request)[0] == lending

    revoke_token(token.token_key, by=administrator)

    assert not AuthToken.objects.exists()
    with pytest.raises(AuthenticationFailed):
        CompiledTokenAuthentication().authenticate(request)
    with pytest.raises(NoSuchToken):
        revoke_token(token.token_key, by=administrator)


def test_a_token_that_another_process_revoked_is_taken_for_a_second_and_no_longer(
    administrator, lending, rf, monkeypatch
):
    token, text = issue_token(lending, by=administrator)
    request = rf.get("/", HTTP_AUTHORIZATION=f"Token {text}")
    CompiledTokenAuthentication().authenticate(request)
    queryset = AuthToken.objects.filter(pk=token.pk)

    queryset._raw_delete(queryset.db)  # without a word to this process

    assert CompiledTokenAuthentication().authenticate(request)[0] == lending
    later = monotonic() + TRUSTED_SECONDS
    monkeypatch.setattr("governance.token_authentication.monotonic", lambda: later)
    with pytest.raises(AuthenticationFailed):
        CompiledTokenAuthentication().authenticate(request)


def test_who_was_deactivated_may_do_nothing_in_the_second_that_the_token_is_taken(
    administrator, lending, client
):
    _, text = issue_token(lending, by=administrator)
    ask = partial(
        client.post,
        "/api/v1/models/applicants/decisions",
        {},
        content_type="application/json",
        headers={"Authorization": f"Token {text}"},
    )
    assert ask().status_code == 404  # there is no such model

    User.objects.filter(pk=lending.pk).update(is_active=False)  # without a word to this process

    assert ask().status_code == 403


def test_a_token_always_ends(administrator, lending):
    token, _ = issue_token(lending, by=administrator, days=30)

    assert token.expiry - timezone.now() <= timedelta(days=30)
    for days in (0, 366):
        with pytest.raises(InvalidInput):
            issue_token(lending, by=administrator, days=days)


def test_signing_in_is_recorded_on_behalf_of_the_person(client, developer):
    assert client.login(username="dana", password="dana")

    entry = Entry.objects.get()
    assert entry.event == "governance.sign_in.succeeded"
    assert entry.subject_id == str(developer.pk)
    assert parse(bytes(entry.body))["actor"]["on_behalf_of"] == "dana"


def test_changing_the_own_password_is_an_act_and_is_recorded(signed_in, developer):
    browser = signed_in(developer)
    passwords = {"new_password1": "a long new one", "new_password2": "a long new one"}

    wrong = browser.post("/password_change/", {"old_password": "guessed", **passwords})
    assert wrong.status_code == 200
    assert "governance.password.changed" not in events()
    done = browser.post("/password_change/", {"old_password": "dana", **passwords})

    assert done.status_code == 302
    entry = Entry.objects.get(event="governance.password.changed")
    assert entry.subject_id == str(developer.pk)
    assert parse(bytes(entry.body))["actor"]["on_behalf_of"] == "dana"
    developer.refresh_from_db()
    assert developer.check_password("a long new one")
    assert browser.get("/").status_code == 200


def test_the_fifth_failure_locks_the_account_even_for_the_right_password(client, developer):
    for _ in range(FAILURES_ALLOWED):
        assert not client.login(username="dana", password="wrong")

    assert not client.login(username="dana", password="dana")
    assert events() == ["governance.sign_in.failed"] * FAILURES_ALLOWED


def test_a_locked_account_opens_again_after_fifteen_minutes(client, developer):
    for _ in range(FAILURES_ALLOWED):
        client.login(username="dana", password="wrong")
    past = timezone.now() - timedelta(minutes=16)
    SignInGuard.objects.update(first_failed_at=past, locked_until=past + timedelta(minutes=15))

    assert client.login(username="dana", password="dana")
    assert SignInGuard.objects.get().failures == 0


def test_failures_far_apart_lock_nobody(client, developer):
    for _ in range(FAILURES_ALLOWED):
        client.login(username="dana", password="wrong")
        SignInGuard.objects.update(first_failed_at=timezone.now() - timedelta(minutes=16))

    assert SignInGuard.objects.get().failures <= 2


def test_a_name_that_nobody_has_leaves_no_entry(client):
    assert not client.login(username="my-secret-password", password="oops")

    assert not Entry.objects.exists()


def test_the_command_makes_an_account_with_its_roles(monkeypatch):
    monkeypatch.setenv("NEW_PASSWORD", PASSWORD)

    call_command(
        "accounts", "add", "vera", "--role", "validator", "--password-from", "NEW_PASSWORD"
    )

    assert User.objects.get(username="vera").groups.get().name == "validator"
    assert Entry.objects.first().actor_name == "cli"


def test_the_command_shows_a_token_once_and_lists_accounts(lending):
    out = io.StringIO()

    call_command("accounts", "token", "lending", stdout=out)
    call_command("accounts", "list", stdout=out)

    assert AuthToken.objects.get().user == lending
    assert "scoring client" in out.getvalue()


def test_the_command_is_refused_to_someone_without_the_role(developer):
    with pytest.raises(CommandError, match=r"governance\.create_user"):
        call_command("accounts", "--as", "dana", "add", "vera")
