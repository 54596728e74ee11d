"""A version in service is asked for what it is known to answer, in the process that decides; a change is news."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, transaction
from django.utils import timezone

from audit.entries import parse
from audit.errors import NotPermitted
from audit.models import Entry
from audit.queries import service_account
from audit.store import content_store
from registry.queries import baseline_rows, contract_of_version
from serving import scoring
from serving.actions.probes import keep_probes, renew_probes
from serving.asking import ask_due
from serving.errors import DeveloperCannotRenew, NoKnownAnswers, ProbesKnown, ReasonMissing
from serving.in_service import bytes_of
from serving.models import Decision, ProbeFailure, ProbeResult, ProbeSet
from serving.probing import MIXED, applicants
from serving.tasks import ask_probes
from tests.conftest import a_person
from tests.registry.builders import a_policy, a_version, the_builder
from tests.serving.builders import a_champion

pytestmark = pytest.mark.django_db


@pytest.fixture
def monitor(db):
    return service_account("monitor")


def next_hour(minute=0, days=0):
    """A minute of the next full hour; at its first, whatever is asked every so many minutes of an hour is due."""
    later = timezone.now() + timedelta(hours=1, days=days)
    return later.replace(minute=minute, second=0, microsecond=0)


def spoil_what_this_process_holds(version):
    """As a fault of memory or of a library would: the champion that this process loaded scores a little differently."""
    judge = scoring.loaded(bytes_of(version)).judge
    intercept = judge.scorer.intercept
    object.__setattr__(judge.scorer, "intercept", intercept + 1e-12)


def events():
    return list(Entry.objects.filter(event__contains="probes").values_list("event", flat=True))


def test_a_champion_gets_its_known_answers_and_answers_them(champion, monitor):
    ask_due(next_hour(), by=monitor)

    probes = ProbeSet.objects.get()
    assert (probes.version, probes.number) == (champion, 1)
    assert probes.artefact_sha256 == champion.artefact_id
    assert len(probes.answers) == MIXED + 3
    assert {answer["outcome"] for answer in probes.answers} > {"approved"}
    result = ProbeResult.objects.get()
    assert (result.process, result.differences) == ("worker", [])
    assert result.answers_sha256 == probes.answers_sha256
    assert sorted(events()) == ["serving.probes.answered", "serving.probes.kept"]
    assert not Decision.objects.exists()
    assert not ProbeFailure.objects.exists()


def test_no_applicant_of_the_probes_is_a_person_of_the_baseline(champion):
    baseline = baseline_rows(champion.baseline).packed

    rows = applicants(contract_of_version(champion), baseline, seed=3)

    people = {row.tobytes() for row in baseline}
    assert not people & {row.tobytes() for row in rows}
    contract = contract_of_version(champion)
    for row in rows:
        assert contract.problems(contract.unpack(row)) == []


def test_the_same_answer_again_is_no_news_until_a_day_has_passed(champion, monitor):
    ask_due(next_hour(), by=monitor)
    before = Entry.objects.count()

    ask_due(next_hour(5), by=monitor)
    assert Entry.objects.count() == before

    ask_due(next_hour(days=1), by=monitor)
    assert Entry.objects.count() == before + 1
    assert ProbeResult.objects.count() == 2


def test_a_last_digit_that_changes_in_the_process_that_decides_is_a_fact_at_once(champion, monitor):
    ask_due(next_hour(), by=monitor)
    spoil_what_this_process_holds(champion)

    ask_due(next_hour(5), by=monitor)
    ask_due(next_hour(10), by=monitor)

    failure = ProbeFailure.objects.get()
    assert failure.version == champion
    assert "probe.0.margin" in failure.reason
    assert "probe.0.margin" in ProbeResult.objects.first().differences
    said = parse(bytes(ProbeResult.objects.first().entry.body))["public"]
    assert said["differences_count"] >= MIXED


def test_known_answers_come_from_the_archive_whatever_the_process_holds(champion, monitor):
    spoil_what_this_process_holds(champion)

    ask_due(next_hour(), by=monitor)

    assert ProbeFailure.objects.get().version == champion


def test_what_is_known_is_not_taken_again(champion, monitor):
    keep_probes(champion, by=monitor)

    with pytest.raises(ProbesKnown):
        keep_probes(champion, by=monitor)
    with pytest.raises(DatabaseError), transaction.atomic():
        ProbeSet.objects.update(answers=[])

    assert ProbeSet.objects.count() == 1


def test_another_version_has_answers_of_its_own_and_an_approved_change_is_no_failure(monitor):
    first = a_champion()
    ask_due(next_hour(), by=monitor)
    second = a_version(first.model, stage="production")

    ask_due(next_hour(30), by=monitor)

    assert {probes.version for probes in ProbeSet.objects.all()} == {first, second}
    assert not ProbeFailure.objects.exists()


def test_a_champion_that_does_not_load_is_a_fact_once_a_day(champion, monitor):
    ask_due(next_hour(), by=monitor)
    path = content_store().path("artefacts", champion.artefact_id)
    path.chmod(0o644)
    path.write_bytes(b"spoiled")
    scoring.loaded.cache_clear()

    ask_due(next_hour(5), by=monitor)
    ask_due(next_hour(10), by=monitor)

    assert "cannot score" in ProbeFailure.objects.get().reason


def test_a_policy_says_how_often(champion, monitor):
    a_policy("serving", {"probes": {"minutes": 7}}, name=champion.model.name)
    minutes = [next_hour(number) for number in range(14)]

    asked = []
    for now in minutes:
        scoring.loaded.cache_clear()
        ask_due(now, by=monitor)
        asked.append(scoring.loaded.made)

    assert sum(asked) == 2


def test_a_model_without_a_champion_is_not_asked(monitor):
    a_version(stage="staging")

    ask_due(next_hour(), by=monitor)

    assert not ProbeSet.objects.exists()


def test_the_scheduled_task_asks(champion):
    a_policy("serving", {"probes": {"minutes": 1}}, name=champion.model.name)

    ask_probes()

    assert ProbeResult.objects.get().probes.version == champion


# Renewing


def test_other_answers_take_the_place_of_known_ones_on_the_word_of_a_validator(
    champion, monitor, validator
):
    keep_probes(champion, by=monitor)

    renewed = renew_probes(champion, "numba 0.70 rounds otherwise; replays agree.", by=validator)

    assert (renewed.number, renewed.kept_by) == (2, validator)
    assert champion.probe_sets.first() == renewed
    assert Entry.objects.filter(event="serving.probes.renewed").exists()


def test_nobody_renews_without_a_reason_what_they_developed_or_what_is_not_known(
    champion, monitor, validator, developer
):
    own = a_champion()
    with pytest.raises(NoKnownAnswers):
        renew_probes(champion, "Why not.", by=validator)
    keep_probes(champion, by=monitor)
    keep_probes(own, by=monitor)
    builder = the_builder()
    builder.groups.add(*a_person("second", "validator").groups.all())

    with pytest.raises(ReasonMissing):
        renew_probes(champion, " ", by=validator)
    with pytest.raises(DeveloperCannotRenew):
        renew_probes(own, "Mine.", by=builder)
    with pytest.raises(NotPermitted):
        renew_probes(champion, "Mine.", by=developer)

    assert ProbeSet.objects.count() == 2
    assert Entry.objects.filter(event="audit.action_refused").count() == 4


# In web processes


def test_a_web_process_answers_for_itself(champion, monitor, operator, signed_in):
    path = f"/api/v1/models/{champion.model.name}/probes"
    assert signed_in(operator).post(path).status_code == 409
    keep_probes(champion, by=monitor)

    answer = signed_in(operator).post(path)
    spoil_what_this_process_holds(champion)
    otherwise = signed_in(operator).post(path)

    assert answer.json() == {
        "model": champion.model.name,
        "version": champion.number,
        "probes": 1,
        "applicants": MIXED + 3,
        "differences": [],
    }
    assert "probe.0.margin" in otherwise.json()["differences"]
    assert ProbeFailure.objects.get().reason.startswith("A web process")


def test_who_may_not_ask_is_refused_and_on_record(champion, monitor, developer, signed_in):
    keep_probes(champion, by=monitor)

    answer = signed_in(developer).post(f"/api/v1/models/{champion.model.name}/probes")

    assert answer.status_code == 403
    assert Entry.objects.filter(event="audit.action_refused").count() == 1
