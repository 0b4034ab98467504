"""Two people annotate the same documents and disagree: what a round learns, measures and says of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from biorat_al.corpus.formats.jsonl import write_jsonl
from biorat_al.corpus.model.document import Annotation, Record
from biorat_al.corpus.model.identity import mention_key
from biorat_al.corpus.sources import Sources
from biorat_al.desk.base import DeskProject, Documents, Pull
from biorat_al.desk.oracle import ANNOTATOR, OracleDesk
from biorat_al.errors import NothingToDoYet, UsageError
from biorat_al.export.export import ExportOptions
from biorat_al.learner.entities.scoring import score
from biorat_al.learner.entities.tagger import Tagger
from biorat_al.learner.types import Example
from biorat_al.presentation.export import export_text
from biorat_al.presentation.round import round_text
from biorat_al.presentation.status import status_text
from biorat_al.project import Project
from biorat_al.rounds.context import Context, RoundRequest
from biorat_al.rounds.runner import RoundReport
from biorat_al.rounds.steps import evaluate
from biorat_al.rounds.steps.held_out import held_out_documents
from biorat_al.rounds.steps.learnt import training_examples
from biorat_al.settings import SETTINGS_FILE, settings_text
from biorat_al.store.answers import learnt_answers
from biorat_al.store.evaluations import document_counts_of, evaluation, reliability_of, robustness_of
from biorat_al.store.models import models_of
from biorat_al.store.parts.segments import parents_of
from tests.support.rounds import RELATED, make_project, related_records, settings_for

SECOND = "second@example.org"


class TwoPeople(OracleDesk):
    """An oracle, and beside it somebody who overlooks every third mention of a document, with its relations."""

    careless = True

    def pull(self, project: DeskProject, documents: Documents, cursor: str | None = None) -> Pull:
        pull = super().pull(project, documents, cursor)
        tasks = []
        for task in pull.tasks:
            (first,) = task.annotations
            second = replace(first, id=f"{first.id}-2", annotator=SECOND, annotation=self.overlook(first.annotation))
            tasks.append(replace(task, annotations=(first, second)))
        return replace(pull, tasks=tuple(tasks))

    def overlook(self, annotation: Annotation) -> Annotation:
        if not self.careless:
            return annotation
        kept = tuple(one for number, one in enumerate(annotation.entities) if number % 3)
        ids = {one.id for one in kept}
        relations = tuple(one for one in annotation.relations if {one.head, one.tail} <= ids)
        return Annotation(kept, relations)


class Copying(TwoPeople):
    """The second one begins from a copy of the first one's answer, as *Duplicate Annotation* does."""

    def pull(self, project: DeskProject, documents: Documents, cursor: str | None = None) -> Pull:
        pull = super().pull(project, documents, cursor)
        tasks = []
        for task in pull.tasks:
            first, second = task.annotations
            tasks.append(replace(task, annotations=(first, replace(second, copied_from=first.annotator))))
        return replace(pull, tasks=tuple(tasks))


class Unfinished(TwoPeople):
    """The two have not come to the first of their tasks yet."""

    def pull(self, project: DeskProject, documents: Documents, cursor: str | None = None) -> Pull:
        pull = super().pull(project, documents, cursor)
        first, *others = pull.tasks
        return replace(pull, tasks=tuple(others), open_tasks=frozenset({first.task_id}))


def two_people(folder: Path, encoder: Path, *, careless: bool = True, **changes: Any) -> Project:
    learnt = {"min_steps": 60, "batch_size": 8, "learning_rate": 3e-3}
    values = {"training": learnt, "selection": {"size": 12}, **changes}
    project = make_project(folder / "trial", settings_for(encoder, **values), pool=20, test=6)
    desk = TwoPeople(project._gold, project.folder)
    desk.careless = careless
    project._desk = desk
    return project


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path) -> Iterator[tuple[Project, RoundReport]]:
    """Provide a project with a model, whose pool two people annotate; no test may change it."""
    with two_people(tmp_path_factory.mktemp("two"), tiny_encoder) as project:
        project.round()
        yield project, project.round()


