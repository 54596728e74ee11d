"""A caller's reference means one person or application for ever, whoever else is named beside it."""

import random

import pytest

from audit.models import Reference, Subject, SubjectSecret
from audit.references import applicants_for, find, people_for

pytestmark = pytest.mark.django_db


def test_people_and_applications_that_were_never_seen_are_made_with_all_that_belongs_to_them():
    people, applications = applicants_for("bank", [("A-1", "C-1"), ("A-2", "C-2"), ("A-3", "C-1")])

    assert set(people) == {"C-1", "C-2"}
    assert find("bank", "subject", ["C-1", "C-2"]) == {
        reference: secret.subject_id for reference, secret in people.items()
    }
    assert find("bank", "application", ["A-1", "A-2", "A-3"]) == applications
    assert Subject.objects.count() == 2
    for secret in people.values():
        assert SubjectSecret.objects.get(subject=secret.subject_id).pk == secret.id


def test_an_application_belongs_to_the_person_who_made_it_first():
    people, _ = applicants_for("bank", [("A-1", "C-1")])
    _, again = applicants_for("bank", [("A-1", "C-2")])

    [row] = Reference.objects.filter(kind="application")
    assert row.identifier == again["A-1"]
    assert row.subject_id == people["C-1"].subject_id


def test_one_application_named_for_two_people_at_once_finds_both():
    people, applications = applicants_for("bank", [("A-1", "C-1"), ("A-1", "C-2")])

    assert set(people) == {"C-1", "C-2"}
    assert set(applications) == {"A-1"}


def test_nobody_and_nothing_is_asked_for():
    assert applicants_for("bank", []) == ({}, {})
    assert people_for("bank", []) == {}


@pytest.mark.parametrize("seed", range(4))
def test_known_and_new_ones_in_any_mixture_mean_what_they_meant_before(seed):
    chance = random.Random(seed)
    people, applications = {}, {}

    for _ in range(12):
        asked = [
            (f"A-{chance.randrange(40)}", f"C-{chance.randrange(15)}")
            for _ in range(chance.randrange(1, 6))
        ]
        some, others = applicants_for("bank", asked)
        if chance.random() < 0.3:
            some |= people_for("bank", [f"C-{chance.randrange(15)}"])
        for reference, secret in some.items():
            assert people.setdefault(reference, secret) == secret
        for reference, identifier in others.items():
            assert applications.setdefault(reference, identifier) == identifier

    assert Subject.objects.count() == SubjectSecret.objects.count() == len(people)
    assert Reference.objects.count() == len(people) + len(applications)
