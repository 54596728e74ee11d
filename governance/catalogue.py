"""What the code says about itself: the acts and the events that they write (docs/acts.md), and who may do what (docs/permissions.md)."""

import importlib
import pkgutil
from dataclasses import dataclass
from enum import StrEnum

from audit.action import ACTS, Act
from governance.roles import ROLES, SERVICE_ACCOUNTS

FLOORS = ("audit", "registry", "serving", "monitoring", "governance")


def acts() -> list[Act]:
    """Every act that the five floors declare, floor by floor from the lowest."""
    for floor in FLOORS:
        package = importlib.import_module(f"{floor}.actions")
        for module in pkgutil.walk_packages(package.__path__, f"{floor}.actions."):
            importlib.import_module(module.name)
    return sorted(
        (act for act in ACTS.values() if act.name.split(".")[0] in FLOORS),
        key=lambda act: (FLOORS.index(act.name.split(".")[0]), act.name),
    )


def descriptions() -> dict[StrEnum, str]:
    """Every event, and what it says, floor by floor."""
    found: dict[StrEnum, str] = {}
    for floor in FLOORS:
        found |= importlib.import_module(f"{floor}.events").DESCRIPTIONS
    return found


def holders(permission: str) -> list[str]:
    """The roles and service accounts that hold a permission."""
    everyone = ROLES | SERVICE_ACCOUNTS
    return [name for name, permissions in everyone.items() if permission in permissions]


@dataclass(frozen=True)
class Permitted:
    """One row of the permission matrix: a permission, the acts that need it (none: it is for seeing), and who holds it."""

    permission: str
    acts: tuple[str, ...]
    holders: frozenset[str]


def permission_matrix() -> list[Permitted]:
    """Every permission that an act needs or that a role or service account holds, floor by floor, acts before reads."""
    needed: dict[str, list[str]] = {}
    for act in acts():
        needed.setdefault(act.needs, []).append(act.name.rpartition(".")[2])
    held = frozenset[str]().union(*ROLES.values(), *SERVICE_ACCOUNTS.values())
    ordered = sorted(
        held | needed.keys(),
        key=lambda one: (FLOORS.index(one.split(".")[0]), one not in needed, one),
    )
    return [Permitted(one, tuple(needed.get(one, ())), frozenset(holders(one))) for one in ordered]


@dataclass(frozen=True)
class PermissionTable:
    """The rows of the matrix that concern some of those who hold permissions: its columns."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[Permitted, ...]


def permission_tables() -> list[PermissionTable]:
    """The matrix of the roles, and that of the service accounts."""
    rows = permission_matrix()
    return [
        PermissionTable(
            title,
            tuple(columns),
            tuple(row for row in rows if row.holders.intersection(columns)),
        )
        for title, columns in (("Roles", ROLES), ("Service accounts", SERVICE_ACCOUNTS))
    ]


def permissions_page() -> str:
    """Markdown: the permission matrix of the roles, and that of the service accounts."""
    lines = [
        "# Who may do what",
        "",
        "Made by `manage.py acts --permissions` from the code; tests try every cell. A permission counts through a role alone: being a superuser gives none.",
    ]
    for table in permission_tables():
        lines += [
            "",
            f"## {table.title}",
            "",
            f"| permission | acts | {' | '.join(table.columns)} |",
        ]
        lines.append("|---" * (len(table.columns) + 2) + "|")
        for row in table.rows:
            cells = " | ".join("yes" if one in row.holders else "" for one in table.columns)
            lines.append(f"| `{row.permission}` | {', '.join(row.acts)} | {cells} |")
    return "\n".join(lines) + "\n"


def acts_page() -> str:
    """Markdown: one table of acts and one of events."""
    lines = [
        "# Acts and events",
        "",
        "Made by `manage.py acts` from the code; a test keeps it true. Names in *italics* are service accounts.",
        "",
        "| act | permission | who holds it | event |",
        "|---|---|---|---|",
    ]
    for act in acts():
        floor, _, name = act.name.replace(".actions.", ".").partition(".")
        who = ", ".join(f"*{h}*" if h in SERVICE_ACCOUNTS else h for h in holders(act.needs))
        lines.append(f"| {floor}: `{name}` | `{act.needs}` | {who} | `{act.event}` |")
    lines += ["", "| event | what it says |", "|---|---|"]
    lines += [f"| `{event}` | {text} |" for event, text in descriptions().items()]
    return "\n".join(lines) + "\n"