def context_of(project: Project) -> Context:
    return Context(project.folder, project.settings, project.store, project.desk, 1, RoundRequest())


def held_out_of(project: Project) -> list[Example]:
    with project.store.read() as session:
        return list(held_out_documents(session, project.settings).values())


def learnt_of(project: Project) -> list[Example]:
    return training_examples(context_of(project))


def flat(text: str) -> str:
    return " ".join(text.split())


def with_ties(project: Project, ties: str) -> None:
    """Write the setting into the project's file, as somebody with an editor does."""
    project.settings = project.settings.model_copy(
        update={"team": project.settings.team.model_validate({"ties": ties})}
    )
    (project.folder / SETTINGS_FILE).write_text(settings_text(project.settings), encoding="utf-8")


@pytest.mark.slow
def test_training_is_given_the_disputed_mentions_and_counts_them(trained: tuple[Project, RoundReport]) -> None:
    project, report = trained
    gold = project._gold([example.document.id for example in training_examples(context_of(project))])
    mentions = documents = 0
    for example in training_examples(context_of(project)):
        everything = gold[example.document.id].entities
        assert {mention_key(one) for one in example.entities} == {
            mention_key(one) for n, one in enumerate(everything) if n % 3
        }
        assert {mention_key(one) for one in example.disputed.entities} == {mention_key(one) for one in everything[::3]}
        mentions += len(example.disputed.entities)
        documents += bool(example.disputed)
    counts = report.step("train").counts
    assert counts["disputed"] == {"mentions": mentions, "relations": 0, "documents": documents}
    assert mentions > documents > 0
    assert f"; {mentions} disputed mentions masked; arms: rat, none" in flat(
        round_text(report, project.status(ask_desk=False))
    )


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path) -> Iterator[tuple[Project, RoundReport]]:
    """Provide a project whose test documents two people have annotated; no test may change it."""
    records = related_records(34)
    folder = tmp_path_factory.mktemp("measured")
    pool, test = folder / "pool.jsonl", folder / "test.jsonl"
    bare = [Record(one.document, None, one.source) for one in records]
    write_jsonl(pool, bare[:24])
    write_jsonl(test, bare[24:])
    gold = {one.document.id: one.annotation for one in records if one.annotation is not None}
    # gold that is in no store: all that counts are the answers of the two
    settings = settings_for(tiny_encoder, **RELATED | {"selection": {"size": 20}, "desk": {"kind": "label-studio"}})
    with Project.init(folder / "trial", settings, Sources([pool], [test]))[0] as project:
        project._desk = TwoPeople(lambda keys: {key: gold[key] for key in keys}, project.folder)
        project.round()
        yield project, project.round()


@pytest.mark.slow
def test_the_test_set_of_two_people_is_scored_without_what_they_dispute(
    measured: tuple[Project, RoundReport],
) -> None:
    project, report = measured
    held_out = held_out_of(project)
    with project.store.read() as session:
        models = models_of(session, 1)
    disputed = {example.document.id: example.disputed.entities for example in held_out}
    gold = {example.document.id: example.entities for example in held_out}
    masked = report.step("evaluate").counts["disputed"]
    assert masked["mentions"] == sum(map(len, disputed.values())) > 10
    assert masked["relations"] == sum(len(example.disputed.relations) for example in held_out) > 0
    changed = False
    for model in models.values():
        tagger = Tagger.load(project.folder / "models" / model.version)
        documents = [example.document for example in held_out]
        predicted = {one.document_id: one.entities for one in tagger.predict(documents)}
        expected = score(gold, predicted, tagger.labels, disputed)
        with project.store.read() as session:
            overall = evaluation(session, model.version)[None]
            assert (overall.true_positives, overall.false_positives, overall.false_negatives) == (
                expected.overall.tp, expected.overall.fp, expected.overall.fn,
            )  # fmt: skip
            bins = reliability_of(session, model.version)
            assert sum(row.count for row in bins) == expected.overall.tp + expected.overall.fp
            for counts in robustness_of(session, model.version).values():
                assert {key: tp + fn for key, (tp, _, fn) in counts.items()} == {
                    key: tp + fn for key, (tp, _, fn) in document_counts_of(session, model.version).items()
                }
        changed |= score(gold, predicted, tagger.labels).overall != expected.overall
    assert changed, "the models propose some of the disputed mentions"
    text = flat(round_text(report, project.status(ask_desk=False)))
    count = f"{masked['mentions']} disputed mentions and {masked['relations']} disputed relations masked"
    assert f"of 10 test documents; {count}" in text


