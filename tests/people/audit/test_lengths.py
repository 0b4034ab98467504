"""Mentions that are far longer than others."""

from __future__ import annotations

import pytest

from biorat_al.people.audit.annotated import Worded
from biorat_al.people.audit.audit import audit
from biorat_al.people.audit.lengths import length_findings
from tests.support.audited import corpus_of

USUAL = ["We saw [Disease|acute gout] in two people. It went away."] * 60


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (
            "We saw [Disease|gout in people. It] went away.",
            "it goes on beyond the end of a sentence, as 0 of 60 other mentions",
        ),
        (
            "[Disease|Painful swellings of the joints in two people]. We saw them.",
            "it has 8 words, and 0 of 60 other mentions of Disease have more than half as many",
        ),
    ],
)
def test_a_mention_that_is_longer_than_all_others_is_reported(wrong: str, sentence: str) -> None:
    (finding,) = length_findings([Worded(one) for one in corpus_of(*USUAL, wrong)])
    assert (finding.kind, finding.suggested, finding.excerpt.document) == ("extra", None, "61")
    assert [one.sentence for one in finding.evidence] == [sentence]


@pytest.mark.parametrize(
    "texts",
    [
        # each is as long as the others
        ["We saw [Disease|painful swellings of the joints of hands]."] * 60,
        # labels are apart: a long name of one is usual there
        [*USUAL, *["Of [Chemical|two three four five six seven eight nine]."] * 60],
        # as long as a short mention may be
        [*USUAL, "We saw [Disease|gout of the left knee]."],
        # five words, with a comma
        [*USUAL, "We saw [Disease|gout, left knee and foot]."],
        # the sentence ends where the mention does
        [*USUAL, "We saw [Disease|gout.] It went away."],
        # too few to tell
        ["Of [Disease|gout].", "[Disease|One two three four five six seven. Eight nine ten eleven.]"],
        [],
    ],
)
def test_what_is_usual_is_not_reported(texts: list[str]) -> None:
    assert list(length_findings([Worded(one) for one in corpus_of(*texts)])) == []


def test_an_abstract_that_a_click_has_marked_is_in_the_audit_whatever_is_wrong_inside() -> None:
    clicked = "[Disease|We saw acute gout in two people. It went away. Both had been well before. They are well now.]"
    (first, *_) = audit(corpus_of(*USUAL, clicked)).findings
    assert (first.excerpt.document, first.excerpt.start, first.kind) == ("61", 0, "extra")
    assert any("beyond the end of a sentence" in one.sentence for one in first.evidence)
    assert any("has 19 words" in one.sentence for one in first.evidence)
