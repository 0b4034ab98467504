"""A corpus that others annotated is copied into a new project, apart from its own documents."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biorat_al.corpus.formats.jsonl import write_jsonl
from biorat_al.corpus.model.document import Annotation, Document, Entity, Passage, Record, Span
from biorat_al.corpus.sources import Sources
from biorat_al.demo.corpus import read_demo_corpus
from biorat_al.errors import CorpusError, LabelError, UsageError
from biorat_al.project import Project, with_borrowed_labels
from biorat_al.rounds.borrowing.copying import (
    LONG,
    NOT_ANNOTATED,
    SAME_ID,
    SAME_PASSAGE,
    SAME_TEXT,
    TWICE,
    OurDocuments,
)
from biorat_al.rounds.borrowing.kept import KeptCorpus, borrowed_corpora, recorded_corpora
from tests.support.commands import call, nowhere, one_sentence
from tests.support.rounds import demo_files, settings_for

__all__ = ["nowhere"]

POOL, TEST = 12, 3


def record(key: str, text: str, *mentions: tuple[str, str], passages: tuple[Passage, ...] = ()) -> Record:
    """Return a document in which each mention is the first place of a surface, with a label."""
    entities = [
        Entity(f"T{number}", label, (Span(text.index(surface), text.index(surface) + len(surface)),))
        for number, (surface, label) in enumerate(mentions, start=1)
    ]
    return Record(Document(key, text, passages), Annotation(tuple(entities)), "made")


def borrowing(folder: Path, encoder: Path, *records: Record, labels: tuple[str, ...] = (), **options: Any) -> Project:
    """Make a project that borrows these documents."""
    pool, test = demo_files(folder / "files", pool=POOL, test=TEST)
    write_jsonl(folder / "others.jsonl", records)
    sources = Sources([pool], [test], gold=True, borrow=[folder / "others.jsonl"], **options)
    return Project.init(folder / "trial", with_borrowed_labels(settings_for(encoder), labels), sources)[0]


def kept(project: Project) -> KeptCorpus:
    (corpus,) = borrowed_corpora(project.folder, project.settings)
    return corpus


def test_no_borrowed_document_shares_its_id_text_or_abstract_with_one_of_the_project(
    tmp_path: Path, tiny_encoder: Path
) -> None:
    demo = list(read_demo_corpus())
    of_pool, of_test = demo[0].document, demo[POOL].document
    abstract = max(of_test.passages, key=lambda passage: passage.end - passage.start)
    part = of_test.text[abstract.start : abstract.end]
    assert len("".join(part.split())) >= LONG
    other_title = f"Quite another title.\n{part}"
    with borrowing(
        tmp_path,
        tiny_encoder,
        record("fine", "Aspirin helps against gout.", ("gout", "Disease")),
        record(of_pool.id, "Another text about gout.", ("gout", "Disease")),
        record("x1", f"  {of_pool.text.upper().replace(' ', chr(10))} "),
        record("x2", of_test.text.lower()),
        record("x3", other_title, passages=(Passage("abstract", len(other_title) - len(part), len(other_title)),)),
        record("x4", part),
        Record(Document("x5", "Nobody looked at this."), None, "made"),
        record("again", "Aspirin helps against gout.", ("gout", "Disease")),
        record("others-view", "Aspirin helps against gout.", ("Aspirin", "Chemical")),
    ) as project:
        corpus = kept(project)
        assert corpus.documents == 2
        assert corpus.left_out == {SAME_ID: 1, SAME_TEXT: 2, SAME_PASSAGE: 2, NOT_ANNOTATED: 1, TWICE: 1}
        names = [json.loads(line)["id"] for line in (project.folder / corpus.file).read_text("utf-8").splitlines()]
        assert names == ["fine", "others-view"]


@given(st.text(min_size=1), st.text(alphabet=" \n\t\u00a0", max_size=5), st.booleans())
def test_white_space_and_case_hide_no_text(text: str, blanks: str, upper: bool) -> None:
    ours = OurDocuments.of([Document("1", text)])
    middle = len(text) // 2
    other = blanks + text[:middle] + blanks + text[middle:] + blanks
    # the upper case of some letters is another letter
    other = other.upper() if upper and other.upper().casefold() == other.casefold() else other
    assert ours.reason(Document("2", other)) == SAME_TEXT


@pytest.mark.slow
def test_borrowed_documents_are_in_no_split_and_count_as_no_label(tmp_path: Path, tiny_encoder: Path) -> None:
    with borrowing(tmp_path, tiny_encoder, record("theirs", "Only gout.", ("gout", "Disease"))) as project:
        status = project.status(ask_desk=False)
        assert status.documents == {"pool": POOL, "test": TEST}
        assert status.labelled == {"pool": 0, "segment": 0, "test": TEST}
        assert status.borrowed == "others.jsonl (1 document; licence: not stated)"
        project.round()
        project.export(tmp_path / "corpus.jsonl", format="jsonl")
        assert "theirs" not in (tmp_path / "corpus.jsonl").read_text("utf-8")


def test_the_settings_file_names_what_is_borrowed(tmp_path: Path, tiny_encoder: Path) -> None:
    with borrowing(
        tmp_path,
        tiny_encoder,
        record("1", "Gout and lupus.", ("Gout", "Acute"), ("lupus", "Chronic")),
        labels=("Disease=Acute,Chronic",),
        borrow_licenses=["cc0-1.0"],
    ) as project:
        (corpus,) = project.settings.borrow.corpora
        assert (corpus.file, corpus.name, corpus.license) == ("borrowed/1-others.jsonl", "others.jsonl", "cc0-1.0")
        assert [one.sources for one in project.settings.borrow.entities] == [("Acute", "Chronic")]
        assert kept(project).mentions == {"Acute": 1, "Chronic": 1}
        assert recorded_corpora(project.folder)[0].license == "cc0-1.0"


def test_a_licence_that_the_documents_state_is_taken_over(tmp_path: Path, tiny_encoder: Path) -> None:
    document = Document("1", "Gout.", metadata={"license": "CC BY"})
    stated = Record(document, Annotation((Entity("T1", "Disease", (Span(0, 4),)),)), "made")
    with borrowing(tmp_path, tiny_encoder, stated) as project:
        assert kept(project).license == "CC BY"


def test_a_corpus_without_any_of_the_labels_is_refused_and_nothing_is_left(tmp_path: Path, tiny_encoder: Path) -> None:
    with pytest.raises(LabelError, match=r"its labels are 'Gene', .* --borrow-entity Disease=LABEL,LABEL"):
        borrowing(tmp_path, tiny_encoder, record("1", "BRCA1 again.", ("BRCA1", "Gene")))
    assert not (tmp_path / "trial").exists()


def test_a_label_that_no_borrowed_document_has_is_named(tmp_path: Path, tiny_encoder: Path) -> None:
    with pytest.raises(LabelError, match="has the label 'Chronic', which is to count as 'Disease'"):
        borrowing(tmp_path, tiny_encoder, record("1", "Gout.", ("Gout", "Acute")), labels=("Disease=Acute,Chronic",))


def test_a_corpus_of_which_nothing_is_left_is_refused(tmp_path: Path, tiny_encoder: Path) -> None:
    same = next(iter(read_demo_corpus()))
    with pytest.raises(CorpusError, match=f"no document is left to borrow: 1 document {SAME_ID}"):
        borrowing(tmp_path, tiny_encoder, same)


def test_as_many_licences_as_corpora_are_wanted(tmp_path: Path, tiny_encoder: Path) -> None:
    with pytest.raises(UsageError, match="--borrow-license is given 2 times, and --borrow 1 time"):
        borrowing(tmp_path, tiny_encoder, record("1", "Gout."), borrow_licenses=["a", "b"])


def test_init_tells_what_is_borrowed_and_what_is_not(tmp_path: Path, tiny_encoder: Path, nowhere: Path) -> None:
    pool, test = demo_files(tmp_path / "files", pool=POOL, test=TEST)
    others = tmp_path / "others.jsonl"
    write_jsonl(others, [record("1", "Gout by BRCA1.", ("Gout", "Acute"), ("BRCA1", "Gene")), record("2", "Nothing.")])
    made = call(
        *("init", nowhere / "trial", "--documents", pool, "--test-documents", test, "--gold", "--desk", "oracle"),
        *("--entity", "Disease", "--entity", "Chemical", "--encoder", tiny_encoder, "--relation", "x:Chemical:Disease"),
        *("--borrow", others, "--borrow-entity", "Disease=Acute", "--borrow-license", "cc0-1.0"),
    )
    assert made.code == 0, made.err
    said = " ".join(made.out.split())
    assert "borrowed others.jsonl (2 documents; licence: cc0-1.0) Disease = Acute" in said
    assert "Mentions of others.jsonl that are not used: Gene 1" in said
    assert "others.jsonl does not annotate Chemical: unknown there, not absent" in said
    assert "Only mentions are borrowed" in said


@pytest.mark.parametrize(("option", "value"), [("--borrow-entity", "Disease"), ("--borrow-license", "cc0-1.0")])
def test_options_of_borrowing_without_a_corpus_are_refused(
    tmp_path: Path, tiny_encoder: Path, nowhere: Path, option: str, value: str
) -> None:
    pool, _ = demo_files(tmp_path / "files", pool=POOL, test=TEST)
    options = ["--documents", pool, "--entity", "Disease", "--encoder", tiny_encoder, option, value]
    assert f"{option} is for --borrow" in one_sentence(call("init", nowhere / "trial", *options), 2)
