"""What the code says about itself: the acts, and the events that they write, as the page docs/acts.md."""

import importlib
import pkgutil
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