@pytest.mark.slow
def test_relations_of_disputed_mentions_are_no_candidates(measured: tuple[Project, RoundReport]) -> None:
    project, report = measured
    counts = report.step("train").counts
    assert counts["disputed"]["relations"] > 0
    examples = training_examples(context_of(project))
    for example in examples:
        known = {one.id for one in (*example.entities, *example.disputed.entities)}
        assert all({one.head, one.tail} <= known for one in example.disputed.relations)
    assert counts["relations"] == sum(len(example.relations) for example in examples)


def test_the_status_counts_what_is_disputed_with_the_agreement(measured: tuple[Project, RoundReport]) -> None:
    project, _ = measured
    status = project.status(ask_desk=False)
    disputes = status.disputes
    assert disputes is not None
    everything = [*training_examples(context_of(project)), *held_out_of(project)]
    assert disputes.documents == len(everything) == 30
    assert disputes.mentions == sum(len(one.disputed.entities) for one in everything)
    assert disputes.relations == sum(len(one.disputed.relations) for one in everything)
    assert disputes.disputed_documents == sum(bool(one.disputed) for one in everything)
    # one of two has all mentions, the other two of three
    agreed = sum(len(one.entities) for one in everything)
    assert disputes.agreement.f1 == pytest.approx(2 * agreed / (2 * agreed + disputes.mentions))
    assert disputes.agreement.interval is not None
    low, high = disputes.agreement.interval
    text = flat(status_text(status))
    assert (
        f"agreement annotators agree with F1 {100 * disputes.agreement.f1:.1f} (95 % interval {100 * low:.1f} to "
        f"{100 * high:.1f}) on 30 documents with several answers; {disputes.mentions} disputed mentions and "
        f"{disputes.relations} disputed relations in {disputes.disputed_documents} documents, masked"
    ) in text
    assert max(map(len, status_text(replace(status, folder="x", urls={})).splitlines())) <= 80
    values = json.loads(json.dumps(status.as_dict()))["disputes"]
    assert (values["mentions"], values["documents"]) == (disputes.mentions, 30)
    assert values["agreement"] == {"documents": 30, "f1": disputes.agreement.f1, "interval": [low, high]}
    assert [(pair["first"], pair["second"]) for pair in values["pairs"]] == [("annotator-1", "annotator-2")]


@pytest.mark.slow
def test_the_report_says_what_is_disputed_and_how_far_people_agree(measured: tuple[Project, RoundReport]) -> None:
    project, _ = measured
    disputes = project.status(ask_desk=False).disputes
    assert disputes is not None
    page, _ = project.report(project.folder.parent / "report" / "report.html")
    html = flat(page.read_text(encoding="utf-8"))
    assert "Where annotators disagree" in html
    assert f"{disputes.mentions} disputed mentions and {disputes.relations} disputed relations" in html
    assert "annotator-1, annotator-2" in html
    assert f"{100 * disputes.agreement.f1:.1f}" in html
    for file in (path for path in page.parent.rglob("*") if path.is_file()):
        assert SECOND.encode() not in file.read_bytes()


def test_an_export_lists_what_training_masks(measured: tuple[Project, RoundReport], tmp_path: Path) -> None:
    project, _ = measured
    disputes = project.status(ask_desk=False).disputes
    assert disputes is not None
    report = project.export(tmp_path / "out.jsonl", format="jsonl")
    assert report.tie_count == disputes.mentions + disputes.relations
    assert "ties in biorat.toml in training as well" in flat(export_text(report, tmp_path / "out.jsonl"))


