"""Who may try to sign in."""

from django.contrib.auth.models import User
from django.db import models


class SignInGuard(models.Model):
    """The failed sign-ins of one account in the current window, and until when it is locked."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="+")
    failures = models.PositiveSmallIntegerField(default=0)
    first_failed_at = models.DateTimeField(null=True)
    locked_until = models.DateTimeField(null=True)

    class Meta:
        # Acts about accounts have no table of their own: their rows are Django's.
        permissions = [
            ("create_user", "Can create accounts"),
            ("deactivate_user", "Can close accounts"),
            ("grant_role", "Can grant and revoke roles"),
            ("issue_token", "Can issue and revoke API tokens"),
            ("view_accounts", "Can see accounts, roles and tokens"),
            ("record_sign_in", "Can record sign-ins and their failures"),
        ]
