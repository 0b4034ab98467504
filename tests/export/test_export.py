"""Exports that are read again by ``datasets`` and compared with the store."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from sqlalchemy import URL, select, update

from biorat_al.corpus.model.document import (
    Annotation,
    Concept,
    ConceptRelation,
    Document,
    Entity,
    Passage,
    Record,
    Relation,
    Span,
)
from biorat_al.corpus.reading import read_corpus
from biorat_al.corpus.validate import validate_corpus
from biorat_al.errors import CorpusError, NothingToDoYet, ProjectError, UsageError
from biorat_al.export.export import ExportOptions, ExportReport, export_corpus
from biorat_al.people.disputes import find_disputes
from biorat_al.presentation.export import export_text
from biorat_al.rounds.status import project_status
from biorat_al.rounds.steps.learnt import training_examples
from biorat_al.settings import Settings, make_settings
from biorat_al.store import creation
from biorat_al.store.annotations import NewAnnotation, add_annotations, entity_values, relation_values
from biorat_al.store.answers import answers, load_answers
from biorat_al.store.documents import documents_by_id
from biorat_al.store.store import Store, add_project
from biorat_al.store.tables import DocumentRow, EntityRow, ModelRow, PredictionRow, RoundRow
from tests.support.bigbio import record_of_source

LABELS = ("Disease", "Chemical")
T0 = datetime(2024, 5, 1, 12, tzinfo=UTC)
ODD = "a\"b: # c'\\*_<i>&../[x]{y}`👩‍🔬- {{ z }}"


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        raise AssertionError("the network was used")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store.create(URL.create("sqlite", database=str(tmp_path / "store.sqlite3")))
    yield store
    store.close()


def settings_of(*labels: str) -> Settings:
    return make_settings({"name": "trial", "entities": [{"name": label} for label in labels or LABELS]})


def filled(
    store: Store, settings: Settings, pool: Iterable[Record], test: Iterable[Record] = (), ignore: Iterable[str] = ()
) -> None:
    with store.write() as session:
        add_project(session, settings.name)
        creation.fill(session, settings=settings, pool=pool, test=test, test_size=0, gold=True, ignore=tuple(ignore))


def exported(store: Store, settings: Settings, out: Path, *, force: bool = False, **options: Any) -> ExportReport:
    return export_corpus(settings, store, out, format="bigbio", force=force, options=ExportOptions(**options))


def load(out: Path, kind: str) -> dict[str, list[dict[str, Any]]]:
    import datasets

    loaded = datasets.load_dataset(str(out), f"trial_{kind}", cache_dir=str(out.parent / "cache"))
    return {split: rows.to_list() for split, rows in loaded.items()}


def in_store(store: Store, **splits: str) -> dict[str, list[tuple[Document, Annotation]]]:
    found = {}
    with store.read() as session:
        for name, split in splits.items():
            chosen = answers(session, split, with_gold=True)
            documents = documents_by_id(session, [answer.document_id for answer in chosen])
            found[name] = [(documents[answer.document_id], held) for answer, held in load_answers(session, chosen)]
    return found


def compare(out: Path, expected: dict[str, list[tuple[Document, Annotation]]]) -> Counter[str]:
    """Compare both configurations with the store, span for span; return what was compared."""
    kb, source = load(out, "bigbio_kb"), load(out, "source")
    counts: Counter[str] = Counter()
    ids: Counter[str] = Counter()
    assert list(kb) == list(source) == list(expected)
    for split, pairs in expected.items():
        for (document, annotation), row, whole in zip(pairs, kb[split], source[split], strict=True):
            again = record_of_source(whole, split)
            assert (again.document, again.annotation) == (document, annotation)
            text = " ".join(part["text"][0] for part in row["passages"])
            assert row["document_id"] == document.id
            mentions = {}
            for entity, made in zip(annotation.entities, row["entities"], strict=True):
                mentions[made["id"]] = entity
                assert made["type"] == entity.label
                assert made["text"] == [document.text[start:end] for start, end in entity.spans]
                assert made["text"] == [text[start:end] for start, end in made["offsets"]]
                assert [(one["db_name"], one["db_id"]) for one in made["normalized"]] == list(entity.concepts)
                if text == document.text:
                    assert [tuple(span) for span in made["offsets"]] == list(entity.spans)
            direct = [(one.label, one.head, one.tail) for one in annotation.relations]
            found = [(one["type"], mentions[one["arg1_id"]], mentions[one["arg2_id"]]) for one in row["relations"]]
            assert [(kind, head.id, tail.id) for kind, head, tail in found[: len(direct)]] == direct
            between = {ConceptRelation(kind, a, b) for kind, head, tail in found[len(direct) :]
                       for a in _names(head) for b in _names(tail)}  # fmt: skip
            assert set(annotation.concept_relations) <= between
            counts.update(documents=1, entities=len(mentions), relations=len(found))
            ids.update([row["id"], *(one["id"] for key in row if isinstance(row[key], list) for one in row[key])])
    assert set(ids.values()) == {1}
    assert validate_corpus(out).problems == {}
    rows = pq.read_table(out / "provenance" / "annotations.parquet").to_pylist()
    items = [row["item_id"] for row in rows]
    assert len(set(items)) == len(items) == counts["documents"] + counts["entities"] + counts["relations"]
    assert set(items) <= set(ids)
    return counts


def _names(entity: Entity) -> set[str]:
    return {name for concept in entity.concepts for name in (concept.identifier, ":".join(concept))}


@pytest.mark.slow
def test_bc5cdr_comes_back_with_concepts_and_relations(corpora: Path, store: Store, tmp_path: Path) -> None:
    path = corpora / "bc5cdr" / "CDR_DevelopmentSet.PubTator.txt"
    records = list(read_corpus(path, skip_invalid=True))
    filled(store, settings_of(), records[:400], records[400:])
    report = exported(store, settings_of(), tmp_path / "out")
    assert report.documents == {"train": 400, "test": 100}
    expected = in_store(store, train="pool", test="test")
    assert sum(len(held.concept_relations) for pairs in expected.values() for _, held in pairs) == 1012
    counts = compare(tmp_path / "out", expected)
    annotated = [record.annotation for record in records if record.annotation]
    assert counts["entities"] == sum(len(annotation.entities) for annotation in annotated) > 9_000
    assert counts["relations"] > 15_000


@pytest.mark.slow
def test_ncbi_disease_comes_back(corpora: Path, store: Store, tmp_path: Path) -> None:
    labels = ("SpecificDisease", "Modifier", "DiseaseClass", "CompositeMention")
    records = list(read_corpus(corpora / "ncbi_disease" / "NCBIdevelopset_corpus.txt", skip_invalid=True))
    filled(store, settings_of(*labels), records)
    report = exported(store, settings_of(*labels), tmp_path / "out", validation=0.3)
    assert sum(report.documents.values()) == 100
    expected = in_store(store, train="pool")["train"]
    kept = {row["document_id"] for row in load(tmp_path / "out", "bigbio_kb")["validation"]}
    counts = compare(
        tmp_path / "out",
        {
            "train": [pair for pair in expected if pair[0].id not in kept],
            "validation": [pair for pair in expected if pair[0].id in kept],
        },
    )
    assert counts["relations"] == 0
    assert counts["entities"] == sum(len(held.entities) for _, held in expected) > 700


def awkward() -> list[Record]:
    text = "Title 😀\r\nA\u2028naïve 👩‍🔬 text\r\n\r\nof left and right lobe\t"
    title, rest = (0, 7), (9, len(text))
    place = text.index("left")
    lobe = text.index("lobe")
    nested = (
        Entity("T1", ODD, (Span(place, lobe + 4),), (Concept("MESH", "D1"), Concept("OMIM", "2")), 0.25, "prediction"),
        Entity("T2", "B", (Span(place, place + 4), Span(lobe, lobe + 4)), (), None, "manual", {"note": [1, "é😀"]}),
        Entity("T3", "B", (Span(6, 7),)),
    )
    relations = (Relation("R1", "is in", "T2", "T1", False, {"p": 0.5}),)
    passages = (Passage("title", *title), Passage("abstract", *rest))
    extras = {"remark": {"deep": ["x", None, 1.5]}}
    return [
        Record(Document("we ird/../é😀", text, passages, {"year": 1999, "x": ["é"]}),
               Annotation(nested, relations, (), extras), "1"),
        Record(Document("nothing", "No mention here.\r\n"), Annotation(), "2"),
        Record(Document("one", "😀"), Annotation((Entity("T1", "B", (Span(0, 1),)),)), "3"),
    ]  # fmt: skip


def test_awkward_documents_come_back(store: Store, tmp_path: Path) -> None:
    settings = settings_of(ODD, "B")
    filled(store, settings, awkward())
    exported(store, settings, tmp_path / "out")
    counts = compare(tmp_path / "out", in_store(store, train="pool"))
    assert counts == {"documents": 3, "entities": 4, "relations": 1}
    # our own reader takes the kb configuration, and what lies beside it for no document
    assert [record.document.id for record in read_corpus(tmp_path / "out")] == ["we ird/../é😀", "nothing", "one"]
    card = (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    assert "Licence: not stated" in card
    assert "Languages: not stated" in card


def test_a_document_without_text_and_a_label_against_the_conventions_are_told(store: Store, tmp_path: Path) -> None:
    entity = Entity("T1", "CD4+ cell", (Span(0, 1),))
    records = [Record(Document("1", "x"), Annotation((entity,)), "1"), Record(Document("2", ""), Annotation(), "2")]
    filled(store, settings_of("CD4+ cell"), records)
    report = exported(store, settings_of("CD4+ cell"), tmp_path / "out")
    assert report.warnings == {"types in one item": 1, "records without a text": 1}
    assert "- types in one item: 1\n" in (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    assert len(load(tmp_path / "out", "source")["train"]) == 2


def test_the_same_state_gives_the_same_bytes(store: Store, tmp_path: Path) -> None:
    settings = settings_of(ODD, "B")
    filled(store, settings, awkward())
    (tmp_path / "guide lines.md").write_text("# How", encoding="utf-8")
    guidelines = tmp_path / "guide lines.md"
    options = {"license": "cc-by-4.0", "languages": ("en", "fr"), "guidelines": guidelines, "loader": True}
    contents = []
    for name in ("a", "b"):
        exported(store, settings, tmp_path / name, **options)
        files = sorted(path for path in (tmp_path / name).rglob("*") if path.is_file())
        contents.append({path.relative_to(tmp_path / name).as_posix(): path.read_bytes() for path in files})
    assert contents[0] == contents[1]
    assert list(contents[0]) == [
        "README.md", "data/train.parquet", "guidelines/guide lines.md", "loader/trial.py",
        "provenance/annotations.parquet", "source/train.parquet",
    ]  # fmt: skip
    card = contents[0]["README.md"].decode()
    assert "[guide lines.md](guidelines/guide%20lines.md)" in card
    assert "license: cc-by-4.0\nlanguage:\n- en\n- fr\nmultilinguality:\n- multilingual\n" in card
    assert list(load(tmp_path / "a", "bigbio_kb")) == ["train"]
    with pytest.raises(ProjectError, match="already exists"):
        exported(store, settings, tmp_path / "a")
    exported(store, settings, tmp_path / "a", force=True)
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == ["README.md", "data", "provenance", "source"]
    assert not [path for path in tmp_path.iterdir() if path.name.endswith(".partial")]


def test_a_broken_annotation_is_named_and_nothing_is_written(store: Store, tmp_path: Path) -> None:
    settings = settings_of(ODD, "B")
    filled(store, settings, awkward())
    exported(store, settings, tmp_path / "out")
    before = (tmp_path / "out" / "README.md").read_bytes()
    with store.write() as session:
        one = session.scalars(select(EntityRow).order_by(EntityRow.id.desc())).first()
        assert one is not None
        # without a checksum, as an earlier version of the program wrote it
        broken = {"concepts": [["MESH", ""]], "checksum": None}
        session.execute(update(EntityRow).where(EntityRow.id == one.id).values(**broken))
    with pytest.raises(CorpusError, match=r"^document one: the entity '\d+' is linked to MESH:$"):
        exported(store, settings, tmp_path / "out", force=True)
    with store.write() as session:
        session.execute(update(EntityRow).where(EntityRow.id == one.id).values(spans=[[0, 9]]))
    with pytest.raises(CorpusError, match=r"^document one: the span 0-9 is not inside the text of 1 character$"):
        exported(store, settings, tmp_path / "new")
    assert (tmp_path / "out" / "README.md").read_bytes() == before
    assert {path.name for path in tmp_path.iterdir() if path.is_dir()} == {"out"}


# several annotators


Answer = Callable[..., None]


@pytest.fixture
def answer(store: Store) -> Answer:
    """Writes answers of people, as a pull does."""
    texts = [Record(Document(str(number), "asthma and aspirin"), None, str(number)) for number in range(8)]
    filled(store, settings_of(), texts)
    minutes = iter(range(1000))

    def answer(
        key: int,
        who: str,
        *mentions: tuple[str, int, int],
        truth: bool = False,
        origin: str = "manual",
        relations: tuple[Relation, ...] = (),
        concepts: tuple[Concept, ...] = (),
        **extras: Any,
    ) -> None:
        entities = tuple(
            Entity(f"{who[:3]}{number}", label, (Span(start, end),), concepts, origin=origin)
            for number, (label, start, end) in enumerate(mentions)
        )
        at = T0 + timedelta(minutes=next(minutes))
        columns = {"annotator": who, "updated_at": at, "desk_annotation_id": str(at), "ground_truth": truth,
                   "shown_version": "trial-r1-rat-ab" if origin == "prediction" else None}  # fmt: skip
        with store.write() as session:
            number = session.scalars(select(DocumentRow.id).where(DocumentRow.key == str(key))).one()
            add_annotations(
                session, [NewAnnotation(number, "person", Annotation(entities, relations, (), extras), columns)]
            )

    return answer


ASTHMA, ASPIRIN, AND = ("Disease", 0, 6), ("Chemical", 11, 18), ("Disease", 7, 10)


def spans(rows: list[dict[str, Any]]) -> dict[str, list[tuple[str, int, int]]]:
    return {row["document_id"]: [(one["type"], *one["offsets"][0]) for one in row["entities"]] for row in rows}


@pytest.mark.parametrize("format", ["bigbio", "jsonl"])
def test_what_annotators_do_not_agree_on_beyond_mentions_is_not_decided_by_the_first_of_them(
    store: Store, tmp_path: Path, answer: Answer, format: str
) -> None:
    answer(0, "ann@x.org", ASTHMA, concepts=(Concept("MESH", "D1"),), checked="yes")
    answer(0, "zoe@x.org", ASTHMA, concepts=(Concept("MESH", "D2"),), checked="no")
    answer(1, "ann@x.org", ASTHMA, AND, concepts=(Concept("MESH", "D1"),), checked="yes")
    answer(1, "bob@x.org", ASTHMA, concepts=(Concept("MESH", "D1"),), checked="yes")
    answer(1, "zoe@x.org", ASTHMA)
    out = tmp_path / "out"
    report = export_corpus(settings_of(), store, out, format=format, force=False)
    if format == "jsonl":
        annotations = [record.annotation for record in read_corpus(out)]
        assert [[one.concepts for one in held.entities] for held in annotations if held] == [
            [()], [(Concept("MESH", "D1"),)],
        ]  # fmt: skip
        assert [dict(held.extras) for held in annotations if held] == [{}, {"checked": "yes"}]
    else:
        card = (out / "README.md").read_text(encoding="utf-8")
        assert "- mentions and relations that only a minority marked, left out: 1" in card
        assert "- properties that a document's annotators do not agree on, left out: checked 1" in card
        rows = load(out, "bigbio_kb")["train"]
        assert [[len(one["normalized"]) for one in row["entities"]] for row in rows] == [[0], [1]]
        assert {row["item"] for row in pq.read_table(out / "provenance" / "ties.parquet").to_pylist()} == {"concept"}
    assert sorted(str(tie) for tie in report.ties) == [
        "0: concept MESH:D1 on 'asthma' (0-6), marked by annotator-1, not by annotator-2: left out",
        "0: concept MESH:D2 on 'asthma' (0-6), marked by annotator-2, not by annotator-1: left out",
    ]
    text = export_text(report, out)
    assert "Left out: 1 part of answers that only a minority marked" in text
    assert "Left out: properties that a document's annotators do not agree on: checked 1" in text
    with store.read() as session:
        chosen = answers(session, "pool", with_gold=False)
        disputes = find_disputes(session, chosen, None)
    assert disputes is not None
    assert (disputes.concepts, disputes.mentions, disputes.disputed_documents) == (2, 0, 0)
    assert disputes.sentence.endswith("nothing else is disputed; 2 disputed concepts left out")
    # the preferred annotator's links are not left out
    decided = export_corpus(
        settings_of(), store, tmp_path / "other", format="jsonl", force=False, options=ExportOptions(prefer="zoe@x.org")
    )
    assert [tie.kept for tie in decided.ties] == [True, False]
    with store.read() as session:
        settled = find_disputes(session, answers(session, "pool", with_gold=False, prefer="zoe@x.org"), "zoe@x.org")
    assert settled is not None
    assert (settled.concepts, settled.settled) == (0, 2)


@pytest.mark.slow
def test_adjudicated_then_majority_then_the_preferred_annotator(store: Store, tmp_path: Path, answer: Answer) -> None:
    answer(0, "zoe@x.org", ASTHMA, origin="prediction")
    answer(1, "ann@x.org", ASTHMA, ASPIRIN)
    answer(1, "zoe@x.org", ASTHMA, AND, origin="prediction")
    answer(2, "ann@x.org", ASTHMA, AND)
    answer(2, "bob@x.org", ASTHMA, ASPIRIN)
    answer(2, "zoe@x.org", ASPIRIN)
    answer(3, "ann@x.org", ASTHMA)
    answer(3, "bob@x.org", AND, truth=True)
    answer(3, "zoe@x.org", ASTHMA)
    answer(4, "ann@x.org", AND)
    answer(4, "ann@x.org", ASTHMA)
    report = exported(store, settings_of(), tmp_path / "out")
    assert spans(load(tmp_path / "out", "bigbio_kb")["train"]) == {
        "0": [ASTHMA], "1": [ASTHMA], "2": [ASTHMA, ASPIRIN], "3": [AND], "4": [ASTHMA],
    }  # fmt: skip
    assert [str(tie) for tie in report.ties] == [
        "1: entity Disease on 'and' (7-10), marked by annotator-1, not by annotator-2: left out",
        "1: entity Chemical on 'aspirin' (11-18), marked by annotator-2, not by annotator-1: left out",
    ]
    card = (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    for line in (
        "Documents that several people annotated: 3.",
        # one document in three has no agreement, and one nothing else: 1 draw in 27 is of either alone
        "| annotator-1 and annotator-2 | 3 | 4, 5 | 44.4 (0.0 to 100.0) |",
        "| annotator-1 and annotator-3 | 1 | 1, 2 | 66.7 |",
        "| annotator-2 and annotator-3 | 1 | 2, 2 | 50.0 |",
        "| all pairs | 3 | | 50.0 (40.0 to 100.0) |",
        "- adjudicated (somebody settled what annotators disagreed on): 1",
        "- majority of several annotators (what more than half of them have): 2",
        "- the only annotator's answer: 2",
        "Annotations that exactly half of their document's annotators have, 2 in all, are left out.",
        "- origins of the mentions: manual 4, prediction 2",
    ):
        assert line in card, line
    for path in (tmp_path / "out").rglob("*"):
        assert path.is_dir() or b"@x.org" not in path.read_bytes()
    ties = pq.read_table(tmp_path / "out" / "provenance" / "ties.parquet").to_pylist()
    assert [(row["document_id"], row["text"], row["kept"]) for row in ties] == [
        ("1", ["and"], False), ("1", ["aspirin"], False),
    ]  # fmt: skip

    report = exported(store, settings_of(), tmp_path / "preferred", prefer="ann@x.org")
    assert spans(load(tmp_path / "preferred", "bigbio_kb")["train"])["1"] == [ASTHMA, ASPIRIN]
    assert sorted((tie.text, tie.kept) for tie in report.ties) == [(("and",), False), (("aspirin",), True)]
    with pytest.raises(UsageError, match=r"nobody named 'eve' has annotated; there are zoe@x.org, ann@x.org, bob"):
        exported(store, settings_of(), tmp_path / "eve", prefer="eve")


def test_training_sees_what_is_exported(store: Store, tmp_path: Path, answer: Answer) -> None:
    answer(1, "ann", ASTHMA, ASPIRIN)
    answer(1, "zoe", ASTHMA, AND)
    exported(store, settings_of(), tmp_path / "out")

    class Context:
        pass

    context: Any = Context()
    context.store, context.gold_is_known, context.settings = store, True, settings_of()
    (example,) = training_examples(context)
    found = {example.document.id: [(one.label, one.start, one.end) for one in example.entities]}
    assert found == spans(load(tmp_path / "out", "bigbio_kb")["train"])


def test_the_status_counts_what_is_exported(store: Store, tmp_path: Path, answer: Answer) -> None:
    answer(1, "ann", ASTHMA, ASPIRIN)
    answer(1, "zoe", ASTHMA, ASPIRIN)
    answer(1, "bob", ASTHMA, AND)
    answer(2, "ann", ASTHMA)
    # nobody's whole answer is what more than half of them have
    assert project_status(tmp_path, settings_of(), store).mentions == {"Chemical": 1, "Disease": 2}


def test_the_status_counts_relations_as_they_are_exported(store: Store, tmp_path: Path, answer: Answer) -> None:
    def relations(who: str, *labels: str) -> tuple[Relation, ...]:
        return tuple(Relation(f"r{n}", label, f"{who}1", f"{who}0") for n, label in enumerate(labels))

    answer(1, "ann", ASTHMA, ASPIRIN, relations=relations("ann", "with", "without"))
    answer(1, "zoe", ASTHMA, ASPIRIN, relations=relations("zoe", "with"))
    answer(2, "ann", ASTHMA, ASPIRIN, relations=relations("ann", "without"))
    stated = Annotation(concept_relations=(ConceptRelation("with", "D1", "D2"), ConceptRelation("with", "D1", "D3")))
    with store.write() as session:
        # what was imported is no answer, and gold is one
        ids = session.scalars(select(DocumentRow.id).order_by(DocumentRow.id)).all()
        add_annotations(session, [NewAnnotation(ids[5], "gold", stated), NewAnnotation(ids[6], "import", stated)])
    ends = {"head": "Chemical", "tail": "Disease"}
    values = {**settings_of().model_dump(), "relations": [{"name": name, **ends} for name in ("with", "without")]}
    status = project_status(tmp_path, make_settings(values), store)
    assert status.relations == {"with": 1, "without": 1}
    assert status.concept_relations == {"with": 2}
    values["relation_extraction"] = {"level": "document"}
    assert project_status(tmp_path, make_settings(values), store).relation_level == "document"
    without = project_status(tmp_path, settings_of(), store)
    assert (without.relations, without.concept_relations, without.relation_level) == ({}, {}, None)


def test_provenance_names_everybody_who_has_an_annotation(store: Store, tmp_path: Path, answer: Answer) -> None:
    answer(1, "ann", ASTHMA)
    answer(1, "zoe", ASTHMA, AND, origin="prediction")
    exported(store, settings_of(), tmp_path / "out")
    (record,) = load(tmp_path / "out", "bigbio_kb")["train"]
    whole, mention = pq.read_table(tmp_path / "out" / "provenance" / "annotations.parquet").to_pylist()
    assert (whole["item"], whole["item_id"], whole["rule"]) == ("document", record["id"], "majority")
    assert (mention["item_id"], mention["type"]) == (record["entities"][0]["id"], "Disease")
    by = {part.pop("annotator"): part for part in mention["by"]}
    assert by == {
        "annotator-1": {"at": T0, "model_version": None, "origin": "manual", "source_id": "ann0", "revises": None},
        "annotator-2": {
            "at": T0 + timedelta(minutes=1), "model_version": "trial-r1-rat-ab", "origin": "prediction",
            "source_id": "zoe0", "revises": None,
        },
    }  # fmt: skip


def test_provenance_tells_relations_that_were_accepted_from_those_drawn_by_hand(
    store: Store, tmp_path: Path, answer: Answer
) -> None:
    version = "trial-r1-rat-ab"
    relation = Relation("r1", "with", "ann1", "ann0")
    for key in (1, 2, 3):
        answer(key, "ann", ASTHMA, ASPIRIN, origin="prediction", relations=(relation,))
    answer(4, "ann", ASTHMA, ASPIRIN, relations=(relation,))
    answer(1, "zoe", ASTHMA, ASPIRIN, relations=(replace(relation, head="zoe1", tail="zoe0"),))
    with store.write() as session:
        session.add(RoundRow(number=1, state="done", request={}, settings={}, program_version="0", started_at=T0))
        session.flush()
        session.add(
            ModelRow(
                version=version, round_number=1, arm="rat", selecting=True, sha256="", summary={}, created_at=T0
            )
        )  # fmt: skip
        session.flush()
        ids = {row.key: row.id for row in session.scalars(select(DocumentRow))}
        measures = dict.fromkeys(("confidence", "least_confidence", "margin", "entropy", "mnlp"), 0.5)
        proposed = [entity_values(Entity(ident, *place)) for ident, *place in (
            ("a", "Disease", (Span(0, 6),)), ("b", "Chemical", (Span(11, 18),))
        )]  # fmt: skip
        # the pre-labels of the third document are not kept, and those of the second lead the other way round
        for key, head, tail in (("1", "b", "a"), ("2", "a", "b")):
            values = [relation_values(Relation("p", "with", head, tail, extras={"score": 0.9}))]
            session.add(
                PredictionRow(
                    model_version=version, document_id=ids[key], tokens=3, entities=proposed, relations=values,
                    **measures,
                )
            )  # fmt: skip
    related = {"relations": [{"name": "with", "head": "Chemical", "tail": "Disease"}]}
    settings = make_settings({**settings_of().model_dump(), **related})

    def origins(out: Path) -> dict[str, list[str | None]]:
        rows = pq.read_table(out / "provenance" / "annotations.parquet").to_pylist()
        documents = {row["record_id"]: row["document_id"] for row in rows}
        return {
            documents[row["record_id"]]: [part["origin"] for part in row["by"]]
            for row in rows
            if row["item"] == "relation"
        }

    exported(store, settings, tmp_path / "out")
    assert origins(tmp_path / "out") == {
        "1": ["manual", "prediction"], "2": ["manual"], "3": [None], "4": ["manual"],
    }  # fmt: skip
    card = (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    assert "- origins of the relations: manual 3\n" in card
    # a project that asks for none says nothing of them
    exported(store, settings_of(), tmp_path / "without")
    assert set(map(tuple, origins(tmp_path / "without").values())) == {(None,), (None, None)}


# splits


def drawn(store: Store, settings: Settings, out: Path, validation: float) -> set[str]:
    exported(store, settings, out, validation=validation)
    return {row["document_id"] for row in pq.read_table(out / "data" / "validation.parquet").to_pylist()}


def test_the_validation_split_is_stable(tmp_path: Path) -> None:
    def project(name: str, number: int, seed: int = 13) -> tuple[Store, Settings]:
        settings = settings_of().model_copy(update={"seed": seed})
        made = Store.create(URL.create("sqlite", database=str(tmp_path / f"{name}.sqlite3")))
        text = Annotation((Entity("T", "Disease", (Span(0, 1),)), Entity("U", "Chemical", (Span(0, 1),))))
        filled(made, settings, [Record(Document(str(n), f"x{n}"), text, "") for n in range(number)])
        return made, settings

    small, large, other = project("small", 60), project("large", 120), project("other", 60, seed=14)
    first = drawn(*small, tmp_path / "a", 0.25)
    assert len(first) == 27
    assert {key for key in drawn(*large, tmp_path / "b", 0.25) if int(key) < 60} == first
    assert drawn(*other, tmp_path / "c", 0.25) != first
    assert len(drawn(*small, tmp_path / "d", 7)) == 7
    with pytest.raises(UsageError, match="would take all 60 annotated documents"):
        exported(*small, tmp_path / "e", validation=60)
    for wrong in (1.5, -1, float("nan"), float("inf")):
        with pytest.raises(UsageError, match="a number of documents or a share below 1"):
            exported(*small, tmp_path / "e", validation=wrong)
    for store, _ in (small, large, other):
        store.close()


def test_a_card_names_no_arm_where_no_model_was_trained(store: Store, tmp_path: Path) -> None:
    settings = settings_of(ODD, "B")
    filled(store, settings, awkward())
    exported(store, settings, tmp_path / "x")
    lines = (tmp_path / "x" / "README.md").read_text(encoding="utf-8").split("\n")
    assert "- models: none was trained" in lines
    assert not [line for line in lines if line.startswith(("- arm: ", "- encoder: "))]


def test_options_that_do_not_fit(store: Store, tmp_path: Path) -> None:
    settings = settings_of(ODD, "B")
    filled(store, settings, awkward())
    with pytest.raises(UsageError, match="--license: only the format bigbio has that"):
        export_corpus(
            settings, store, tmp_path / "x", format="jsonl", force=False, options=ExportOptions(license="mit")
        )
    with pytest.raises(UsageError, match="--loader needs --license and --language"):
        exported(store, settings, tmp_path / "x", loader=True)
    for license in ("CC BY", "CC-BY-4.0"):
        with pytest.raises(UsageError, match=f"the licence '{license}' is no identifier; .* such as cc-by-4.0 or mit"):
            exported(store, settings, tmp_path / "x", license=license)
    for language in ("english", "EN", "en,de"):
        with pytest.raises(UsageError, match=f"the language '{language}' is no code"):
            exported(store, settings, tmp_path / "x", languages=("en", language))
    with pytest.raises(UsageError, match=r"the guidelines .* cannot be read: No such file"):
        exported(store, settings, tmp_path / "x", guidelines=tmp_path / "absent.pdf")
    assert not (tmp_path / "x").exists()


# replacing


@pytest.mark.slow
def test_a_kill_leaves_the_old_folder_or_the_new_one(store: Store, tmp_path: Path) -> None:
    settings = settings_of(ODD, "B")
    filled(store, settings, awkward())
    out = tmp_path / "out"
    exported(store, settings, out, license="old")
    script = (
        "import sys\nfrom pathlib import Path\nfrom sqlalchemy import URL\n"
        "from biorat_al.export.export import ExportOptions, export_corpus\n"
        "from biorat_al.settings import make_settings\nfrom biorat_al.store.store import Store\n"
        "labels, out, database = eval(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]\n"
        "settings = make_settings({'name': 'trial', 'entities': [{'name': label} for label in labels]})\n"
        "store = Store(URL.create('sqlite', database=database))\n"
        "number = 0\nprint('ready', flush=True)\n"
        "while True:\n    number += 1\n"
        "    export_corpus(settings, store, out, format='bigbio', force=True,\n"
        "                  options=ExportOptions(license=f'new{number}'))\n"
    )
    for wait in (0.15, 0.31, 0.47):
        process = subprocess.Popen(
            [sys.executable, "-c", script, repr([ODD, "B"]), str(out), str(tmp_path / "store.sqlite3")],
            stdout=subprocess.PIPE,
        )
        assert process.stdout is not None
        process.stdout.readline()
        # there is a folder at every moment
        until = time.monotonic() + wait
        while time.monotonic() < until:
            assert (out / "README.md").is_file()
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()
        assert len(list(read_corpus(out))) == 3
        assert validate_corpus(out).problems == {}


def test_nothing_annotated(store: Store, tmp_path: Path) -> None:
    filled(store, settings_of(), [Record(Document("1", "x"), None, "")])
    with pytest.raises(NothingToDoYet, match="nothing has been annotated yet"):
        exported(store, settings_of(), tmp_path / "out")
    assert not (tmp_path / "out").exists()
