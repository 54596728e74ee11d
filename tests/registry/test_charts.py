"""The charts: valid, accessible to colour-blind people, equal for equal input, and safe inside a page."""

import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from registry import chart_style, charts, review_charts
from registry.measures.calibration import calibration
from registry.measures.performance import roc_curve


def a_population(n=600):
    generator = np.random.default_rng(7)
    pd = generator.beta(2, 8, n)
    return (generator.random(n) < pd).astype(int), pd


def every_chart():
    bad, pd = a_population()
    return {
        "roc": charts.roc({"Version 1": roc_curve(bad, pd), "Version 2": roc_curve(bad, pd**2)}),
        "calibration": charts.calibration(calibration(bad, pd).bands),
        "freshness": charts.freshness([("up to its end", 1200), ("past its end", 30)]),
        "importance": charts.importance({"dti": 0.4, "income": 0.1}),
        "psi": charts.psi_bars({"dti": 0.31, "income": 0.02}, watch=0.1, breach=0.25),
        "shift": charts.distribution_shift([("low", 0.2, 0.5), ("missing", 0.8, 0.5)], "dti"),
        "score": charts.score_shift(pd, pd**2, 0.2),
        "ratios": charts.adverse_impact(
            [
                charts.Ratio("race: black", "breach", 0.74, 0.65, 0.83),
                charts.Ratio("sex: other", "insufficient_data"),
            ],
            watch=0.9,
            breach=0.8,
        ),
        "flips": review_charts.flips(
            [
                review_charts.FlipLine("everybody", 400, 12, 8),
                review_charts.FlipLine("sex: women", 0, 0, 0),
            ]
        ),
        "ratio change": review_charts.ratio_change(
            [review_charts.RatioPair("sex: women", 0.85, 0.91, (0.78, 0.93), None)]
        ),
        "counts": review_charts.counts([("under 1 min", 3), ("over 1 day", 0)], "Decisions"),
        "contributions": charts.contributions([("dti", 0.5), ("income", -0.2)], -2.0, -1.7),
    }


def texts(svg):
    return [
        node.text for node in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")
    ]


def test_every_chart_is_well_formed_and_fetches_nothing():
    for name, svg in every_chart().items():
        root = ElementTree.fromstring(svg)

        assert root.tag.endswith("svg"), name
        assert "<script" not in svg
        assert "href" not in svg.replace("xmlns:xlink", "")


def test_equal_input_gives_equal_bytes_in_another_process():
    code = (
        "import sys, pathlib; sys.path.insert(0, '.');"
        "from registry import charts;"
        "charts.importance({'another': 1.0});"
        "sys.stdout.write(charts.roc({'a': ([0, 0.5, 1], [0, 0.7, 1])}))"
    )
    elsewhere = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert charts.roc({"a": ([0, 0.5, 1], [0, 0.7, 1])}) == elsewhere.stdout
    assert every_chart() == every_chart()


def test_identifiers_of_two_charts_never_meet_on_a_page():
    first = chart_style._with_own_ids('<a id="clip1"/><b clip-path="url(#clip1)"/>')
    second = chart_style._with_own_ids('<a id="clip1"/><c clip-path="url(#clip1)"/>')
    again = chart_style._with_own_ids('<a id="clip7"/><b clip-path="url(#clip7)"/>')

    assert first == again
    assert first.split('"')[1] != second.split('"')[1]
    assert f"url(#{first.split(chr(34))[1]})" in first


def test_a_group_too_small_to_show_is_named_without_a_number():
    shown = texts(every_chart()["ratios"])

    assert "sex: other" in shown
    assert "too few to show" in shown


def test_limits_are_written_beside_their_lines():
    assert {"watch 0.10", "breach 0.25"} <= set(texts(every_chart()["psi"]))
    assert {"parity 1.00", "watch 0.90", "breach 0.80"} <= set(texts(every_chart()["ratios"]))


def test_a_waterfall_adds_small_contributions_up_in_one_step():
    items = [(f"feature {i}", 0.5 / 2**i) for i in range(14)]

    shown = texts(charts.contributions(items, -2.0, -2.0 + sum(v for _, v in items)))

    assert "4 others together" in shown
    assert "feature 9" in shown
    assert "feature 10" not in shown
    assert shown.count("Baseline") == shown.count("This application") == 1


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", 'a "quoted" & long name'])
def test_a_name_is_text_and_never_markup(name):
    svg = charts.importance({name: 0.5})

    assert "<script" not in svg
    ElementTree.fromstring(svg)


def test_states_are_told_apart_by_people_who_see_no_red_and_green():
    # Okabe and Ito's vermilion and bluish green differ in lightness; plain red and green would not.
    def luminance(colour):
        r, g, b = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
        return 0.2126 * r + 0.7152 * g + 0.0722 * b

    assert chart_style.LIMIT == "#D55E00"
    assert chart_style.CALM == "#009E73"
    assert abs(luminance(chart_style.CURRENT) - luminance(chart_style.REFERENCE)) > 0.1
