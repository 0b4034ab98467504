from __future__ import annotations

import json
from pathlib import Path

import pytest

from biorat_al.corpus.convert import convert_corpus
from biorat_al.corpus.formats.base import WriteReport
from biorat_al.corpus.model.concept_relations import between_concepts, collapsed, expanded, with_old_columns
from biorat_al.corpus.model.document import Annotation, Concept, ConceptRelation, Entity, Relation, Span
from biorat_al.corpus.reading import read_corpus, write_corpus


def mentions(*concepts: str) -> tuple[Entity, ...]:
    """Return one mention for each of the arguments, which name its concepts, joined by ``|``."""
    return tuple(
        Entity(f"T{number}", "X", (Span(number, number + 1),), tuple(Concept("MESH", c) for c in some.split("|") if c))
        for number, some in enumerate(concepts, start=1)
    )


def spelled(entity: Entity, concept: Concept) -> str:
    return concept.identifier


def test_a_relation_for_every_pair() -> None:
    annotation = Annotation(mentions("A", "A|B", "C", ""), (), (ConceptRelation("x", "A", "C"),))
    relations, unlinked = expanded(annotation)
    assert unlinked == 0
    assert [(r.id, r.label, r.head, r.tail, r.directed) for r in relations] == [
        ("R1", "x", "T1", "T3", True),
        ("R2", "x", "T2", "T3", True),
    ]
    assert collapsed(Annotation(annotation.entities, relations)) == annotation


def test_ids_are_not_taken_twice_and_other_relations_stay() -> None:
    own = (Relation("R1", "y", "T1", "T2", directed=False),)
    annotation = Annotation(
        mentions("A", "B"), own, (ConceptRelation("x", "MESH:A", "B"), ConceptRelation("x", "A", "Z"))
    )
    relations, unlinked = expanded(annotation)
    assert ([r.id for r in relations], unlinked) == (["R1", "R2"], 1)
    again = collapsed(Annotation(annotation.entities, relations))
    assert (again.relations, again.concept_relations) == (own, (ConceptRelation("x", "MESH:A", "B"),))


def test_a_mention_is_not_related_to_itself() -> None:
    relations, unlinked = expanded(Annotation(mentions("A|B"), (), (ConceptRelation("x", "A", "B"),)))
    assert (relations, unlinked) == ((), 1)


def pairs(*ends: str, directed: bool = True) -> tuple[Relation, ...]:
    return tuple(
        Relation(f"R{number}", "x", f"T{pair[0]}", f"T{pair[1]}", directed) for number, pair in enumerate(ends, start=1)
    )


def test_concepts_whose_mentions_are_all_related() -> None:
    found, widened, unlinked = between_concepts(Annotation(mentions("A", "A|B", "C"), pairs("13", "23")), spelled)
    # B is only mentioned together with A, so nothing tells it apart
    assert found == [ConceptRelation("x", "A", "C"), ConceptRelation("x", "B", "C")]
    assert (widened, unlinked) == (0, 0)


def test_concepts_of_which_other_mentions_are_not_related() -> None:
    found, widened, unlinked = between_concepts(Annotation(mentions("A", "A", "C", ""), pairs("13", "14")), spelled)
    assert found == [ConceptRelation("x", "A", "C")]
    assert (widened, unlinked) == (1, 1)


@pytest.mark.parametrize(("directed", "widened"), [(True, 2), (False, 0)])
def test_an_undirected_relation_counts_either_way(directed: bool, widened: int) -> None:
    annotation = Annotation(mentions("A", "A", "B"), pairs("13", "32", directed=directed))
    found, number, _ = between_concepts(annotation, spelled)
    assert number == widened
    assert found[0] == ConceptRelation("x", "A", "B")


def pairs_in(document: str) -> int:
    """Return pairs of mentions of related concepts, counted from the lines of a document."""
    rows = [line.split("\t") for line in document.strip().split("\n") if "\t" in line]
    carried = [row[5].split("|") for row in rows if len(row) > 5]
    ends = [row[2:4] for row in rows if len(row) == 4]
    return sum(sum(head in held for held in carried) * sum(tail in held for held in carried) for head, tail in ends)


@pytest.mark.slow
@pytest.mark.parametrize("through", ["brat", "label-studio"])
@pytest.mark.parametrize("part", ["Training", "Development"])
def test_bc5cdr_there_and_back(corpora: Path, tmp_path: Path, part: str, through: str) -> None:
    source = corpora / "bc5cdr" / f"CDR_{part}Set.PubTator.txt"
    convert_corpus(source, tmp_path / "between", to=through)
    convert_corpus(tmp_path / "between", tmp_path / "back", to="pubtator")
    before = {r.document.id: r.annotation.concept_relations for r in read_corpus(source) if r.annotation}
    after = {r.document.id: r.annotation.concept_relations for r in read_corpus(tmp_path / "back") if r.annotation}
    assert {ident: set(found) for ident, found in after.items()} == {ident: set(held) for ident, held in before.items()}
    relations = sum(len(r.annotation.relations) for r in read_corpus(tmp_path / "between") if r.annotation)
    assert relations == sum(pairs_in(document) for document in source.read_text().split("\n\n"))


@pytest.mark.slow
@pytest.mark.parametrize("part", ["Training", "Development"])
def test_bc5cdr_without_what_says_where_a_relation_comes_from(corpora: Path, tmp_path: Path, part: str) -> None:
    source = corpora / "bc5cdr" / f"CDR_{part}Set.PubTator.txt"
    convert_corpus(source, tmp_path / "between", to="bigbio")
    convert_corpus(tmp_path / "between", tmp_path / "back", to="pubtator")
    before, after = (
        {(r.document.id, found) for r in read_corpus(path) if r.annotation for found in r.annotation.concept_relations}
        for path in (source, tmp_path / "back")
    )
    assert before <= after
    assert len(after - before) == (6 if part == "Training" else 9)


def test_what_an_older_database_kept_of_relations_is_written_again(tmp_path: Path) -> None:
    columns = [{"relation": 1, "columns": ["Novel"]}, {"relation": 0, "columns": ["0.7"]}]
    value = {
        "id": "1",
        "text": "Zalvorin calms gout.",
        "entities": [],
        "concept_relations": [{"label": "CID", "head": head, "tail": "D2"} for head in ("D1", "D9")],
        "extras": {"relation_columns": columns, "other": 1},
    }
    (tmp_path / "old.jsonl").write_text(json.dumps(value) + "\n")
    (record,) = read_corpus(tmp_path / "old.jsonl")
    report = WriteReport()
    write_corpus(tmp_path / "new.txt", [record], format="pubtator", report=report)
    assert "1\tCID\tD1\tD2\t0.7\n1\tCID\tD9\tD2\tNovel\n" in (tmp_path / "new.txt").read_text()
    # what is not of that shape stays, to be counted as lost
    assert record.annotation is not None
    assert "relation_columns" not in record.annotation.extras
    unfit = {"relation_columns": [{"relation": 5, "columns": ["Novel"]}]}
    assert with_old_columns(unfit, record.annotation.concept_relations) == unfit
