"""`manage.py score`: a file of applications becomes decisions, each once."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from io import StringIO

import pandas as pd
import pytest
from django.core.management import CommandError, call_command

from audit.models import Entry
from serving.chunks import CHUNK
from serving.models import Decision, Observation
from tests.conftest import a_person
from tests.journeys.told import ROOT
from tests.serving.builders import BAD, GOOD, a_champion, an_application
from tests.web import environment_on


def score(model, path, out=None, *words):
    said = StringIO()
    written = ["--out", str(out)] if out else []
    call_command("score", model, str(path), "--as", "lending", *written, *words, stdout=said)
    return said.getvalue()


def flat(applications):
    """Applications as rows of a table."""
    return [
        {**{k: v for k, v in one.items() if k != "features"}, **one["features"]}
        for one in applications
    ]


def a_csv(path, applications):
    rows = flat(applications)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def an_ndjson(path, applications):
    path.write_text("".join(json.dumps(one) + "\n" for one in applications))
    return path


def answers_in(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.django_db
@pytest.mark.usefixtures("lending")
class TestOneRun:
    def test_each_row_is_decided_with_its_explanation_in_order(self, champion, tmp_path):
        applications = [an_application(**GOOD), an_application(**BAD), an_application(income=None)]
        path = a_csv(tmp_path / "file.csv", applications)

        said = score(champion.model.name, path, tmp_path / "out.ndjson")

        answers = answers_in(tmp_path / "out.ndjson")
        assert [one["row"] for one in answers] == [1, 2, 3]
        assert [one["application_ref"] for one in answers] == [
            one["application_ref"] for one in applications
        ]
        assert [one["decision"]["outcome"] for one in answers[:2]] == ["approved", "declined"]
        assert answers[1]["decision"]["reasons"]
        assert answers[1]["decision"]["explanation"]["attributions"]
        assert "3 rows: 3 decided, 0 refused." in said
        assert Entry.objects.filter(event="serving.decision.made").count() == 3

    @pytest.mark.parametrize("form", ["csv", "parquet", "ndjson"])
    def test_every_form_of_file_gives_the_same_decisions(
        self, champion, tmp_path, form, decide_over_http
    ):
        application = an_application(**BAD)
        path = tmp_path / f"file.{form}"
        if form == "csv":
            a_csv(path, [application])
        elif form == "parquet":
            pd.DataFrame(flat([application])).to_parquet(path)
        else:
            an_ndjson(path, [application])

        score(champion.model.name, path, tmp_path / "out.ndjson")

        [answer] = answers_in(tmp_path / "out.ndjson")
        single = decide_over_http(application).json()
        for same in ("outcome", "pd", "margin", "reasons", "explanation"):
            assert answer["decision"][same] == single[same]

    def test_a_row_that_is_wrong_is_named_with_its_column_and_the_others_are_decided(
        self, champion, tmp_path
    ):
        path = a_csv(
            tmp_path / "file.csv", [an_application(), an_application(dti="high"), an_application()]
        )

        said = score(champion.model.name, path, tmp_path / "out.ndjson")

        refused = answers_in(tmp_path / "out.ndjson")[1]["problem"]
        assert [(e["field"], e["type"]) for e in refused["errors"]] == [("dti", "wrong_type")]
        assert "dti" in said
        assert "3 rows: 2 decided, 1 refused." in said

    def test_a_line_that_is_no_json_is_refused_in_its_place(self, champion, tmp_path):
        path = tmp_path / "file.ndjson"
        path.write_text(f"{json.dumps(an_application())}\nnonsense\n")

        score(champion.model.name, path, tmp_path / "out.ndjson")

        good, bad = answers_in(tmp_path / "out.ndjson")
        assert "decision" in good
        assert bad["problem"]["type"] == "/problems/malformed-body"

    def test_columns_that_are_not_an_applications_stop_everything_and_are_named(
        self, champion, tmp_path
    ):
        path = tmp_path / "file.csv"
        path.write_text("application_ref,dti,income,delinquencies,homeowner,race\nA,1,2,3,true,x\n")

        with pytest.raises(CommandError) as refused:
            score(champion.model.name, path)

        for name in ("subject_ref", "purpose", "race"):
            assert f"  {name}:" in str(refused.value)
        assert not Decision.objects.exists()

    def test_a_file_that_breaks_off_decides_nothing(self, champion, tmp_path):
        path = a_csv(tmp_path / "file.csv", [an_application(), an_application()])
        path.write_text(path.read_text() + "A-3,C-3,4\n")

        with pytest.raises(CommandError, match="Row 3 of"):
            score(champion.model.name, path)

        assert not Decision.objects.exists()

    def test_a_dry_run_names_what_is_wrong_and_decides_nothing(self, champion, tmp_path):
        path = a_csv(tmp_path / "file.csv", [an_application(), an_application(dti=1000)])
        said = StringIO()

        with pytest.raises(CommandError, match="would be refused"):
            call_command("score", champion.model.name, str(path), "--dry-run", stdout=said)

        assert "2 rows: 1 valid, 1 refused." in said.getvalue()
        assert not Decision.objects.exists()
        assert not Entry.objects.filter(event="serving.decision.made").exists()

    def test_the_same_file_again_is_answered_from_the_record(self, champion, tmp_path):
        path = a_csv(tmp_path / "file.csv", [an_application(), an_application(dti="high")])
        first, second = tmp_path / "first", tmp_path / "second"

        score(champion.model.name, path, first)
        score(champion.model.name, path, second)
        said = score(champion.model.name, path, second)

        assert answers_in(first) == answers_in(second)
        assert "2 of them were answered before" in said
        assert Decision.objects.count() == 1

    def test_an_output_that_ends_in_the_middle_of_a_chunk_is_completed(self, champion, tmp_path):
        applications = [an_application() for _ in range(CHUNK + 3)]
        path, out = an_ndjson(tmp_path / "file.ndjson", applications), tmp_path / "out.ndjson"
        score(champion.model.name, path, out)
        whole = out.read_bytes()
        out.write_bytes(whole[:-1500])

        score(champion.model.name, path, out)

        assert out.read_bytes() == whole
        assert Decision.objects.count() == CHUNK + 3

    def test_the_answers_to_another_file_are_not_added_to(self, champion, tmp_path):
        out = tmp_path / "out.ndjson"
        score(champion.model.name, a_csv(tmp_path / "a.csv", [an_application()]), out)
        before = out.read_bytes()

        with pytest.raises(CommandError, match="holds other answers"):
            score(champion.model.name, a_csv(tmp_path / "b.csv", [an_application()]), out)

        assert out.read_bytes() == before
        assert Decision.objects.count() == 1

    def test_without_the_role_nothing_is_decided(self, champion, tmp_path):
        path = a_csv(tmp_path / "file.csv", [an_application()])

        with pytest.raises(CommandError, match=r"serving\.decide"):
            call_command("score", champion.model.name, str(path))

        assert not Decision.objects.exists()


@pytest.mark.long
@pytest.mark.crash
def test_a_run_that_is_killed_again_and_again_decides_each_row_once(
    own_database, django_db_blocker, tmp_path
):
    rows = 12 * CHUNK + 7
    with django_db_blocker.unblock():
        champion = a_champion()
        a_person("lending", "scoring client")
        applications = [an_application() for _ in range(rows)]
        path, out = an_ndjson(tmp_path / "file.ndjson", applications), tmp_path / "out.ndjson"
        command = ["manage.py", "score", champion.model.name, str(path), "--out", str(out)]
        kills = 0
        while True:
            run = subprocess.Popen(
                [sys.executable, *command, "--as", "lending"],
                cwd=ROOT,
                env=environment_on(own_database),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
            if kills == 3:
                said = run.communicate(timeout=300)[0].decode()
                assert run.returncode == 0, said
                break
            decided = Decision.objects.count()
            while Decision.objects.count() < decided + 2 * CHUNK:
                assert run.poll() is None, run.communicate()[0].decode()
                time.sleep(0.01)
            os.kill(run.pid, signal.SIGKILL)
            run.communicate()
            kills += 1

        answers = answers_in(out)
        assert [one["row"] for one in answers] == list(range(1, rows + 1))
        assert [one["application_ref"] for one in answers] == [
            one["application_ref"] for one in applications
        ]
        assert Decision.objects.count() == Observation.objects.count() == rows
        made = Entry.objects.filter(event="serving.decision.made")
        assert made.count() == rows
        told = {one["decision"]["decision_id"] for one in answers}
        assert told == {str(pk) for pk in Decision.objects.values_list("pk", flat=True)}
