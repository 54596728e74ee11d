"""Descriptions classify every column of a file, or are refused."""

from pathlib import Path

import pytest

from registry.description import Description
from registry.errors import DescriptionRefused, FileDiffersFromDescription

ROOT = Path(__file__).resolve().parents[2]

TEXT = """
[dataset]
name = "loans"
title = "Loans"
source = "a bank"
licence = "none"
label_meaning = "The loan went bad."
jurisdiction = "US"
row_key = "id"

[label]
column = "status"
bad_values = ["charged off", "default"]

[time]
column = "opened"

[features.dti]
type = "number"
minimum = 0
maximum = 100
unit = "%"
reason_group = "obligations"
missing = "allowed"
missing_values = [999]

[features.purpose]
type = "category"
categories = ["1", "2"]
reason_group = "purpose"

[reasons.obligations]
code = "R01"
statement = "Obligations in relation to income"
missing_statement = "Unable to verify obligations"

[reasons.purpose]
code = "R02"
statement = "Purpose of the loan"
missing_statement = "Purpose was not given"

[protected.sex]
basis = "sex"
description = "1 male, 2 female."

[protected.age]
basis = "age"
description = "In years."

[groups.sex]
control = "male"
male = { sex = 1 }
female = { sex = 2 }

[groups.age]
control = "under_62"
under_62 = { column = "age", to = 62 }
elderly = { column = "age", from = 62 }

[ignored]
colour = "tells nothing"
"""
COLUMNS = ["id", "status", "opened", "dti", "purpose", "sex", "age", "colour"]


def faults(text: str) -> dict[str, str]:
    with pytest.raises(DescriptionRefused) as refusal:
        Description.from_toml(text)
    return {problem.field: problem.detail for problem in refusal.value.errors}


def without(*parts: str) -> str:
    text = TEXT
    for part in parts:
        assert part in text
        text = text.replace(part, "")
    return text


def test_a_description_says_what_every_column_is() -> None:
    description = Description.from_toml(TEXT)

    description.require_columns(COLUMNS)

    assert description.label.bad_values == ("charged off", "default")
    assert (description.row_key, description.time) == ("id", "opened")
    assert description.features.names == ("dti", "purpose")
    assert description.missing_values == {"dti": (999,)}
    assert set(description.protected) == {"sex", "age"}


def test_the_registry_part_knows_nothing_of_protected_columns() -> None:
    description = Description.from_toml(TEXT)

    part = description.registry_part()

    assert not {"protected", "groups"} & set(part)
    assert "female" not in str(part)
    assert part["contract"] == description.features.as_json()
    assert set(description.protected_part()) == {"protected", "groups"}


def test_reasons_become_the_body_of_a_reason_library() -> None:
    library = Description.from_toml(TEXT).reason_library()

    assert library["groups"]["purpose"] == {
        "code": "R02",
        "statement": "Purpose of the loan",
        "missing_statement": "Purpose was not given",
    }


def test_a_column_that_nobody_classified_is_refused_by_name() -> None:
    description = Description.from_toml(TEXT)

    with pytest.raises(FileDiffersFromDescription) as refusal:
        description.require_columns([*COLUMNS, "action", "zip"])

    assert {(problem.field, problem.type) for problem in refusal.value.errors} == {
        ("action", "unclassified"),
        ("zip", "unclassified"),
    }


def test_a_described_column_that_the_file_lacks_or_has_twice_is_refused_by_name() -> None:
    description = Description.from_toml(TEXT)

    with pytest.raises(FileDiffersFromDescription) as refusal:
        description.require_columns([*COLUMNS[1:], "dti"])

    assert {(problem.field, problem.type) for problem in refusal.value.errors} == {
        ("id", "absent"),
        ("dti", "twice"),
    }


def test_a_protected_column_can_be_nothing_else() -> None:
    text = TEXT.replace("[features.dti]", "[features.sex]").replace(
        'row_key = "id"', 'row_key = "age"'
    )

    assert faults(text) == {
        "sex": "Classified more than once: feature and protected.",
        "age": "Classified more than once: row key and protected.",
    }


def test_every_fault_of_a_description_is_named_at_once() -> None:
    text = (
        TEXT.replace("unit =", "units =")
        .replace('reason_group = "purpose"', 'reason_group = "goal"')
        .replace('code = "R02"', 'code = "R01"')
        .replace('control = "male"', 'control = "men"')
        .replace('colour = "tells nothing"', 'colour = ""')
        .replace('basis = "age"', "")
        .replace("[time]", "[clock]")
    )

    assert set(faults(text)) == {
        "clock",
        "features.dti.units",
        "features.purpose.reason_group",
        "reasons.purpose",
        "reasons.obligations",
        "reasons.obligations.code",
        "reasons.purpose.code",
        "groups.sex.control",
        "ignored.colour",
        "protected.age.basis",
    }


def test_a_file_brings_the_features_that_decisions_look_up_online() -> None:
    online = 'reason_group = "obligations"\ntable = "feast:risk/bureau"\nttl_seconds = 60\n'
    text = TEXT.replace('reason_group = "obligations"\n', online)

    description = Description.from_toml(text)

    description.require_columns(COLUMNS)
    assert description.features.looked_up == {"dti"}
    assert description.missing_values["dti"] == (999,)


def test_a_feature_without_a_statement_for_its_applicants_is_refused() -> None:
    text = without('statement = "Purpose of the loan"\n')

    assert set(faults(text)) == {"reasons.purpose.statement"}


def test_codes_for_missing_values_need_missing_to_be_allowed() -> None:
    text = without('missing = "allowed"\n')

    assert set(faults(text)) == {"features.dti.missing"}


def test_groups_are_told_apart_by_protected_columns_only() -> None:
    text = TEXT.replace("male = { sex = 1 }", "male = { dti = 1 }")

    assert faults(text) == {"groups.sex": "dti is not a [protected.*] column."}


def test_text_that_is_not_toml_is_refused() -> None:
    with pytest.raises(DescriptionRefused, match="not TOML"):
        Description.from_toml("[dataset\nname=")


def test_an_empty_text_is_refused_table_by_table() -> None:
    assert {"dataset", "label", "features", "reasons"} <= set(faults(""))


@pytest.mark.parametrize("path", ["docs/examples/lendingclub.toml", "governance/demo/loanapp.toml"])
def test_the_descriptions_we_ship_can_be_used(path: str) -> None:
    description = Description.from_toml((ROOT / path).read_text())

    assert len(description.features.features) >= 15
