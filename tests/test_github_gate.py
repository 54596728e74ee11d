"""The workflow for GitHub Actions: parsed, and its very step run with a container engine that notes what it is told."""

import os
import stat
import subprocess
from pathlib import Path

import pytest
import yaml

from governance.management.commands.gate import Command

ROOT = Path(__file__).resolve().parent.parent
# YAML 1.1 reads the key `on` as true.
WORKFLOW = yaml.safe_load((ROOT / "deploy" / "github-gate.yaml").read_text())
STEPS = WORKFLOW["jobs"]["gate"]["steps"]


def the_step_run_with(folder: Path, exit_code: int) -> subprocess.CompletedProcess[str]:
    engine = folder / "docker"
    engine.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > told\necho "{{}}"\nexit {exit_code}\n')
    engine.chmod(engine.stat().st_mode | stat.S_IXUSR)
    return subprocess.run(
        ["bash", "-c", STEPS[0]["run"]],
        cwd=folder,
        env={
            "PATH": f"{folder}:{os.environ['PATH']}",
            "CREDENCE_FOLDER": "/srv/credence",
            "MODEL": "loans; touch harm",
            "VERSION": "3",
        },
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_the_workflow_is_started_by_hand_or_by_another_and_may_only_read():
    assert set(WORKFLOW[True]) == {"workflow_dispatch", "workflow_call"}
    for trigger in WORKFLOW[True].values():
        assert set(trigger["inputs"]) == {"model", "version"}
    assert WORKFLOW["permissions"] == {"contents": "read"}


def test_inputs_reach_the_command_through_the_environment_only():
    assert "${{" not in STEPS[0]["run"]
    assert STEPS[0]["env"] == {
        "MODEL": "${{ inputs.model }}",
        "VERSION": "${{ inputs.version }}",
    }


def test_the_command_takes_what_the_workflow_tells_it(tmp_path):
    the_step_run_with(tmp_path, 0)

    told = (tmp_path / "told").read_text().splitlines()
    arguments = told[told.index("gate") + 1 :]
    parsed = Command().create_parser("manage.py", "gate").parse_args(arguments)
    assert (parsed.model, parsed.version, parsed.json) == ("loans; touch harm", 3, True)
    assert not (tmp_path / "harm").exists()


@pytest.mark.parametrize("exit_code", [0, 1])
def test_the_job_ends_as_the_gate_does_and_keeps_the_report(tmp_path, exit_code):
    ended = the_step_run_with(tmp_path, exit_code)

    assert ended.returncode == exit_code
    assert (tmp_path / "gate-report.json").read_text() == "{}\n"
    assert STEPS[1]["if"] == "always()"
