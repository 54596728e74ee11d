"""Documents: archival PDF and a page that stands alone, equal bytes for equal input, values never code."""

from datetime import UTC, datetime
from io import BytesIO

import jinja2
import pypdf
import pytest

from registry import charts
from registry.documents import (
    Cell,
    Document,
    Figure,
    Section,
    Statement,
    Table,
    render_html,
    render_pdf,
    template_text,
)

MADE_AT = datetime(2026, 11, 20, 12, tzinfo=UTC)


def a_document(word="debt to income"):
    return Document(
        title="Drift of loanapp, version 2",
        subtitle="1 to 20 November 2026",
        kind="Monitoring report",
        statements=(Statement("breach", f"drift_ks_d of {word} is 0.31, above 0.15."),),
        facts=(("As of", "20 November 2026"), ("Policy", "monitoring, version 3")),
        sections=(
            Section(
                "Columns",
                paragraphs=(f"The column {word} moved most.",),
                figures=(Figure("bars", "PSI by column", "Bars of PSI by column"),),
                tables=(
                    Table(
                        ("Column", "State", "PSI"),
                        ((word, Cell("breach", "breach"), "0.31"),),
                        left=2,
                    ),
                ),
                notes=("p-values are footnotes.",),
            ),
        ),
        definitions=(("PSI", "Population stability index."),),
        footer="sha256 abc",
    ).as_json()


def images():
    return {"bars": charts.psi_bars({"dti": 0.31}, watch=0.1, breach=0.25).encode()}


def pdf_of(data):
    return render_pdf(template_text("report.typ"), data, images(), made_at=MADE_AT)


def html_of(data):
    return render_html(template_text("report.html"), data, images()).decode()


def text_of(pdf):
    return "\n".join(page.extract_text() for page in pypdf.PdfReader(BytesIO(pdf)).pages)


def test_the_same_inputs_give_the_same_bytes():
    assert pdf_of(a_document()) == pdf_of(a_document())
    assert html_of(a_document()) == html_of(a_document())
    assert pdf_of(a_document()) != pdf_of(a_document("income"))


def test_the_pdf_declares_itself_archival_and_accessible():
    reader = pypdf.PdfReader(BytesIO(pdf_of(a_document())))
    declared = reader.xmp_metadata.stream.get_data().decode()

    assert "<pdfaid:part>2</pdfaid:part>" in declared
    assert "<pdfaid:conformance>A</pdfaid:conformance>" in declared
    assert "<pdfuaid:part>1</pdfuaid:part>" in declared
    assert reader.metadata.title == "Drift of loanapp, version 2"
    assert reader.metadata.creation_date == MADE_AT


def test_both_renderings_say_the_same():
    pdf, page = text_of(pdf_of(a_document())), html_of(a_document())

    for words in (
        "Drift of loanapp",
        "above 0.15",
        "monitoring, version 3",
        "footnotes",
        "sha256 abc",
    ):
        assert words in pdf
        assert words in page


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        '#import "../secret"',
        "$ x $ *bold* _it_ `raw`",
        "{{ 7 * 7 }}{% for x in y %}",
        '"],[], \\ // /* <img src=x>',
    ],
)
def test_values_are_text_and_never_code(hostile):
    pdf, page = text_of(pdf_of(a_document(hostile))), html_of(a_document(hostile))

    assert hostile.split()[0] in pdf.replace("\n", " ")
    assert "<script>" not in page
    assert "<img" not in page
    assert "49" not in page.split("<main>")[1].split("<svg")[0]


def test_the_page_stands_alone():
    page = html_of(a_document())

    assert "<svg" in page
    for outside in ("<script", "<link", "src=", "@import", "url(http"):
        assert outside not in page


def test_a_state_is_told_by_word_as_well_as_by_colour():
    page = html_of(a_document())

    assert '<strong class="state breach">breach</strong>' in page


def test_a_template_that_asks_for_what_is_not_there_fails():
    with pytest.raises(jinja2.UndefinedError):
        render_html("{{ approver }}", a_document(), {})


def test_an_image_name_cannot_leave_the_document():
    with pytest.raises(ValueError, match="no name for an image"):
        render_pdf("= x", {}, {"../escape": b"<svg/>"})


def test_a_template_of_ones_own_may_use_the_house_style():
    template = '#import "house.typ": *\n#let data = json("data.json")\n#show: house.with(data)\n= #data.title'

    pdf = render_pdf(template, {"title": "A card", "language": "en", "footer": ""}, {})

    assert "A card" in text_of(pdf)
