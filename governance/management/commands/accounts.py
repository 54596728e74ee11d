"""Accounts from the terminal, through the same acts as everywhere."""

import os
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import CommandError, CommandParser
from rich.table import Table

from audit.action import require
from audit.command_base import ActCommand
from governance.actions.accounts import create_user, issue_token
from governance.queries.accounts import account, accounts, roles_of
from governance.queries.recertification import undecided_roles
from governance.roles import ROLES


class Command(ActCommand):
    help = "Make an account (add), issue an API token (token), list accounts and roles (list), or roles to certify (review)."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        subcommands = parser.add_subparsers(dest="subcommand", required=True)
        add = subcommands.add_parser("add", help="make an account and give it roles")
        add.add_argument("name")
        add.add_argument("--role", action="append", default=[], choices=list(ROLES))
        add.add_argument(
            "--password-from",
            metavar="VARIABLE",
            help="environment variable with the password; without one the account uses tokens only",
        )
        token = subcommands.add_parser("token", help="issue a token and show it once")
        token.add_argument("name")
        token.add_argument("--days", type=int, default=90)
        subcommands.add_parser("list", help="list accounts and roles")
        subcommands.add_parser("review", help="list roles that nobody certified in this review")

    def act(self, *, by: User, **options: Any) -> None:
        match options["subcommand"]:
            case "add":
                self._add(options["name"], options["role"], _password(options["password_from"]), by)
            case "token":
                _, text = issue_token(account(options["name"]), by=by, days=options["days"])
                self.console.print(text, soft_wrap=True)
            case "review":
                require(by, "governance.view_recertification")
                self._review()
            case _:
                self._list()

    def _add(self, name: str, roles: list[str], password: str | None, by: User) -> None:
        create_user(name, by=by, password=password, roles=roles)
        self.console.print(f"{name}: {', '.join(roles) or 'no role yet'}")

    def _list(self) -> None:
        table = Table("account", "roles", "active", "signs in with")
        for user in accounts():
            how = "password" if user.has_usable_password() else "token"
            table.add_row(user.username, ", ".join(roles_of(user)), str(user.is_active), how)
        self.console.print(table)

    def _review(self) -> None:
        table = Table("quarter", "due", "account", "role")
        for held in undecided_roles():
            review = held.recertification
            table.add_row(review.quarter, str(review.due_on), held.holder.username, held.role)
        self.console.print(table)


def _password(variable: str | None) -> str | None:
    if variable is None:
        return None
    password = os.environ.get(variable)
    if not password:
        raise CommandError(f"The environment variable {variable} holds no password.")
    return password
