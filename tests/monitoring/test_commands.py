"""manage.py monitor and protected_key."""

import io

import pytest
from django.core.management import CommandError, call_command

from monitoring.models import MonitoringPass, Report
from tests.monitoring.builders import a_monitored_champion, decided, the_monitor

pytestmark = pytest.mark.django_db


def run(name, *arguments):
    output = io.StringIO()
    call_command(name, *arguments, stdout=output)
    return output.getvalue()


def test_monitor_makes_one_pass_now_and_shows_what_crossed_a_limit():
    version = a_monitored_champion()
    decided(version, 200, riskier=True)
    the_monitor()

    shown = run("monitor", version.model.name)

    assert MonitoringPass.objects.get().state == "finished"
    assert Report.objects.count() == 3
    assert "drift_ks_d" in shown
    assert Report.objects.get(kind="drift").sha256 in shown


def test_monitor_says_where_nothing_crossed_a_limit():
    version = a_monitored_champion()
    decided(version, 50)
    the_monitor()

    assert "No limit was crossed." in run("monitor", version.model.name)


def test_monitor_takes_a_window():
    version = a_monitored_champion()
    the_monitor()

    with pytest.raises(CommandError, match="decided nothing"):
        run(
            "monitor", version.model.name, "--from", "2020-01-01", "--until", "2020-02-01T00:00:00Z"
        )


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [(["nothing"], "Unknown model"), (["m", "--until", "tomorrow"], "invalid _moment value")],
)
def test_monitor_refuses_what_it_cannot_do(arguments, problem):
    the_monitor()

    with pytest.raises(CommandError, match=problem):
        run("monitor", *arguments)


def test_the_key_is_made_once(settings, tmp_path):
    settings.CREDENCE_KEYS = tmp_path

    assert "protected.key" in run("protected_key")
    with pytest.raises(CommandError, match="never overwritten"):
        run("protected_key")
