"""Windows on accounts, roles and tokens in place of Django's own, which would write without an act."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth import admin as auth_admin
from django.contrib.auth.models import Group, User
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django_celery_beat import admin as beat_admin
from knox import admin as knox_admin
from knox.models import AuthToken
from unfold.widgets import (
    UnfoldAdminPasswordWidget,
    UnfoldAdminSelectMultipleWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from audit.admin_base import ReadOnlyAdmin, may_see
from governance.actions.accounts import (
    create_user,
    deactivate_user,
    grant_role,
    issue_token,
    revoke_role,
    revoke_token,
)
from governance.admin.pages import ActPage, Done, offer
from governance.admin.parts import link, table, tag
from governance.models import SignInGuard
from governance.queries.accounts import roles_of
from governance.roles import ROLES, SERVICE_ACCOUNTS

ROLE_CHOICES = [(role, role) for role in ROLES]
# Imported above so that they have registered their windows, which are closed here.
STOCK = (auth_admin, knox_admin, beat_admin)

for model in [*admin.site._registry]:
    if model._meta.app_label in {"auth", "knox", "django_celery_beat"}:
        admin.site.unregister(model)


class AccountsWindow(ReadOnlyAdmin):
    """Seen by those who answer for accounts."""

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return may_see(request, "governance.view_accounts")


@admin.register(User)
class UserAdmin(AccountsWindow):
    list_display = ("username", "roles", "is_active", "signs_in", "last_login")
    list_filter = ("is_active", "groups")
    search_fields = ("username",)
    ordering = ("username",)
    fields = ("username", "roles", "is_active", "signs_in", "last_login", "date_joined", "tokens")

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        users: QuerySet[User] = super().get_queryset(request)
        return users.prefetch_related("groups")

    @admin.display(description="Roles")
    def roles(self, user: User) -> str:
        if user.get_username() in SERVICE_ACCOUNTS:
            return "(a process of ours)"
        return ", ".join(roles_of(user)) or "-"

    @admin.display(description="Signs in with")
    def signs_in(self, user: User) -> str:
        return "password" if user.has_usable_password() else "tokens only"

    @admin.display(description="API tokens")
    def tokens(self, user: User) -> SafeString:
        rows = [(link(token, token.token_key), token.created, token.expiry) for token in AuthToken.objects.filter(user=user)]  # fmt: skip
        return table(["Public key", "Issued", "Expires"], rows)


@admin.register(Group)
class RoleAdmin(AccountsWindow):
    """Roles and what each may do, as the permission matrix wrote them."""

    list_display = ("name", "members", "rights")
    fields = ("name", "members", "permissions_table")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Group]:
        groups: QuerySet[Group] = super().get_queryset(request)
        return groups.prefetch_related("user_set", "permissions__content_type")

    @admin.display(description="Held by")
    def members(self, group: Group) -> str:
        return ", ".join(sorted(user.username for user in group.user_set.all())) or "-"

    @admin.display(description="Permissions")
    def rights(self, group: Group) -> int:
        return len(group.permissions.all())

    @admin.display(description="Permissions")
    def permissions_table(self, group: Group) -> SafeString:
        rows = [(permission.content_type.app_label, permission.name) for permission in group.permissions.all()]  # fmt: skip
        return table(["Floor", "May"], sorted(rows))


@admin.register(AuthToken)
class TokenAdmin(AccountsWindow):
    """Tokens by their public key; the tokens themselves are kept nowhere."""

    list_display = ("token_key", "user", "created", "expiry")
    search_fields = ("token_key", "user__username")
    fields = ("token_key", "user", "created", "expiry")


@admin.register(SignInGuard)
class SignInGuardAdmin(AccountsWindow):
    list_display = ("user", "failures", "locked")
    fields = ("user", "failures", "first_failed_at", "locked_until")

    @admin.display(description="Locked until")
    def locked(self, guard: SignInGuard) -> SafeString | str:
        return tag(f"{guard.locked_until:%Y-%m-%d %H:%M}") if guard.locked_until else "-"


class AccountForm(forms.Form):
    username = forms.CharField(label="Name", widget=UnfoldAdminTextInputWidget())
    password = forms.CharField(
        required=False,
        label="Password",
        help_text="Leave empty for a client system, which uses tokens only.",
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
    )
    roles = forms.MultipleChoiceField(
        required=False,
        label="Roles",
        choices=ROLE_CHOICES,
        widget=UnfoldAdminSelectMultipleWidget(attrs={"size": len(ROLES)}),
    )


class RoleForm(forms.Form):
    role = forms.ChoiceField(label="Role", choices=ROLE_CHOICES, widget=UnfoldAdminSelectWidget())


class TokenForm(forms.Form):
    days = forms.IntegerField(
        label="Days until it expires", initial=90, widget=UnfoldAdminTextInputWidget()
    )


def _create(_: None, fields: dict[str, Any], by: User) -> Done:
    user = create_user(
        fields["username"], by=by, password=fields["password"] or None, roles=fields["roles"]
    )
    return Done(f"The account {user.username} was made.")


def _grant(user: User, fields: dict[str, Any], by: User) -> Done:
    grant_role(user, fields["role"], by=by)
    return Done(f"{user.username} now holds the role {fields['role']}.")


def _revoke(user: User, fields: dict[str, Any], by: User) -> Done:
    revoke_role(user, fields["role"], by=by)
    return Done(f"{user.username} no longer holds the role {fields['role']}.")


def _issue(user: User, fields: dict[str, Any], by: User) -> Done:
    token, text = issue_token(user, by=by, days=fields["days"])
    return Done(f"A token for {user.username} until {token.expiry:%Y-%m-%d}.", secret=text)


def _close(user: User, fields: dict[str, Any], by: User) -> Done:
    deactivate_user(user, by=by)
    return Done(f"The account {user.username} is closed.")


def _revoke_token(token: AuthToken, fields: dict[str, Any], by: User) -> Done:
    revoke_token(token.token_key, by=by)
    return Done(f"The token {token.token_key} works no longer.")


def _is_a_person(user: User, viewer: User) -> bool:
    return user.is_active and user.get_username() not in SERVICE_ACCOUNTS


offer(
    ActPage(
        model=User,
        slug="new-account",
        title="New account",
        icon="person_add",
        needs="governance.create_user",
        what_happens="An account for a person, who signs in with a password, or for a client system.",
        perform=_create,
        form=AccountForm,
        on_list=True,
    ),
    ActPage(
        model=User,
        slug="grant-role",
        title="Grant a role",
        icon="add_moderator",
        needs="governance.grant_role",
        what_happens="The role counts from the person's next act on.",
        perform=_grant,
        form=RoleForm,
        applies=_is_a_person,
    ),
    ActPage(
        model=User,
        slug="revoke-role",
        title="Revoke a role",
        icon="remove_moderator",
        needs="governance.grant_role",
        what_happens="The person's next act is already refused.",
        perform=_revoke,
        form=RoleForm,
        applies=_is_a_person,
    ),
    ActPage(
        model=User,
        slug="issue-token",
        title="Issue an API token",
        icon="key",
        needs="governance.issue_token",
        what_happens="A token for the REST API is shown once on the next page and kept nowhere.",
        perform=_issue,
        form=TokenForm,
        applies=_is_a_person,
    ),
    ActPage(
        model=User,
        slug="close-account",
        title="Close the account",
        icon="person_off",
        needs="governance.deactivate_user",
        what_happens="Sessions, tokens and roles stop working at once. The name stays on what was done under it.",
        perform=_close,
        form=forms.Form,
        applies=_is_a_person,
        danger=True,
    ),
    ActPage(
        model=AuthToken,
        slug="revoke",
        title="Revoke",
        icon="key_off",
        needs="governance.issue_token",
        what_happens="The token stops working at once.",
        perform=_revoke_token,
        form=forms.Form,
        danger=True,
    ),
)
