"""The report's part on what annotators disagree on."""

from __future__ import annotations

from dataclasses import replace

from biorat_al.corpus.formats.bigbio.details import AgreementF1, PairAgreement
from biorat_al.efficiency.report.sections.disputes import ALL, disputes_section
from biorat_al.efficiency.runs.of_project import _shaping
from biorat_al.people.disputes import Disputes

PAIR = PairAgreement("annotator-1", "annotator-2", (1204, 5), AgreementF1(4, 0.5, (0.25, 0.75)))
OTHER = PairAgreement("annotator-1", "annotator-3", (3, 4), AgreementF1(1, 0.8, None))
DISPUTES = Disputes(5, 1, 3, 0, 0, AgreementF1(5, 0.6, (0.4, 0.8)), (PAIR, OTHER))


def test_each_pair_is_shown_with_its_interval_and_all_together() -> None:
    section = disputes_section(DISPUTES)
    assert section is not None
    assert "1 holds what they could not decide: 3 disputed mentions, every version counted" in section.texts[0]
    (table,) = section.tables
    assert [row["pair"] for row in table.rows] == ["annotator-1, annotator-2", "annotator-1, annotator-3", ALL]
    assert [row["mentions"] for row in table.rows] == ["1,204, 5", "3, 4", None]
    f1 = [row["f1"] for row in table.rows]
    assert [(one.text, one.interval_text) for one in f1 if one is not None and not isinstance(one, (str, int))] == [
        ("50.0", "25.0 to 75.0"), ("80.0", "one document shows no spread"), ("60.0", "40.0 to 80.0"),
    ]  # fmt: skip


def test_one_pair_is_not_shown_twice_and_settled_ties_are_said() -> None:
    section = disputes_section(replace(DISPUTES, disputed_documents=0, mentions=0, settled=2, pairs=(PAIR,)))
    assert section is not None
    assert section.texts == [
        "In 5 documents that several people annotated, nothing is disputed.",
        "The preferred annotator has decided 2 ties.",
    ]
    assert len(section.tables[0].rows) == 1


def test_disputed_concepts_are_told_and_agreement_that_nobody_can_know_is_not_made_up() -> None:
    unknown = replace(DISPUTES, disputed_documents=0, mentions=0, concepts=2, agreement=None, pairs=())
    section = disputes_section(unknown)
    assert section is not None
    assert section.texts == [
        "In 5 documents that several people annotated, nothing else is disputed.",
        "Left out: 2 concepts that exactly half of a mention's annotators linked.",
        "No document has independent answers of several people, so their agreement is not known.",
    ]
    assert section.tables == []
    assert unknown.sentence == (
        "5 documents with an answer that somebody changed or copied beside another; nothing else is disputed; "
        "2 disputed concepts left out"
    )


def test_without_documents_of_several_people_there_is_no_such_part() -> None:
    assert disputes_section(None) is None


def test_a_report_does_not_name_the_preferred_annotator() -> None:
    kept = _shaping({"seed": 1, "name": "x", "team": {"ties": "prefer:ann@example.org"}})
    assert kept == {"seed": 1, "team": {"ties": "prefer"}}
    assert _shaping({"seed": 1}) == {"seed": 1}, "settings of before there was a team"
