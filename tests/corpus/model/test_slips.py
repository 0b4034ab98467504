"""Slips of the mouse: what is put right in an answer, and what ``validate`` warns of in a file."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biorat_al.corpus.model.document import Annotation, Document, Entity, Relation, Span
from biorat_al.corpus.model.slips import BLANKS, TWICE, Slips, slips, tidied, trimmed
from biorat_al.corpus.reading import write_corpus
from biorat_al.corpus.validate import validate_corpus

TEXT = "Old gout \u00a0and\u3000new\tgout.\n"


def entity(ident: str, *spans: tuple[int, int], label: str = "Disease", **more: object) -> Entity:
    return Entity(ident, label, tuple(Span(*span) for span in spans), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [(4, 8, (4, 8)), (3, 10, (4, 8)), (9, 14, (10, 13)), (13, 18, (14, 17)), (17, 24, (18, 23)), (8, 10, None)],
)
def test_blanks_of_every_kind_are_trimmed_from_the_ends(start: int, end: int, expected: tuple[int, int] | None) -> None:
    assert trimmed(TEXT, Span(start, end)) == expected


@given(st.text(alphabet=" \u2003\u00a0\tab\u200b", min_size=1), st.data())
def test_what_is_trimmed_is_the_stripped_text(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    found = trimmed(text, Span(start, end))
    assert ("" if found is None else text[found.start : found.end]) == text[start:end].strip()


def test_a_mention_drawn_twice_is_one_and_its_relations_move_to_the_one_that_stays() -> None:
    drawn = (entity("a", (4, 8)), entity("b", (18, 22)), entity("c", (3, 9), extras={"note": "sure?"}))
    relations = (
        Relation("r1", "follows", "b", "a"),
        Relation("r2", "follows", "b", "c"),
        Relation("r3", "precedes", "c", "b"),
    )
    extras = {"relations_without_label": [{"head": "c", "tail": "b"}]}
    tidy = tidied(Annotation(drawn, relations, extras=extras), TEXT)
    assert tidy.slips == Slips(trimmed=1, joined=1)
    assert tidy.problems == ()
    assert tidy.annotation == Annotation(
        (entity("a", (4, 8), extras={"note": "sure?"}), entity("b", (18, 22))),
        (Relation("r1", "follows", "b", "a"), Relation("r3", "precedes", "a", "b")),
        extras={"relations_without_label": [{"head": "a", "tail": "b"}]},
    )


def test_the_same_span_with_another_label_is_no_slip() -> None:
    annotation = Annotation((entity("a", (4, 8)), entity("b", (4, 8), label="Finding")))
    assert tidied(annotation, TEXT) == (annotation, Slips(), ())
    assert list(slips(Document("d", TEXT), annotation)) == []


def test_a_mention_of_blanks_alone_is_left_out_by_name_with_its_relation() -> None:
    drawn = (entity("a", (8, 10)), entity("b", (4, 8)))
    tidy = tidied(Annotation(drawn, (Relation("r", "treats", "b", "a"),)), TEXT)
    assert tidy.annotation == Annotation((drawn[1],))
    assert "'a' at 8-10 holds nothing but blanks" in tidy.problems[0]
    assert "the relation 'treats'" in tidy.problems[1]


def test_a_relation_between_two_drawings_of_one_mention_is_named() -> None:
    drawn = (entity("a", (4, 8)), entity("b", (4, 8)))
    tidy = tidied(Annotation(drawn, (Relation("r", "treats", "a", "b"),)), TEXT)
    assert tidy.annotation.relations == (Relation("r", "treats", "a", "a"),)
    assert len(tidy.problems) == 1


def test_pieces_are_trimmed_and_compared_whatever_their_order() -> None:
    tidy = tidied(Annotation((entity("a", (0, 4), (18, 22)), entity("b", (17, 22), (0, 3)))), TEXT)
    assert tidy.annotation.entities == (entity("a", (0, 3), (18, 22)),)
    assert tidy.slips == Slips(trimmed=2, joined=1)


@pytest.mark.parametrize("name", ["jsonl", "brat", "bioc-xml", "label-studio", "bigbio"])
def test_validate_warns_of_slips_in_a_file_of_any_format_and_changes_nothing(tmp_path: Path, name: str) -> None:
    annotation = Annotation((entity("T1", (0, 4)), entity("T2", (4, 8)), entity("T3", (4, 8))))
    path = tmp_path / f"corpus.{name}"
    write_corpus(path, [(Document("d1", "Old gout."), annotation)], format=name)
    validation = validate_corpus(path)
    assert (validation.warnings[BLANKS], validation.warnings[TWICE]) == (1, 1)
    assert all("d1" in remark for remark in validation.remarks)
