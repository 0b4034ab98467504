"""What the data card says of how the documents were chosen, and which citations it takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import URL, select

from biorat_al.corpus.model.document import Annotation, Document, Entity, Record, Span
from biorat_al.errors import UsageError
from biorat_al.export.card import citation_of, how_chosen, text_or_file
from biorat_al.export.splits import Splits
from biorat_al.settings import make_settings
from biorat_al.store import creation
from biorat_al.store.annotations import NewAnnotation, add_annotations
from biorat_al.store.answers import answers
from biorat_al.store.store import Store, add_project
from biorat_al.store.tables import DocumentRow, PickRow, RoundRow

SETTINGS = make_settings({"name": "trial", "entities": [{"name": "Disease"}]})
ASTHMA = Annotation((Entity("T1", "Disease", (Span(0, 6),)),))
T0 = datetime(2024, 5, 1, 12, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store.create(URL.create("sqlite", database=str(tmp_path / "store.sqlite3")))
    yield store
    store.close()


def records(begin: int, count: int, annotation: Annotation | None = None) -> list[Record]:
    return [Record(Document(f"d{n}", f"asthma {n}"), annotation, "") for n in range(begin, begin + count)]


def fill(
    store: Store, pool: list[Record], test: list[Record] | None, *, size: int | None = None, gold: bool = False
) -> None:
    with store.write() as session:
        add_project(session, "trial")
        creation.fill(session, settings=SETTINGS, pool=pool, test=test, test_size=size, gold=gold)


def annotate(store: Store, split: str, picked: Mapping[str, int] | None = None) -> None:
    """Let one person answer the documents of a split, some of which strategies picked."""
    with store.write() as session:
        ids = list(session.scalars(select(DocumentRow.id).where(DocumentRow.split == split).order_by(DocumentRow.id)))
        columns = {"annotator": "ann", "updated_at": T0}
        add_annotations(
            session, [NewAnnotation(one, "person", ASTHMA, {**columns, "desk_annotation_id": str(one)}) for one in ids]
        )
        for number, (strategy, count) in enumerate((picked or {}).items()):
            round_ = {"state": "done", "request": {}, "settings": {}, "program_version": "0", "started_at": T0}
            session.add(RoundRow(number=number, **round_))
            session.flush()
            for rank in range(count):
                pick = {"rank": rank, "score": 0.5, "reason": "", "tokens": 3}
                session.add(PickRow(round_number=number, document_id=ids.pop(0), strategy=strategy, **pick))


def chosen(store: Store, *, gold: bool = False) -> dict[str, str]:
    with store.read() as session:
        splits = {
            "train": answers(session, "pool", with_gold=gold),
            "test": answers(session, "test", with_gold=True),
        }
        return how_chosen(session, Splits(splits))


def test_train_is_said_to_be_picked_by_a_model_and_test_to_be_drawn_blind(store: Store) -> None:
    fill(store, records(0, 40), None, size=5)
    annotate(store, "pool", {"diverse": 10, "mnlp": 20})
    annotate(store, "test")
    found = chosen(store)
    assert found["train"].startswith(
        "picked by a model, not drawn at random: 20 documents of which it was least sure, or from which it had most to "
        "learn (query strategy mnlp: 20); 10 documents picked for variety, before there was a model (diverse); 5 "
        "documents that came with their annotations and were not picked."
    )
    assert found["train"].endswith("shares and counts in them say little about it.")
    assert found["test"] == (
        "drawn at random from all documents, before any was annotated; annotated blind: people saw no pre-labels, so "
        "no model has shaped these annotations."
    )


def test_random_picks_are_not_called_a_models_choice(store: Store) -> None:
    fill(store, records(0, 12), None, size=2)
    annotate(store, "pool", {"random": 10})
    assert chosen(store)["train"] == "10 documents drawn at random (random)."


def test_test_documents_with_gold_are_not_said_to_be_annotated_blind(store: Store) -> None:
    fill(store, records(10, 30), records(0, 5, ASTHMA))
    assert chosen(store)["test"] == (
        "documents that were named as the test set, not drawn at random by this program; annotations that came with "
        "the documents (gold), not made here."
    )


def test_test_documents_that_were_named_without_annotations_are_annotated_blind(store: Store) -> None:
    fill(store, records(10, 30), records(0, 5))
    annotate(store, "test")
    assert chosen(store)["test"].startswith("documents that were named as the test set, not drawn at random")
    assert "annotated blind" in chosen(store)["test"]


def test_of_a_few_documents_nobody_claims_to_know_whether_they_were_drawn(store: Store) -> None:
    fill(store, records(1, 3, ASTHMA), records(0, 1, ASTHMA), gold=True)
    assert chosen(store, gold=True)["test"].startswith("held out from the beginning")


BIBTEX = "@article{doe2026,\n  title = {A {Corpus}},\n  note = {50 \\} of it}\n}"


def test_a_citation_is_a_file_bibtex_or_a_reference_in_words(tmp_path: Path) -> None:
    (tmp_path / "CITATION.bib").write_text("\ufeff" + BIBTEX + "\n", encoding="utf-8")
    assert citation_of(str(tmp_path / "CITATION.bib")) == citation_of(BIBTEX) == BIBTEX
    assert citation_of("Doe J. A corpus. 2026.") == "Doe J. A corpus. 2026."


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("@article{,\n title={x}}", r"it must begin like @article\{key,"),
        ("@article", "it must begin like"),
        ("@article{a,\n title={x}", "1 brace not closed at its end"),
        ("@article{a, title={x}}}", "line 1 closes a brace that was never opened"),
    ],
)
def test_what_begins_as_bibtex_has_to_be_bibtex(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=f"--citation: this is not a BibTeX entry: {said}"):
        citation_of(text)


def test_a_file_that_is_not_there_is_not_taken_for_a_text(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--citation: .*absent\.bib cannot be read: No such file"):
        citation_of(str(tmp_path / "absent.bib"))
    (tmp_path / "latin.txt").write_bytes("é".encode("latin-1"))
    with pytest.raises(UsageError, match="is not text in UTF-8"):
        text_or_file(str(tmp_path / "latin.txt"), "--description")
    with pytest.raises(UsageError, match="--description is empty"):
        text_or_file("  ", "--description")
    assert text_or_file("x" * 5000, "--description") == "x" * 5000
