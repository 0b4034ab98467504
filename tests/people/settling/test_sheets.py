"""The tables above the text."""

from __future__ import annotations

from hypothesis import given

from biorat_al.corpus.model.document import Annotation
from biorat_al.people.audit.findings import Evidence, Excerpt, Finding, Suggestion
from biorat_al.people.settling.sheets import NOTHING, difference_sheet, finding_sheet
from tests.people.factories import TEXT, marked, mention
from tests.people.settling.factories import answers, compared


@given(answers())
def test_every_version_is_in_the_cell_of_each_who_has_it(given: dict[str, Annotation]) -> None:
    differences = compared(given).differences
    sheet = difference_sheet(differences, TEXT)
    assert sheet.sides == tuple(sorted(given))
    assert sheet.columns == (sheet.sides if differences else ())
    assert len(sheet.rows) == len(differences.mention_places()) + len(differences.relation_places())
    for row, some in zip(sheet.rows, differences.mention_places(), strict=False):
        for side, cell in zip(sheet.columns, row.cells, strict=True):
            having = [one.entity for one in some if side in one.by]
            assert cell == ("; ".join(f"{one.label} “{one.surface(TEXT)}”" for one in having) or NOTHING)
    assert f"{len(sheet.rows)} place" in sheet.heading or not differences


def test_a_row_says_what_kind_of_difference_it_is() -> None:
    aspirin, pain, severe = mention("Chemical", (0, 7)), mention("Disease", (22, 30)), mention("Disease", (15, 30))
    symptom, nausea = mention("Symptom", (0, 7)), mention("Symptom", (35, 41))
    one, other = marked(aspirin, pain, nausea, treats=(aspirin, pain)), marked(symptom, severe)
    sheet = difference_sheet(compared({"A": one, "B": other}).differences, TEXT)
    assert [row.title for row in sheet.rows] == ["Label", "Borders", "Only A", "Relation"]
    assert sheet.rows[1].excerpt == ("Aspirin caused ", "severe headache", " and nausea in patients.")
    assert sheet.rows[3].cells == ("treats: Aspirin → headache", NOTHING)


def test_findings_are_told_in_words_in_the_order_of_the_text() -> None:
    later = Finding(
        "extra", Excerpt("d", 35, 41, "and ", "nausea", " in"), "Disease", None, (Evidence("shape", "odd", 0.9),)
    )
    first = Finding(
        "missed", Excerpt("d", 22, 30, "severe ", "headache", " and"), None, Suggestion("Disease", 22, 30, "headache"),
        (Evidence("string", "marked in 3 of 4 places", 0.5),),
    )  # fmt: skip
    sheet = finding_sheet([later, first])
    assert [(row.title, row.cells) for row in sheet.rows] == [
        ("not marked", ("marked in 3 of 4 places", "mark it as Disease")),
        ("marked as Disease", ("odd", "do not mark it as Disease")),
    ]
    assert sheet.heading == "2 places in this document may be wrong."
