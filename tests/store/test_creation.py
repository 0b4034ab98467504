"""Filling a new store: counts, duplicates, labels, the test set."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, assume, given
from hypothesis import settings as settings_of_hypothesis
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from biorat_al.corpus.model.concept_relations import properties_of
from biorat_al.corpus.model.document import Annotation, ConceptRelation, Document, Entity, Record, Relation, Span
from biorat_al.errors import CorpusError, DuplicateDocumentError, LabelError, UsageError
from biorat_al.settings import Settings, make_settings, relations_setting
from biorat_al.store import creation
from biorat_al.store.answers import answers, gold_annotations, load_answers
from biorat_al.store.database.engine import database_url
from biorat_al.store.documents import count_documents, document_of, documents_by_key
from biorat_al.store.store import Store, add_project
from biorat_al.store.tables import DocumentRow, RelationRow
from tests.store.conftest import Fill, record


def pool(count: int) -> list[Record]:
    return [record(f"d{i}", f"Asthma {i}.") for i in range(count)]


def documents_of(session: Session, split: str) -> list[Document]:
    """Return the documents of a split, in the order in which they were read."""
    rows = session.scalars(select(DocumentRow).where(DocumentRow.split == split).order_by(DocumentRow.id))
    return [document_of(row) for row in rows]


def test_documents_and_gold_annotations_come_back_as_they_went_in(store: Store, fill: Fill) -> None:
    text = "Asthma\r\n\tand 🫁 asthma  "
    fill([record("d1", text)])
    with store.read() as session:
        assert [document.text for document in documents_of(session, "pool")] == [text]
        assert gold_annotations(session, ["d1", "unknown"]) == {"d1": record("d1").annotation}


def test_a_duplicate_is_read_once_and_reported(store: Store, fill: Fill) -> None:
    report = fill([*pool(3), record("d1", "Asthma 1.")])
    assert (report.documents, report.duplicates) == (3, 1)
    assert report.duplicate_examples == ["d1 (file.txt:d1)"]


@pytest.mark.slow
def test_a_duplicate_is_found_however_far_apart(store: Store, fill: Fill) -> None:
    report = fill([*pool(1200), record("d0", "Asthma 0.")])
    assert (report.documents, report.duplicates) == (1200, 1)


@pytest.mark.slow
def test_an_id_with_two_texts_is_an_error_and_nothing_is_kept(store: Store, fill: Fill) -> None:
    with pytest.raises(DuplicateDocumentError, match=r"file.txt:d1, document d1: .*another text"):
        fill([*pool(700), record("d1", "Another text.")])
    with store.read() as session:
        assert session.scalar(select(func.count()).select_from(DocumentRow)) == 0


@pytest.mark.parametrize(("text", "words"), [("a\0b", "NUL"), ("a\ud800b", "surrogate")])
def test_text_that_no_database_keeps_is_refused(store: Store, fill: Fill, text: str, words: str) -> None:
    with pytest.raises(CorpusError, match=words):
        fill([Record(Document("d1", text), None, "x.jsonl:1")])


def test_source_labels_become_the_projects(store: Store, fill: Fill) -> None:
    report = fill([record("d1", label="Syndrome"), record("d2")])
    assert report.mentions == {"Syndrome": 1, "Disease": 1}
    with store.read() as session:
        found = gold_annotations(session, ["d1", "d2"])
    assert found["d1"].entities[0].label == "Disease"
    assert found["d1"].entities[0].extras == {"source_label": "Syndrome"}
    assert found["d2"].entities[0].extras == {}


def test_a_label_that_was_not_asked_for_is_an_error(fill: Fill) -> None:
    with pytest.raises(LabelError, match=r"not asked for: Gene \(1 mention\).*--ignore-label"):
        fill([record("d1"), record("d2", label="Gene")])


def test_a_label_that_is_ignored_is_kept_aside(store: Store, fill: Fill) -> None:
    report = fill([record("d1"), record("d2", label="Gene")], ignore=["Gene"])
    assert report.ignored == {"Gene": 1}
    with store.read() as session:
        found = gold_annotations(session, ["d2"])["d2"]
    assert found.entities == ()
    assert found.extras == {"entities_of_other_labels": [{"id": "T1", "label": "Gene", "spans": [[0, 6]]}]}


@pytest.mark.slow
def test_a_label_that_no_document_has_is_an_error(fill: Fill) -> None:
    with pytest.raises(LabelError, match=r"no document has the label 'Disease'"):
        fill([record("d1", label="Gene")], ignore=["Gene"])


CHEMICAL, DISEASE, GENE = (
    Entity(f"T{number}", label, (Span(number, number + 2),))
    for number, label in enumerate(("Chemical", "Disease", "Gene"))
)


def related(*relations: Relation, between_concepts: tuple[ConceptRelation, ...] = ()) -> list[Record]:
    """Return a document with three mentions."""
    annotation = Annotation((CHEMICAL, DISEASE, GENE), relations, between_concepts)
    return [Record(Document("d1", "Some text."), annotation, "file.txt:1")]


def with_relations(*texts: str, symmetric: tuple[str, ...] = ()) -> Settings:
    """Return settings for chemicals and diseases, with these relations."""
    entities = [{"name": "Chemical"}, {"name": "Disease"}]
    relations = relations_setting(texts, symmetric)
    return make_settings({"name": "demo", "entities": entities, "relations": relations})


def test_relations_become_the_projects_and_others_are_kept_aside(store: Store, fill: Fill) -> None:
    induces = Relation("R1", "induces", "T0", "T1", extras={"note": "n"})
    cures, of_a_gene = Relation("R2", "cures", "T0", "T1", False), Relation("R3", "CID", "T2", "T1")
    between = tuple(ConceptRelation(label, "D1", "D2") for label in ("induces", "CID", "cures"))
    report = fill(
        related(induces, cures, of_a_gene, between_concepts=between),
        settings=with_relations("CID=CID,induces:Chemical:Disease"),
        ignore=["Gene"],
    )
    assert report.relations == {"induces": 2, "cures": 2, "CID": 2}
    assert report.relations_aside == {"cures": 2, "CID": 1}
    with store.read() as session:
        found = gold_annotations(session, ["d1"])["d1"]
    assert found.relations == (Relation("R1", "CID", "T0", "T1", extras={"note": "n", "source_label": "induces"}),)
    assert found.concept_relations == (ConceptRelation("CID", "D1", "D2"),)
    aside = found.extras["relations_of_other_labels"]
    assert [Relation(**values) for values in aside] == [cures, of_a_gene]
    assert found.extras["concept_relations_of_other_labels"] == [["cures", "D1", "D2"]]


def test_what_is_said_of_a_relation_between_concepts_follows_its_new_label(store: Store, fill: Fill) -> None:
    said = [
        {"relation": ["cures", "D1", "D2"], "properties": {"novel": "No"}},
        {"relation": ["induces", "D1", "D2"], "properties": {"novel": "Novel"}},
    ]
    between = tuple(ConceptRelation(label, "D1", "D2") for label in ("cures", "induces"))
    ((document, annotation, source),) = related(between_concepts=between)
    assert annotation is not None
    known = replace(annotation, extras={"concept_relation_properties": said})
    fill(
        [Record(document, known, source)],
        settings=with_relations("CID=CID,induces:Chemical:Disease"),
        ignore=["Gene"],
    )
    with store.read() as session:
        found = gold_annotations(session, ["d1"])["d1"]
    assert found.concept_relations == (ConceptRelation("CID", "D1", "D2"),)
    assert properties_of(found) == ([{"novel": "Novel"}], 1)


def test_a_symmetric_relation_has_no_direction(store: Store, fill: Fill) -> None:
    settings = with_relations("with:Chemical:Disease", symmetric=("with",))
    fill(related(Relation("R1", "with", "T1", "T0")), settings=settings, ignore=["Gene"])
    with store.read() as session:
        found = gold_annotations(session, ["d1"])["d1"]
    assert found.relations == (Relation("R1", "with", "T1", "T0", directed=False),)


def test_a_project_without_relations_keeps_those_of_its_mentions(store: Store, fill: Fill) -> None:
    inside, outside = Relation("R1", "induces", "T0", "T1"), Relation("R2", "induces", "T0", "T2")
    between = (ConceptRelation("CID", "D1", "D2"),)
    report = fill(related(inside, outside, between_concepts=between), settings=with_relations(), ignore=["Gene"])
    with store.read() as session:
        found = gold_annotations(session, ["d1"])["d1"]
    assert (found.relations, found.concept_relations) == ((inside,), between)
    assert [values["id"] for values in found.extras["relations_of_other_labels"]] == ["R2"]
    assert report.relations_aside == {"induces": 1}


def test_a_relation_that_no_document_has_is_an_error(fill: Fill) -> None:
    settings = with_relations("CID:Chemical:Disease", "cures:Chemical:Disease")
    with pytest.raises(LabelError, match=r"no document has the relation 'cures'; .* are 'CID', 'binds'"):
        fill(
            related(Relation("R1", "CID", "T0", "T1"), Relation("R2", "binds", "T0", "T1")),
            settings=settings,
            ignore=["Gene"],
        )


def test_documents_without_relations_need_no_labels_of_relations(fill: Fill) -> None:
    assert fill(related(), settings=with_relations("CID:Chemical:Disease"), ignore=["Gene"]).relations == {}


def test_documents_without_annotations_need_no_labels(store: Store, fill: Fill) -> None:
    report = fill([Record(Document("d1", "Text."), None, "x")], gold=False)
    assert (report.documents, report.annotated) == (1, 0)
    with store.read() as session:
        assert answers(session, "pool", with_gold=True) == []


def test_imported_annotations_are_nothing_to_learn_from(store: Store, fill: Fill) -> None:
    fill(pool(2), gold=False)
    with store.read() as session:
        assert answers(session, "pool", with_gold=True) == []


def test_gold_counts_as_an_answer_an_empty_one_included(store: Store, fill: Fill) -> None:
    fill([record("d1"), record("d2", label=None)])
    with store.read() as session:
        chosen = answers(session, "pool", with_gold=True)
        assert [len(annotation.entities) for _, annotation in load_answers(session, chosen)] == [1, 0]
        assert answers(session, "pool", with_gold=False) == []


@pytest.mark.parametrize("order", [1, -1])
def test_the_test_set_depends_on_the_seed_and_not_on_the_order(store: Store, fill: Fill, order: int) -> None:
    fill(pool(60)[::order], test_size=7)
    with store.read() as session:
        drawn = {document.id for document in documents_of(session, "test")}
        assert count_documents(session) == {"pool": 53, "test": 7}
    assert drawn == {"d14", "d16", "d43", "d44", "d45", "d49", "d53"}


def test_a_test_set_that_takes_everything_is_refused(fill: Fill) -> None:
    with pytest.raises(UsageError, match="leaves nothing"):
        fill(pool(5), test_size=5)


def test_a_tenth_is_held_out_unless_said_otherwise(store: Store, fill: Fill) -> None:
    assert fill(pool(120), test_size=None).test_documents == 12


def test_a_document_in_both_sets_stays_held_out(store: Store, fill: Fill) -> None:
    report = fill([record("d1"), record("d2", "Asthma two."), record("d3", "Asthma three.")], [record("d1")])
    assert report.duplicates == 1
    with store.read() as session:
        assert count_documents(session) == {"pool": 2, "test": 1}


def test_a_test_text_under_another_id_leaves_the_pool(store: Store, fill: Fill) -> None:
    leaked = record("d1")
    assert leaked.annotation is not None
    related = replace(leaked.annotation, relations=(Relation("R1", "of itself", "T1", "T1"),))
    report = fill([leaked._replace(annotation=related), record("d2", "Asthma two.")], [record("t1")])
    assert report.leaks == 1
    with store.read() as session:
        assert documents_by_key(session, ["d1"]) == {}
        assert count_documents(session) == {"pool": 1, "test": 1}
        assert session.scalar(select(func.count()).select_from(RelationRow)) == 0


def test_a_text_that_many_documents_have_is_counted_once_per_document_left_out(store: Store, fill: Fill) -> None:
    """Ten documents share a text, and two of them are test documents: the pool was told to hold -9 documents."""
    same = [record(f"d{number}") for number in range(8)]
    report = fill([*same, record("other", "Asthma two.")], [record("t1"), record("t2")])
    assert (report.documents, report.test_documents, report.leaks) == (11, 2, 8)
    with store.read() as session:
        assert count_documents(session) == {"pool": 1, "test": 2}


@pytest.mark.slow
@settings_of_hypothesis(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    texts=st.lists(st.sampled_from("abcdef"), min_size=2, max_size=25),
    held_out=st.none() | st.lists(st.sampled_from("abcdef"), max_size=6),
    test_size=st.integers(0, 4),
    seed=st.integers(0, 99),
)
def test_pool_test_set_and_left_out_are_all_that_was_read(
    settings: Settings, texts: list[str], held_out: list[str] | None, test_size: int, seed: int
) -> None:
    pool_records = [record(f"d{number}", f"Asthma {text}.") for number, text in enumerate(texts)]
    test_records = (
        None if held_out is None else [record(f"t{number}", f"Asthma {t}.") for number, t in enumerate(held_out)]
    )
    with TemporaryDirectory() as folder:
        store = Store.create(database_url("sqlite", Path(folder)))
        try:
            with store.write() as session:
                add_project(session, settings.name)
                report = creation.fill(
                    session,
                    settings=settings.model_copy(update={"seed": seed}),
                    pool=pool_records,
                    test=test_records,
                    test_size=test_size,
                    gold=True,
                )
                counts = count_documents(session)
        except (CorpusError, UsageError):
            assume(False)
        finally:
            store.close()
    assert counts["pool"] + counts["test"] + report.leaks == report.documents == len(texts) + len(held_out or ())
    assert (counts["test"], counts["pool"] > 0) == (report.test_documents, True)


def test_no_document_is_left_says_why(fill: Fill) -> None:
    with pytest.raises(CorpusError, match="left for the pool: 2 documents had the same text as a test document"):
        fill([record("d1"), record("d2")], [record("t1")])


def test_no_document_at_all_is_an_error(fill: Fill) -> None:
    with pytest.raises(CorpusError, match="no document is left"):
        fill([])


def test_test_documents_without_annotations_are_left_to_people(store: Store, fill: Fill) -> None:
    fill(pool(3), [Record(Document("t1", "Blind."), None, "x")])
    with store.read() as session:
        assert answers(session, "test", with_gold=True) == []


def test_relations_of_ignored_entities_do_not_dangle(store: Store, fill: Fill) -> None:
    from biorat_al.corpus.model.document import Entity, Relation, Span

    annotation = Annotation(
        (Entity("T1", "Disease", (Span(0, 6),)), Entity("T2", "Gene", (Span(7, 9),))),
        (Relation("R1", "x", "T1", "T2"),),
    )
    fill([Record(Document("d1", "Asthma is a disease."), annotation, "x")], ignore=["Gene"])
    with store.read() as session:
        assert gold_annotations(session, ["d1"])["d1"].relations == ()
