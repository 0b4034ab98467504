"""A label or relation added in the middle of a project is unknown in documents annotated before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from biorat_al.corpus.formats.jsonl import write_jsonl
from biorat_al.corpus.model.document import Annotation, Record
from biorat_al.corpus.sources import Sources
from biorat_al.desk.base import DeskProject, Documents, Pull, Task
from biorat_al.desk.oracle import OracleDesk
from biorat_al.efficiency.report.build import project_report
from biorat_al.errors import NothingToDoYet
from biorat_al.learner.entities.tagger import Tagger
from biorat_al.learner.types import Example
from biorat_al.presentation.export import export_text
from biorat_al.presentation.round import round_text
from biorat_al.presentation.status import status_text
from biorat_al.project import Project
from biorat_al.rounds.context import Context, RoundRequest
from biorat_al.rounds.runner import RoundReport
from biorat_al.rounds.steps.held_out import held_out_documents
from biorat_al.rounds.steps.learnt import training_examples
from biorat_al.rounds.unasked import NotAsked
from biorat_al.settings import make_settings
from biorat_al.store.evaluations import evaluation, relation_counts_of
from biorat_al.store.models import models_of
from biorat_al.store.parts.segments import cut, places_of
from biorat_al.store.tables import StepRow
from tests.support.rounds import RELATED, picture_of, related_records, settings_for

LATER = {"entities": [{"name": "Disease"}, {"name": "Chemical"}]}
TREATS = RELATED["relations"]


class Growing(OracleDesk):
    """Annotators who mark what they can choose at the time; asked again, they look for labels added since.

    :ivar now: the desk's clock.
    :ivar lacking: labels that somebody has taken out of the configuration.
    """

    def __init__(self, gold: Mapping[str, Annotation], folder: Path) -> None:
        super().__init__(lambda keys: {key: gold[key] for key in keys}, folder)
        self.now = datetime(2020, 1, 1, tzinfo=UTC)
        self.lacking: frozenset[str] = frozenset()
        self.offered: dict[str, frozenset[str]] = {}
        self.again: dict[str, tuple[datetime, frozenset[str]]] = {}
        self._choice: dict[str, frozenset[str]] = {}

    def prepare(self, *arguments: Any, **options: Any) -> DeskProject:
        project = super().prepare(*arguments, **options)
        names = {*project.labels, *(one.name for one in project.relations)}
        self._choice[project.role] = frozenset(names - self.lacking)
        return replace(project, at=self.now, lacking=self.lacking & names)

    def push(self, project: DeskProject, tasks: Sequence[Task]) -> Mapping[str, str]:
        self.offered |= {task.key: self._choice[project.role] for task in tasks}
        return super().push(project, tasks)

    def ask_again(self, role: str, *keys: str) -> None:
        """Let somebody open these tasks, mark every label that can be chosen now, and press Update."""
        self.now += timedelta(hours=1)
        self.again |= dict.fromkeys(keys, (self.now, self._choice[role]))

    def pull(self, project: DeskProject, documents: Documents, cursor: str | None = None) -> Pull:
        pull = super().pull(project, documents, None)
        tasks = []
        for task in pull.tasks:
            (answer,) = task.annotations
            at, names = self.again.get(task.key or "", (answer.updated_at, self.offered[task.key or ""]))
            entities = tuple(one for one in answer.annotation.entities if one.label in names)
            there = {one.id for one in entities}
            relations = tuple(
                one for one in answer.annotation.relations if one.label in names and {one.head, one.tail} <= there
            )
            annotation = Annotation(entities, relations)
            tasks.append(replace(task, annotations=(replace(answer, annotation=annotation, updated_at=at),)))
        return replace(pull, tasks=tuple(tasks))


def growing(folder: Path, encoder: Path, *, pool: int = 24, test: int = 4, **changes: Any) -> Project:
    records = related_records(pool + test)
    gold = {one.document.id: one.annotation for one in records if one.annotation is not None}
    files = folder / "pool.jsonl", folder / "test.jsonl"
    bare = [Record(one.document, None, one.source) for one in records]
    write_jsonl(files[0], bare[:pool])
    write_jsonl(files[1], bare[pool:])
    quick = {"arms": ["rat"], "min_steps": 60, "batch_size": 8, "learning_rate": 5e-3}
    values: dict[str, Any] = {
        "entities": [{"name": "Disease"}],
        "training": quick,
        "selection": {"size": 8},
        "desk": {"kind": "label-studio"},
    }
    settings = settings_for(encoder, **values | changes)
    project = Project.init(folder / "trial", settings, Sources([files[0]], [files[1]]))[0]
    project._desk = Growing(gold, project.folder)
    return project


def desk_of(project: Project) -> Growing:
    assert isinstance(project.desk, Growing)
    return project.desk


def change(project: Project, **values: Any) -> None:
    project.settings = make_settings(project.settings.model_dump() | values)


def context_of(project: Project, number: int) -> Context:
    return Context(project.folder, project.settings, project.store, project.desk, number, RoundRequest())


def learnt(project: Project) -> dict[str, Example]:
    return {one.document.id: one for one in training_examples(context_of(project, 1))}


def unknown(project: Project, name: str = "Chemical") -> set[str]:
    return {key for key, one in learnt(project).items() if name in one.unasked.labels or name in one.unasked.relations}


def flat(text: str) -> str:
    return " ".join(text.split())


def counts(project: Project, report: RoundReport) -> dict[str | None, tuple[int, int]]:
    """Return by label the number of test documents, and of gold mentions in them."""
    with project.store.read() as session:
        (model,) = models_of(session, report.number).values()
        found = evaluation(session, model.version)
    return {label: (one.documents, one.true_positives + one.false_negatives) for label, one in found.items()}


@pytest.fixture(scope="module")
def grown(
    tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path
) -> Iterator[tuple[Project, list[RoundReport], list[set[str]]]]:
    """Return a project that adds chemicals before round 1 and asks for three documents again before round 3.

    No test may change it.
    """
    with growing(tmp_path_factory.mktemp("grown"), tiny_encoder) as project:
        reports, unasked = [project.round()], []
        change(project, **LATER)
        for again in ((), (), ("r1", "r2")):
            if again:
                desk = desk_of(project)
                first = sorted(key for key, names in desk.offered.items() if "Chemical" not in names)
                desk.ask_again("pool", *[key for key in first if key not in ("r24", "r25", "r26", "r27")][:3])
                desk.ask_again("test", "r24")
            reports.append(project.round())
            unasked.append(unknown(project))
        yield project, reports, unasked


Grown = tuple[Project, list[RoundReport], list[set[str]]]


@pytest.mark.slow
def test_documents_from_before_a_label_are_unknown_for_it_until_they_are_asked_again(grown: Grown) -> None:
    project, reports, unasked = grown
    early = {key for key, names in desk_of(project).offered.items() if "Chemical" not in names}
    tests = {"r24", "r25", "r26", "r27"}
    assert len(early) == 8 + 4
    assert unasked[:2] == [early - tests] * 2
    assert len(unasked[2]) == 5
    assert unasked[2] < early
    for report, number in zip(reports[1:], (8, 8, 5), strict=True):
        assert report.step("train").counts["unasked"] == {"Chemical": number}
    examples = learnt(project)
    assert all(one.label != "Chemical" for key in unasked[2] for one in examples[key].entities)
    assert sum(one.label == "Chemical" for one in examples[min(early - tests - unasked[2])].entities) == 3


@pytest.mark.slow
def test_sentences_from_before_a_label_are_unknown_for_it_until_they_are_asked_again(
    tmp_path: Path, tiny_encoder: Path
) -> None:
    with growing(tmp_path, tiny_encoder, pool=12, test=2, selection={"size": 3, "unit": "sentence"}) as project:
        desk = desk_of(project)
        of_documents = desk._gold

        def of_sentences(keys: Sequence[str]) -> Mapping[str, Annotation]:
            with project.store.read() as session:
                places = places_of(session, keys)
            whole = of_documents([key for key in keys if key not in places] + [one for one, _ in places.values()])
            return {**whole, **dict(cut(whole, places))}

        desk._gold = of_sentences
        project.round()
        early = {key for key, names in desk.offered.items() if "Chemical" not in names and "#" in key}
        assert len(early) > 3
        change(project, **LATER)
        assert project.round().step("train").counts["unasked"] == {"Chemical": len(early)}
        assert unknown(project) == early
        again = set(sorted(early)[:2])
        desk.ask_again("segment", *again)
        project.round()
        assert unknown(project) == early - again
        # those that were asked for afterwards could be given the label
        later = [found for key, found in learnt(project).items() if key not in early]
        assert any(entity.label == "Chemical" for found in later for entity in found.entities)


@pytest.mark.slow
def test_a_label_that_no_document_was_asked_for_is_not_in_the_models_of_its_first_round(grown: Grown) -> None:
    project, reports, _ = grown
    found = []
    for report in reports[1:]:
        (version,) = report.step("train").counts["models"].values()
        found.append(Tagger.load(project.folder / "models" / version).labels)
    assert found == [("Disease",), ("Disease", "Chemical"), ("Disease", "Chemical")]


def test_scores_count_a_label_on_the_documents_that_were_asked_for_it(grown: Grown) -> None:
    project, reports, _ = grown
    assert counts(project, reports[1]) == {"Disease": (4, 12), None: (4, 12)}
    assert counts(project, reports[2]) == {"Disease": (4, 12), None: (4, 12)}
    assert counts(project, reports[3]) == {"Disease": (4, 12), "Chemical": (1, 3), None: (4, 15)}
    assert reports[3].step("evaluate").counts["unasked"] == {"Chemical": 3}
    with project.store.read() as session:
        held_out = held_out_documents(session, project.settings)
    assert Counter(bool(one.unasked) for one in held_out.values()) == {True: 3, False: 1}


def test_round_status_and_report_tell_what_was_not_asked_for(grown: Grown) -> None:
    project, reports, unasked = grown
    status = project.status(ask_desk=False)
    (told,) = status.not_asked
    assert (told.kind, told.name, told.given) == ("label", "Chemical", ())
    assert set(told.documents) == unasked[2] | {"r25", "r26", "r27"}
    sentence = f"8 of {told.of} annotated documents were asked for before the label 'Chemical' was"
    assert sentence in flat(status_text(status))
    assert "press Update" in flat(status_text(status))
    assert status.as_dict()["not_asked"][0]["documents"] == told.documents
    text = flat(round_text(reports[3], status))
    assert sentence in text
    assert "; 5 documents not asked for Chemical; arms: rat" in text
    assert "of 4 test documents; 3 documents not asked for Chemical" in text
    report = project_report(project.folder, project.settings, project.store)
    (section,) = [one for part in report.parts for one in part.progress if one.key == "unasked"]
    assert section.tables[0].rows[0]["label"] == "Chemical"


def test_the_data_card_names_the_documents_that_were_not_asked(grown: Grown, tmp_path: Path) -> None:
    project, _, unasked = grown
    report = project.export(tmp_path / "corpus")
    card = (tmp_path / "corpus" / "README.md").read_text()
    names = ", ".join(sorted(unasked[2] | {"r25", "r26", "r27"}))
    assert f"- **Chemical** (8 of {sum(report.documents.values())}): {names}" in card
    assert "whether 8 documents annotated before Chemical was added have any" in flat(export_text(report, tmp_path))


@pytest.mark.slow
def test_a_project_whose_labels_stay_tells_of_none(tmp_path: Path, tiny_encoder: Path) -> None:
    with growing(tmp_path, tiny_encoder, **LATER) as project:
        project.round()
        report = project.round()
        assert not any("unasked" in step.counts or "offered" in step.counts for step in report.steps)
        assert project.status(ask_desk=False).not_asked == ()
        assert not any(one.unasked for one in learnt(project).values())
        project.export(tmp_path / "corpus")
    assert "not asked" not in (tmp_path / "corpus" / "README.md").read_text()


@pytest.mark.slow
def test_the_labelling_configuration_is_brought_up_to_date_when_the_pool_is_used_up(
    tmp_path: Path, tiny_encoder: Path
) -> None:
    """Otherwise nobody could ever be asked for the label again."""
    with growing(tmp_path, tiny_encoder, pool=8, test=2) as project:
        project.round()
        project.round()
        with pytest.raises(NothingToDoYet, match="used up"):
            project.round()
        change(project, **LATER)
        assert project.round().step("push").counts["offered"].keys() == {"pool", "test"}
        with pytest.raises(NothingToDoYet, match="used up"):
            project.round()
        desk_of(project).ask_again("pool", "r0", "r1")
        desk_of(project).ask_again("test", "r8")
        report = project.round()
        assert report.step("pull").counts["changed"] == 3
        assert report.step("train").counts["unasked"] == {"Chemical": 6}
        assert counts(project, report)["Chemical"] == (1, 3)


@pytest.mark.slow
def test_an_answer_that_was_updated_without_a_change_counts_as_asked(tmp_path: Path, tiny_encoder: Path) -> None:
    with growing(tmp_path, tiny_encoder, pool=8, test=2) as project:
        project.round()
        change(project, entities=[{"name": "Disease"}, {"name": "Gene"}])
        project.round()
        desk_of(project).ask_again("pool", "r3")
        project.round()
        assert unknown(project, "Gene") == {f"r{number}" for number in range(8) if number != 3}


@pytest.mark.slow
def test_an_answer_from_before_the_label_that_comes_late_does_not_count_as_asked(
    tmp_path: Path, tiny_encoder: Path
) -> None:
    """It was changed while the round that added the label was running."""
    with growing(tmp_path, tiny_encoder, pool=8, test=2) as project:
        project.round()
        project.round()
        desk = desk_of(project)
        change(project, **LATER)
        project.round()
        # by the desk's clock an hour before the label came
        desk.again = {"r3": (desk.now - timedelta(hours=1), frozenset({"Disease"}))}
        project.round()
        assert "r3" in unknown(project)
        desk.ask_again("pool", "r3")
        project.round()
        assert unknown(project) == {f"r{number}" for number in range(8) if number != 3}


@pytest.mark.slow
def test_a_label_that_somebody_took_out_of_the_configuration_was_not_asked_for(
    tmp_path: Path, tiny_encoder: Path
) -> None:
    with growing(tmp_path, tiny_encoder, pool=24, test=2) as project:
        project.round()
        change(project, **LATER)
        desk_of(project).lacking = frozenset({"Chemical"})
        project.round()
        project.round()
        assert len(unknown(project)) == 16
        desk_of(project).lacking = frozenset()
        with project.store.read() as session:
            step = session.get_one(StepRow, (2, "push")).counts["offered"]["pool"]
        assert step["labels"] == ["Disease"]
        assert Counter(project.round().step("train").counts["unasked"]) == {"Chemical": 24}


@pytest.mark.slow
def test_a_project_whose_labels_were_all_exchanged_learns_when_somebody_is_asked(
    tmp_path: Path, tiny_encoder: Path
) -> None:
    with growing(tmp_path, tiny_encoder) as project:
        project.round()
        change(project, entities=[{"name": "Chemical"}])
        report = project.round()
        assert report.step("train").state == "skipped"
        assert "was asked for any of the labels" in report.step("train").counts["reason"]
        assert project.round().step("train").counts["unasked"] == {"Chemical": 8}


@pytest.fixture(scope="module")
def related(
    tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path
) -> Iterator[tuple[Project, list[RoundReport]]]:
    """Return a project that adds a relation before round 1 and asks for the test documents again before round 3."""
    with growing(tmp_path_factory.mktemp("related"), tiny_encoder, **LATER, relation_extraction={}) as project:
        reports = [project.round()]
        change(project, relations=TREATS)
        reports += [project.round(), project.round()]
        desk_of(project).ask_again("test", "r24", "r25")
        reports.append(project.round())
        yield project, reports


@pytest.mark.slow
def test_candidates_from_before_a_relation_are_unknown_and_not_unrelated(
    related: tuple[Project, list[RoundReport]],
) -> None:
    project, reports = related
    first, second, third = (report.step("train").counts for report in reports[1:])
    assert first["no_relation_model"] == "no document that was annotated was asked for any relation"
    assert first["unasked"] == second["unasked"] == third["unasked"] == {"treats": 8}
    early = unknown(project, "treats")
    assert len(early) == 8
    with project.store.read() as session:
        (model,) = models_of(session, 2).values()
    of_relations = model.summary["relations"]
    assert of_relations["unasked_candidates"] > 0
    known = [one for key, one in learnt(project).items() if key not in early]
    assert of_relations["relations"] + of_relations["dev_relations"] <= sum(len(one.relations) for one in known)
    (told,) = project.status(ask_desk=False).not_asked
    assert told == NotAsked("relation", "treats", told.documents, (), told.of)
    assert set(told.documents) == early | {"r26", "r27"}


@pytest.mark.slow
def test_relations_are_measured_on_the_documents_that_were_asked_for_them(
    related: tuple[Project, list[RoundReport]],
) -> None:
    project, reports = related
    assert "relation_f1" not in reports[2].step("evaluate").counts
    with project.store.read() as session:
        (model,) = models_of(session, 3).values()
        measured = relation_counts_of(session, model.version)
    assert measured
    for by_label in measured.values():
        assert by_label["treats"].keys() == {"r24", "r25"}


@pytest.mark.slow
def test_a_label_that_is_added_changes_nothing_about_the_others(tmp_path: Path, tiny_encoder: Path) -> None:
    """In the round in which a label is added, models and picks are the same bit for bit as without it."""
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
    with growing(tmp_path / "one", tiny_encoder) as one, growing(tmp_path / "other", tiny_encoder) as other:
        one.round()
        other.round()
        change(other, **LATER)
        one.round()
        other.round()
        mine, theirs = picture_of(one), picture_of(other)
        assert mine["predictions"]
        assert mine == theirs