@pytest.mark.slow
def test_the_preferred_annotator_of_the_settings_decides_in_training_status_and_export(
    tmp_path: Path, tiny_encoder: Path
) -> None:
    with two_people(tmp_path, tiny_encoder) as project:
        project.round()
        with_ties(project, f"prefer:{ANNOTATOR}")
        report = project.round()
        assert "disputed" not in report.step("train").counts
        examples = training_examples(context_of(project))
        gold = project._gold([example.document.id for example in examples])
        for example in examples:
            assert {mention_key(one) for one in example.entities} == {
                mention_key(one) for one in gold[example.document.id].entities
            }
        status = project.status(ask_desk=False)
        assert status.disputes is not None
        assert (status.disputes.mentions, status.disputes.disputed_documents) == (0, 0)
        assert status.disputes.settled > 0
        everything = [*examples, *held_out_of(project)]
        assert sum(status.mentions.values()) == sum(len(example.entities) for example in everything)
        assert "decided by the preferred annotator" in flat(status_text(status))
        kept = project.export(tmp_path / "kept.jsonl", format="jsonl")
        assert all(tie.kept for tie in kept.ties)
        # the command line overrides the settings
        other = project.export(tmp_path / "other.jsonl", format="jsonl", options=ExportOptions(prefer=SECOND))
        assert other.ties
        assert not any(tie.kept for tie in other.ties)
        # nobody's name is in the report
        page, _ = project.report(tmp_path / "report" / "report.html")
        for file in (path for path in page.parent.rglob("*") if path.is_file()):
            assert f"prefer:{ANNOTATOR}".encode() not in file.read_bytes()


@pytest.mark.slow
def test_documents_with_a_dispute_count_neither_in_training_nor_in_the_scores_if_they_are_dropped(
    measured: tuple[Project, RoundReport],
) -> None:
    project, _ = measured
    masked_in_training, masked_in_test = (examples(project) for examples in (learnt_of, held_out_of))
    kept = project.settings
    dropping = kept.team.model_validate({"ties": "drop"})
    project.settings = kept.model_copy(update={"team": dropping})
    try:
        learnt, held_out = learnt_of(project), held_out_of(project)
        report = evaluate.run(context_of(project))
    finally:
        project.settings = kept
    for masked, whole in ((masked_in_training, learnt), (masked_in_test, held_out)):
        assert [one.document.id for one in whole] == [one.document.id for one in masked if not one.disputed]
        assert len(whole) < len(masked)
    with project.store.read() as session:
        skipped = report(session).skipped
    # each of these documents is long enough for the second annotator to overlook something
    assert held_out == []
    assert skipped == (
        f'{len(masked_in_test)} test documents with a dispute left out (ties = "drop" in [team]), and no other is '
        "annotated"
    )


@pytest.mark.slow
def test_a_preferred_name_that_nobody_has_is_told_by_the_round_and_refused_by_the_export(
    tmp_path: Path, tiny_encoder: Path
) -> None:
    with two_people(tmp_path, tiny_encoder) as project:
        with_ties(project, "prefer:nobody@example.org")
        # nobody has annotated yet, so nobody is missed
        assert "nobody@example.org" not in round_text(project.round(), project.status(ask_desk=False))
        text = flat(round_text(project.round(), project.status(ask_desk=False)))
        assert (
            'Note: biorat.toml says ties = "prefer:nobody@example.org", but nobody named '
            f"'nobody@example.org' has annotated; there are {ANNOTATOR}, {SECOND}: what is disputed is masked"
        ) in text
        assert "disputed mentions masked" in text
        with pytest.raises(UsageError, match=r"nobody named 'nobody@example\.org' has annotated; .*--prefer"):
            project.export(tmp_path / "out")
        assert not (tmp_path / "out").exists()
        assert project.export(tmp_path / "out", options=ExportOptions(prefer=SECOND)).tie_count > 0


