"""What a linter of imports cannot say about how the house is built."""

import ast
import importlib
import inspect
import pkgutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from audit import triggers
from governance import catalogue

ROOT = Path(__file__).resolve().parent.parent
FLOORS = catalogue.FLOORS
WRITES = {
    "save", "create", "update", "delete", "bulk_create", "bulk_update", "get_or_create", "update_or_create",
}  # fmt: skip
EDGES = ("api", "admin", "tasks", "urls", "management", "operations")
# Methods of these names that write no row, each with what it is.
NOT_A_WRITE = {
    "update": {"hashlib", "dict", "context", "data", "progress"},
}


def modules(floor: str, *rooms: str) -> Iterator[Path]:
    for room in rooms:
        yield from (ROOT / floor).glob(f"{room}.py")
        yield from (ROOT / floor / room).rglob("*.py")


def action_modules() -> list[str]:
    names = []
    for floor in FLOORS:
        package = importlib.import_module(f"{floor}.actions")
        names += [
            module.name for module in pkgutil.walk_packages(package.__path__, f"{floor}.actions.")
        ]
    return names


@pytest.mark.parametrize("name", action_modules())
def test_every_public_function_among_the_actions_is_an_act_with_keyword_only_by(name: str) -> None:
    module = importlib.import_module(name)

    for function in vars(module).values():
        own = inspect.isfunction(function) and function.__module__ == name
        if not own or function.__name__.startswith("_"):
            continue
        assert hasattr(function, "act"), f"{name}.{function.__name__} is public and no @action."
        by = inspect.signature(function).parameters.get("by")
        assert by is not None, f"{function.__name__} takes no actor."
        assert by.kind is inspect.Parameter.KEYWORD_ONLY, (
            f"{function.__name__} takes `by` by position."
        )


@pytest.mark.parametrize("floor", FLOORS)
def test_edges_write_nothing_themselves(floor: str) -> None:
    for path in modules(floor, *EDGES):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            if node.func.attr in WRITES and not _no_row(node.func):
                pytest.fail(
                    f"{path.relative_to(ROOT)}:{node.lineno} calls .{node.func.attr}(): an edge calls an act."
                )


def _no_row(call: ast.Attribute) -> bool:
    base = call.value
    while isinstance(base, ast.Attribute | ast.Call):
        base = base.value if isinstance(base, ast.Attribute) else base.func
    return isinstance(base, ast.Name) and base.id in NOT_A_WRITE.get(call.attr, set())


@pytest.mark.parametrize("floor", FLOORS)
def test_every_model_is_listed_once_by_what_may_happen_to_its_rows(floor: str) -> None:
    config = apps.get_app_config(floor)

    listed = [
        name
        for kind in ("append_only", "governed", "erasable", "plain")
        for name in getattr(config, kind)
    ]

    assert sorted(listed) == sorted(model.__name__ for model in config.get_models())


@pytest.mark.parametrize("floor", FLOORS)
def test_rows_that_may_not_change_have_their_triggers_declared(floor: str) -> None:
    MigrationLoader(None)
    config = apps.get_app_config(floor)

    for name in (*config.append_only, *config.governed, *config.erasable):
        table = config.get_model(name)._meta.db_table
        assert triggers.DECLARED.get(table), f"{table} has no trigger."


def test_every_declared_trigger_is_in_the_database(db: None) -> None:
    assert triggers.missing(connection) == []


def test_every_event_has_one_name_and_a_description() -> None:
    for floor in FLOORS:
        module = importlib.import_module(f"{floor}.events")
        assert set(module.DESCRIPTIONS) == set(module.Event)
        for event in module.Event:
            assert event.startswith(f"{floor}.")


def test_every_act_writes_an_event_of_its_own_floor() -> None:
    for act in catalogue.acts():
        assert act.event.startswith(act.name.split(".")[0] + "."), act


def test_somebody_can_do_every_act() -> None:
    for act in catalogue.acts():
        assert catalogue.holders(act.needs), f"Nobody holds {act.needs}, which {act.name} needs."


def test_the_page_of_acts_is_what_the_code_says() -> None:
    page = (ROOT / "docs" / "acts.md").read_text()

    assert page == catalogue.acts_page(), "Run `manage.py acts > docs/acts.md`."
    matrix = (ROOT / "docs" / "permissions.md").read_text()
    assert matrix == catalogue.permissions_page(), (
        "Run `manage.py acts --permissions > docs/permissions.md`."
    )


def test_the_five_floors_are_the_only_apps_of_ours() -> None:
    assert set(FLOORS) <= set(settings.INSTALLED_APPS)


def test_packages_hold_no_code_in_their_init_files() -> None:
    for floor in FLOORS:
        for path in (ROOT / floor).rglob("__init__.py"):
            tree = ast.parse(path.read_text())
            kinds = (ast.Import, ast.ImportFrom, ast.Assign, ast.Expr)
            assert all(isinstance(node, kinds) for node in tree.body), f"{path} holds code."


FORBIDDEN_NAMES = {
    "utils",
    "util",
    "helpers",
    "common",
    "manager",
    "managers",
    "service",
    "services",
    "misc",
}


def test_no_module_is_called_by_a_name_that_says_nothing() -> None:
    for floor in FLOORS:
        for path in (ROOT / floor).rglob("*.py"):
            assert path.stem not in FORBIDDEN_NAMES, path


def test_every_task_on_the_schedule_exists() -> None:
    from governance.celery import app

    app.loader.import_default_modules()

    assert set(settings.CELERY_BEAT_SCHEDULE) <= set(app.tasks)


def test_starting_the_web_server_loads_nothing_that_draws() -> None:
    """Charts are drawn when somebody looks at them; a worker that decides needs no megabytes of it."""
    started = (
        "import os, sys, django; os.environ['DJANGO_SETTINGS_MODULE'] = 'tests.settings'; django.setup();"
        "from django.contrib import admin; admin.autodiscover(); import governance.urls;"
        "print(*sorted({'altair', 'matplotlib', 'vl_convert'} & set(sys.modules)))"
    )

    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", started], cwd=ROOT, capture_output=True, text=True, check=True
    )  # fmt: skip

    assert run.stdout.split() == []
