"""What a serving policy may say."""

import pytest

from serving.errors import ServingPolicyMalformed
from serving.serving_policy import ServingPolicy


def test_a_part_that_is_left_out_is_empty() -> None:
    assert ServingPolicy.from_json({}).parts["explanations"] == {}


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"speed": {}}, ["speed"]),
        ({"explanations": 3}, ["explanations"]),
        ({"explanations": {}}, ["explanations.most_table_mib"]),
        ({"explanations": {"most_table_mib": True}}, ["explanations.most_table_mib"]),
        ({"explanations": {"most_table_mib": 0.5}}, ["explanations.most_table_mib"]),
        (
            {"explanations": {"most_table_mib": 0, "unit": "MiB"}},
            ["explanations.most_table_mib", "explanations.unit"],
        ),
    ],
)
def test_everything_wrong_is_named_at_once(body: dict[str, object], fields: list[str]) -> None:
    with pytest.raises(ServingPolicyMalformed) as refused:
        ServingPolicy.from_json(body)

    assert [problem.field for problem in refused.value.errors] == fields
