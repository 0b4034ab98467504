"""Near-duplicates that are annotated differently."""

from __future__ import annotations

import pytest

from biorat_al.people.audit.annotated import AnnotatedDocument, Worded
from biorat_al.people.audit.findings import Finding
from biorat_al.people.audit.places import find_places
from biorat_al.people.audit.twins import find_twins, twin_findings
from tests.support.audited import corpus_of

AROUND = (
    "In this open study of forty adults from three clinics we asked whether a small dose on each day does any {} to "
    "those who took it for two years, and how many of them stopped before the end because of it."
)


def findings_in(documents: list[AnnotatedDocument]) -> list[Finding]:
    corpus = [Worded(one) for one in documents]
    return list(twin_findings(corpus, find_places(corpus), find_twins([worded.text for worded in corpus])))


def test_texts_that_hardly_differ_are_twins() -> None:
    texts = [AROUND.format("harm"), "Something else entirely.", AROUND.format("good")]
    ((one, other, likeness),) = find_twins(texts)
    assert (one, other) == (0, 2)
    assert 0.8 < likeness < 1
    assert find_twins(["", "..."]) == []


def test_a_copy_is_compared_once() -> None:
    assert [(pair.one, pair.other) for pair in find_twins([AROUND.format("harm")] * 4)] == [(0, 1), (0, 2), (0, 3)]


@pytest.mark.parametrize(
    ("one", "other", "others", "expected"),
    [
        ("[Disease|gout]", "gout", ["A [Disease|gout]."] * 3, ("missed", "2", "mark it as Disease")),
        ("[Disease|harm]", "harm", ["A harm."] * 3, ("extra", "1", "do not mark it as Disease")),
        (
            "[Disease|lead]",
            "[Chemical|lead]",
            ["A [Chemical|lead]."],
            ("label", "1", "label it Chemical instead of Disease"),
        ),
        (
            "[Chemical|lead]",
            "[Disease|lead]",
            ["A [Chemical|lead]."],
            ("label", "2", "label it Chemical instead of Disease"),
        ),
        (
            "bad [Disease|gout]",
            "[Disease|bad gout]",
            ["[Disease|Gout]."],
            ("borders", "2", "mark “gout” (109–113) instead"),
        ),
        (
            "bad [Disease|gout]",
            "[Disease|bad gout]",
            ["[Disease|Bad gout]."],
            ("borders", "1", "mark “bad gout” (105–113) instead"),
        ),
    ],
)
def test_the_one_that_is_unlike_the_other_documents_is_reported_once(
    one: str, other: str, others: list[str], expected: tuple[str, str, str]
) -> None:
    documents = corpus_of(AROUND.format(one), AROUND.format(other), *others)
    (finding,) = findings_in(documents)
    assert (finding.kind, finding.excerpt.document, finding.suggestion) == expected
    assert finding.evidence[0].source == "twin"
    assert finding.score > 0.5


def test_twins_that_are_annotated_alike_have_no_finding() -> None:
    assert findings_in(corpus_of(*[AROUND.format("[Disease|gout]")] * 2)) == []


def test_where_the_words_differ_nothing_is_compared() -> None:
    documents = corpus_of(AROUND.format("harm such as [Disease|gout]"), AROUND.format("good against gout"))
    assert findings_in(documents) == []
