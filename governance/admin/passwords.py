"""The page on which people change their own password: Django's, but through an act, so that it is on record."""

from django.contrib import admin
from django.contrib.auth.models import User
from django.contrib.auth.views import PasswordChangeView
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse_lazy
from unfold.forms import AdminOwnPasswordChangeForm

from audit.context import acting
from audit.queries import service_account
from governance.actions.sign_ins import change_password


class OwnPasswordForm(AdminOwnPasswordChangeForm):  # type: ignore[misc]  # unfold ships no types
    def save(self, commit: bool = True) -> User:
        with acting(on_behalf_of=self.user.get_username(), trigger="password change"):
            return change_password(
                self.user, self.cleaned_data["new_password1"], by=service_account("monitor")
            )


def own_password(request: HttpRequest) -> HttpResponseBase:
    view = PasswordChangeView.as_view(
        form_class=OwnPasswordForm,
        success_url=reverse_lazy("admin:password_change_done"),
        extra_context=admin.site.each_context(request),
    )
    return view(request)