@pytest.mark.slow
def test_what_a_changed_copy_disputes_is_counted_wherever_it_is_masked(tmp_path: Path, tiny_encoder: Path) -> None:
    with two_people(tmp_path, tiny_encoder) as project:
        project._desk = Copying(project._gold, project.folder)
        project.round()
        report = project.round()
        masked = report.step("train").counts["disputed"]
        status = project.status(ask_desk=False)
        disputes = status.disputes
        assert disputes is not None, "training masks what the status does not know of"
        assert disputes.mentions == masked["mentions"] > 0
        assert disputes.documents == status.labelled["pool"]
        # a copy is not independent of what it was copied from
        assert (disputes.agreement, disputes.pairs) == (None, ())
        assert json.loads(json.dumps(status.as_dict()))["disputes"]["agreement"] is None
        text = flat(status_text(status))
        assert f"{disputes.documents} documents with an answer that somebody changed or copied beside another; " in text
        assert f"{disputes.mentions} disputed mentions in {disputes.disputed_documents} documents, masked" in text
        page, _ = project.report(tmp_path / "report.html")
        html = flat(page.read_text(encoding="utf-8"))
        assert f"{disputes.mentions} disputed mentions, every version counted" in html
        assert "so their agreement is not known" in html
        project.export(tmp_path / "out")
        card = (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
        assert "agreement cannot be computed" in card
        assert f", {disputes.mentions} in all, are left out" in flat(card)


@pytest.mark.slow
def test_a_document_of_which_several_sentences_are_disputed_is_one_document(tmp_path: Path, tiny_encoder: Path) -> None:
    settings = settings_for(tiny_encoder, selection={"size": 6, "unit": "sentence", "seed_strategy": "random"})
    with make_project(tmp_path / "trial", settings, pool=8) as project:
        project._desk = TwoPeople(project._gold, project.folder)
        project.round()
        project.round()
        disputes = project.status(ask_desk=False).disputes
        with project.store.read() as session:
            answered = [answer.document_id for answer in learnt_answers(session, with_gold=False)]
            documents = set(parents_of(session, answered).values())
    assert disputes is not None
    assert disputes.documents == len(documents) < len(answered)
    assert 0 < disputes.disputed_documents <= disputes.documents
    assert disputes.agreement is not None
    assert disputes.agreement.documents == len(documents)


def test_a_round_that_waits_says_what_is_disputed(tmp_path: Path, tiny_encoder: Path) -> None:
    with two_people(tmp_path, tiny_encoder) as project:
        project._desk = Unfinished(project._gold, project.folder)
        project.round()
        with pytest.raises(NothingToDoYet, match="1 of 12 tasks are still open") as waiting:
            project.round()
        disputes = project.status(ask_desk=False).disputes
        assert disputes is not None
        (note,) = waiting.value.notes
        assert note == disputes.sentence
        assert f"{disputes.mentions} disputed mentions in {disputes.disputed_documents} documents, masked" in note


@pytest.mark.slow
def test_people_who_agree_are_said_to_agree(tmp_path: Path, tiny_encoder: Path) -> None:
    with two_people(tmp_path, tiny_encoder, careless=False) as project:
        project.round()
        report = project.round()
        assert "disputed" not in report.step("train").counts | report.step("evaluate").counts
        text = flat(status_text(project.status(ask_desk=False)))
        assert "annotators agree with F1 100.0" in text
        assert "documents with several answers; nothing is disputed" in text


@pytest.mark.slow
def test_where_nobody_annotates_twice_nothing_is_said_of_disputes(tmp_path: Path, tiny_encoder: Path) -> None:
    with make_project(tmp_path / "trial", settings_for(tiny_encoder)) as project:
        # a file of before there was such a section
        file = project.folder / SETTINGS_FILE
        text = file.read_text(encoding="utf-8")
        start, end = text.index("[team]"), text.index("[desk]")
        file.write_text(text[:start] + text[end:], encoding="utf-8")
    with Project.open(project.folder) as project:
        assert project.settings.team.ties == "mask"
        project.round()
        report = project.round()
        status = project.status(ask_desk=False)
        assert status.disputes is None
        assert status.as_dict()["disputes"] is None
        page, _ = project.report(tmp_path / "report.html")
        said = status_text(status) + round_text(report, status) + page.read_text(encoding="utf-8")
        assert "disput" not in said.lower()
        assert "agreement" not in said.lower()
        assert "disputed" not in report.step("train").counts | report.step("evaluate").counts
