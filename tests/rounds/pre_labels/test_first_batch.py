"""The first batch is shown with predictions of anything else, or with the names of a dictionary."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from biorat_al.corpus.formats.jsonl import write_jsonl
from biorat_al.corpus.model.document import Annotation, Concept, Document, Entity, Record, Span
from biorat_al.corpus.reading import read_corpus
from biorat_al.corpus.sources import Sources
from biorat_al.demo.corpus import read_demo_corpus
from biorat_al.dictionary.reading import read_dictionary
from biorat_al.errors import CorpusError, LabelError, ProjectError, SettingsError, UsageError
from biorat_al.presentation.init import init_text
from biorat_al.presentation.round import round_text
from biorat_al.project import Project
from biorat_al.rounds.pre_labels import pre_labeller
from biorat_al.rounds.pre_labels.copying import ELSEWHERE, NOT_LOOKED_AT, NOT_OURS, TWICE, dictionary_of
from biorat_al.rounds.pre_labels.kept import read_record
from biorat_al.settings import Settings, make_settings
from biorat_al.store.annotations import entity_from_values
from biorat_al.store.models import models_of, newest_model, sources_of
from biorat_al.store.tables import AnnotationRow, DocumentRow, PredictionRow, TaskRow
from tests.support.rounds import demo_files, picture_of, run_killed, settings_for

POOL, TEST = 20, 4


def project_with(
    folder: Path,
    settings: Settings,
    *,
    pre_labels: Sequence[Path] = (),
    dictionaries: Sequence[str] = (),
    pool: int = POOL,
    test: int = TEST,
    **more: Any,
) -> tuple[Project, str]:
    """Make a project on a part of the demo corpus; return it with what `init` says."""
    files = demo_files(folder.parent / f"{folder.name}-documents", pool=pool, test=test)
    sources = Sources(
        [files[0]], [files[1]], gold=True, pre_labels=pre_labels, dictionaries=dictionaries, **more
    )  # fmt: skip
    project, report, read = Project.init(folder, settings, sources)
    return project, " ".join(init_text(project, report, read).split())


def demo_dictionary(path: Path, label: str = "Disease", records: Sequence[Record] | None = None) -> str:
    """Write a dictionary of all names of a label in the demo corpus; return the option that names it."""
    names: dict[str, str] = {}
    for record in records or list(read_demo_corpus()):
        assert record.annotation is not None
        for entity in record.annotation.entities:
            if entity.label == label:
                surface = " ".join(entity.surface(record.document.text).split())
                names.setdefault(surface, f"MESH:D{len(names):06}")
    path.write_text("".join(f"{name}\t{identifier}\n" for name, identifier in names.items()), encoding="utf-8")
    return f"{path}={label}"


def predictions_of(path: Path, records: Sequence[Record]) -> Path:
    """Write gold annotations as if they were predictions."""
    write_jsonl(path, records)
    return path


def shown(project: Project) -> dict[str, tuple[str, tuple[Entity, ...]]]:
    """Return version and mentions of the pre-labels of all tasks, by document id."""
    with project.store.read() as session:
        rows = session.execute(
            select(DocumentRow.key, TaskRow.shown_version, PredictionRow)
            .join(TaskRow, TaskRow.document_id == DocumentRow.id)
            .join(
                PredictionRow,
                (PredictionRow.document_id == DocumentRow.id) & (PredictionRow.model_version == TaskRow.shown_version),
            )
        ).all()
        return {key: (str(version), tuple(map(entity_from_values, row.entities))) for key, version, row in rows}


@pytest.mark.slow
def test_the_first_batch_shows_the_names_of_a_dictionary_with_their_concepts(
    tmp_path: Path, tiny_encoder: Path
) -> None:
    option = demo_dictionary(tmp_path / "diseases.tsv")
    project, said = project_with(tmp_path / "trial", settings_for(tiny_encoder), dictionaries=[option])
    with project:
        assert "dictionary diseases.tsv (" in said
        assert "names, as Disease)" in said
        report = project.round()
        assert report.step("train").state == "skipped"
        counts = report.step("push").counts
        assert (counts["tasks"], counts["pre_labelled"]) == (6, 6)
        assert "6 tasks, 6 with pre-labels of the dictionary diseases.tsv" in " ".join(
            round_text(report, project.status(ask_desk=False)).split()
        )
        found = shown(project)
        assert len(found) == 6
        (version,) = {version for version, _ in found.values()}
        assert version.startswith("trial-dictionary-diseases-")
        gold = {record.document.id: record for record in read_demo_corpus()}
        entities = [entity for _, some in found.values() for entity in some]
        assert entities
        assert any(entity.concepts for entity in entities)
        for key, (_, some) in found.items():
            text = gold[key].document.text
            assert all(entity.surface(text).strip() == entity.surface(text) for entity in some)
        # nothing chooses, learns or exports from it
        with project.store.read() as session:
            assert models_of(session, 0) == {}
            assert newest_model(session) is None
            assert [row.summary["name"] for row in sources_of(session)] == ["diseases.tsv"]
            assert set(session.scalars(select(AnnotationRow.source))) == {"gold"}
        assert report.step("select").counts["strategy"] == "diverse"
        project.round()
        with project.store.read() as session:
            assert list(models_of(session, 1)) == ["rat", "none"]


def test_predictions_for_these_documents_come_before_a_dictionary(tmp_path: Path, tiny_encoder: Path) -> None:
    records = list(read_demo_corpus())[:POOL]
    predictions = predictions_of(tmp_path / "theirs.jsonl", records)
    project, said = project_with(
        tmp_path / "trial", settings_for(tiny_encoder), pre_labels=[predictions],
        dictionaries=[demo_dictionary(tmp_path / "diseases.tsv")],
    )  # fmt: skip
    with project:
        assert f"pre-labels theirs.jsonl ({POOL} documents, " in said
        report = project.round()
        assert report.step("push").counts["pre_labels_of"] == "the pre-labels in theirs.jsonl"
        gold = {record.document.id: record.annotation for record in records}
        for key, (version, entities) in shown(project).items():
            annotation = gold[key]
            assert annotation is not None
            assert version.startswith("trial-pre-labels-theirs-")
            assert {(one.label, one.spans, one.concepts) for one in entities} == {
                (one.label, one.spans, one.concepts) for one in annotation.entities
            }


def only(record: Record, **changes: Any) -> Record:
    return record._replace(document=replace(record.document, **changes))


def test_documents_are_recognised_by_id_or_text_and_spans_are_checked_against_the_text(
    tmp_path: Path, tiny_encoder: Path
) -> None:
    records = list(read_demo_corpus())
    same, other_id, moved, changed = records[:4]
    text = changed.document.text
    theirs = [
        same,
        only(other_id, id="PMID-1"),
        # another white space between the words moves nothing
        only(moved, text=moved.document.text.replace(" ", "\n")),
        # one character more before all mentions
        Record(
            Document(changed.document.id, "x" + text),
            Annotation(
                (Entity("1", "Disease", (Span(1, 9),)), Entity("2", "Disease", (Span(len(text), len(text) + 1),)))
            ),
            "here",
        ),
        same,
        records[100],
        Record(records[5].document, None, "here"),
    ]
    path = predictions_of(tmp_path / "theirs.jsonl", theirs)
    project, said = project_with(tmp_path / "trial", settings_for(tiny_encoder), pre_labels=[path])
    with project:
        (found,) = read_record(project.folder).values()
        assert found.documents == 4
        assert found.left_out == {ELSEWHERE: 2, TWICE: 1, NOT_OURS: 1, NOT_LOOKED_AT: 1}
        assert f"Left out of theirs.jsonl: 1 {NOT_OURS}" in said
        kept = {record.document.id: record for record in read_corpus(project.folder / found.file)}
        assert kept[changed.document.id].annotation == Annotation()
        for record in (same, other_id, moved):
            annotation, ours = record.annotation, kept[record.document.id]
            assert annotation is not None
            assert ours.annotation is not None
            assert ours.document.text == record.document.text
            assert [one.spans for one in ours.annotation.entities] == [one.spans for one in annotation.entities]


def test_labels_are_mapped_without_their_case_and_unknown_ones_are_counted(tmp_path: Path, tiny_encoder: Path) -> None:
    document = next(iter(read_demo_corpus())).document
    labels = ["disease", "Illness", "CHEMICAL", "Gene"]
    entities = tuple(
        Entity(str(place), label, (Span(place, place + 3),), (Concept("MESH", "D1"),), 0.25 * place)
        for place, label in enumerate(labels)
    )
    twice = Entity("again", "Disease", (Span(0, 3),))
    path = predictions_of(tmp_path / "llm.jsonl", [Record(document, Annotation((*entities, twice)), "here")])
    settings = make_settings(
        settings_for(tiny_encoder).model_dump()
        | {"entities": [{"name": "Disease", "sources": ["Disease", "Illness"]}, {"name": "Chemical"}]}
    )
    project, said = project_with(tmp_path / "trial", settings, pre_labels=[path])
    with project:
        assert "Mentions of llm.jsonl that are not used: Gene 1" in said
        project.round(size=POOL)
        _, proposed = shown(project)[document.id]
        assert [(one.label, one.start, one.score) for one in proposed] == [
            ("Disease", 0, 0.0), ("Disease", 1, 0.25), ("Chemical", 2, 0.5),
        ]  # fmt: skip
        assert proposed[0].concepts == (Concept("MESH", "D1"),)


def test_documents_that_the_file_lacks_have_no_pre_labels(tmp_path: Path, tiny_encoder: Path) -> None:
    records = list(read_demo_corpus())[:POOL]
    path = predictions_of(tmp_path / "theirs.jsonl", records[:2])
    project, _ = project_with(tmp_path / "trial", settings_for(tiny_encoder), pre_labels=[path])
    with project:
        report = project.round(size=POOL)
        assert report.step("push").counts["pre_labelled"] == 2
        assert shown(project).keys() == {record.document.id for record in records[:2]}


def test_what_is_of_no_use_is_refused_with_a_sentence(tmp_path: Path, tiny_encoder: Path) -> None:
    records = list(read_demo_corpus())
    settings = settings_for(tiny_encoder)
    strangers = predictions_of(tmp_path / "strangers.jsonl", records[100:103])
    with pytest.raises(CorpusError, match="no pre-labels for a document of the project: 3 documents that the project"):
        project_with(tmp_path / "one", settings, pre_labels=[strangers])
    genes = replace(records[0].annotation or Annotation(), entities=(Entity("1", "Gene", (Span(0, 2),)),), relations=())
    foreign = predictions_of(tmp_path / "genes.jsonl", [records[0]._replace(annotation=genes)])
    with pytest.raises(LabelError, match=r"none of the labels in genes.jsonl counts as one of the project's: 'Gene'"):
        project_with(tmp_path / "two", settings, pre_labels=[foreign])
    with pytest.raises(UsageError, match="there is no such file or folder"):
        project_with(tmp_path / "three", settings, pre_labels=[tmp_path / "none"])
    assert not any((tmp_path / name).exists() for name in ("one", "two", "three"))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("names.tsv", "say which label its names have: names.tsv=Disease"),
        ("names.tsv=Gene", "'Gene' is not one of the labels Disease, Chemical"),
        ("none.tsv=Disease", "there is no file none.tsv"),
    ],
)
def test_a_dictionary_needs_a_label_of_the_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str, words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("names.tsv").write_text("gout\n", encoding="utf-8")
    Path("a=b.tsv").write_text("gout\n", encoding="utf-8")
    with pytest.raises(UsageError, match=words):
        dictionary_of(given, ("Disease", "Chemical"))
    assert dictionary_of("names.tsv", ("Disease",)) == (Path("names.tsv"), "Disease")
    assert dictionary_of("a=b.tsv", ("Disease",)) == (Path("a=b.tsv"), "Disease")
    assert dictionary_of("a=b.tsv=Chemical", ("Disease", "Chemical")) == (Path("a=b.tsv"), "Chemical")


def test_a_dictionary_with_a_label_that_is_taken_out_is_an_error_of_the_settings() -> None:
    with pytest.raises(SettingsError, match="has the label 'Gene', which is not one of the labels Disease"):
        make_settings(
            {
                "name": "a",
                "entities": [{"name": "Disease"}],
                "dictionary": [{"file": "x", "name": "x", "label": "Gene"}],
            }
        )


@pytest.mark.slow
def test_a_changed_dictionary_is_told_once(tmp_path: Path, tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    option = demo_dictionary(tmp_path / "diseases.tsv")
    project, _ = project_with(tmp_path / "trial", settings_for(tiny_encoder), dictionaries=[option])
    read: list[Path] = []
    monkeypatch.setattr(
        pre_labeller, "read_dictionary", lambda path: [read.append(path), *read_dictionary(path)][1:]
    )  # fmt: skip
    with project:
        file = project.folder / project.settings.dictionary[0].file
        first = file.read_text("utf-8")
        other = first + "patients\n"
        for content, since in ((other, "the project was made"), (first, "the last round"), (first, None)):
            file.write_text(content, encoding="utf-8")
            read.clear()
            notices = [one for one in project.round().step("push").counts["notices"] if "dictionary" in one]
            assert read == [file], "a dictionary is read once in a round"
            told = f"the dictionary diseases.tsv (pre-labels/1-diseases.tsv) was changed since {since}; its new content"
            assert notices == ([] if since is None else [f"{told} counts from now on"])


def test_a_missing_dictionary_stops_the_round_with_a_sentence(tmp_path: Path, tiny_encoder: Path) -> None:
    option = demo_dictionary(tmp_path / "diseases.tsv")
    project, _ = project_with(tmp_path / "trial", settings_for(tiny_encoder), dictionaries=[option])
    with project:
        (project.folder / project.settings.dictionary[0].file).unlink()
        with pytest.raises(ProjectError, match=r"is gone: there is no .*put it back from a backup, or remove its"):
            project.round()


def test_a_project_goes_on_without_a_file_that_is_taken_out_of_the_settings(tmp_path: Path, tiny_encoder: Path) -> None:
    option = demo_dictionary(tmp_path / "diseases.tsv")
    project, _ = project_with(tmp_path / "trial", settings_for(tiny_encoder), dictionaries=[option])
    project.close()
    toml = tmp_path / "trial" / "biorat.toml"
    text = toml.read_text("utf-8")
    toml.write_text(text[: text.index("[[dictionary]]")] + text[text.index("[team]") :], encoding="utf-8")
    with Project.open(tmp_path / "trial") as project:
        counts = project.round().step("push").counts
        assert counts["pre_labelled"] == 0
        assert "pre_labels_of" not in counts


@pytest.mark.slow
def test_a_first_round_that_is_killed_ends_with_the_same_picks_and_pre_labels(
    tmp_path: Path, tiny_encoder: Path
) -> None:
    option = demo_dictionary(tmp_path / "diseases.tsv")
    settings = settings_for(tiny_encoder)
    project, _ = project_with(tmp_path / "whole" / "trial", settings, dictionaries=[option])
    with project:
        project.round()
        expected = picture_of(project)
    project, _ = project_with(tmp_path / "cut" / "trial", settings, dictionaries=[option])
    project.close()
    for moment in ("after:select", "before:push", "before:desk.push", "after:desk.push", "worked:push"):
        assert run_killed(tmp_path / "cut" / "trial", moment) == -9
    assert run_killed(tmp_path / "cut" / "trial") == 0
    with Project.open(tmp_path / "cut" / "trial") as project:
        assert picture_of(project) == expected
