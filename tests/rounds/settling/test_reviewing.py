"""Documents in which an audit found something are asked again, once, and the answer is the truth."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from biorat_al.corpus.model.document import Annotation, Document, Entity, Record, Span
from biorat_al.errors import NothingToDoYet, UsageError
from biorat_al.people.audit.findings import Evidence, Excerpt, Finding, Suggestion
from biorat_al.project import Project
from biorat_al.rounds.settling.reviewing import without_models
from biorat_al.store.settling.settlements import settlements
from tests.people.factories import add_answer, marked, mention
from tests.support.rounds import make_project, settings_for
from tests.support.settling import ANN, BOB, answer_to, change_answer, hurried

TEXT = "Some gout was seen, and gout again in {}."
FIRST, SECOND = mention("Disease", (5, 9)), mention("Disease", (24, 28))
BOTH = marked(FIRST, SECOND)


@pytest.fixture
def project(tmp_path: Path, tiny_encoder: Path) -> Iterator[Project]:
    """Provide documents in which "gout" is always marked, but for one place of p3 and one of the test document p9."""
    gold = Annotation(
        (Entity("g1", "Disease", (Span(5, 9),)), Entity("g2", "Disease", (Span(24, 28),), extras={"type": "x"})),
        extras={"events": [{"id": "E1"}]},
    )
    records = [Record(Document(f"p{number}", TEXT.format(number)), gold, "made") for number in range(10)]
    settings = settings_for(tiny_encoder, entities=[{"name": "Disease"}])
    with make_project(tmp_path / "trial", settings, pool=8, test=2, records=records) as made:
        with made.store.write() as session:
            for number in range(10):
                add_answer(session, f"p{number}", ANN, marked(FIRST) if number in (3, 9) else BOTH)
        yield made


def asked(project: Project) -> dict[str, list[str]]:
    """Return what was shown of each document that was asked again."""
    with project.store.read() as session:
        return {
            row.shown["findings"][0]["document"]: [one["suggestion"] for one in row.shown["findings"]]
            for row in settlements(session, "review")
            if row.state != "deleted"
        }


def test_documents_with_findings_are_asked_again_once_and_the_answer_is_the_truth(project: Project) -> None:
    desk = hurried(project)
    assert project.settling.review().made == 2
    assert asked(project) == {"p3": ["mark it as Disease"], "p9": ["mark it as Disease"]}
    assert project.settling.review().made == 0
    assert answer_to(project, "p3").rule == "single"
    desk.finish()
    report = project.settling.review()
    assert (report.made, report.answered, report.fetched.new) == (0, 2, 2)
    answer = answer_to(project, "p3")
    assert (answer.rule, answer.annotator, answer.independent[0].annotator) == ("reviewed", "oracle", ANN)
    project.export(project.folder / "corpus", format="bigbio")
    card = (project.folder / "corpus" / "README.md").read_text()
    assert "- reviewed (an audit had found something, and somebody looked again): 2" in card
    # what annotators cannot mark came with the document
    project.export(project.folder / "corpus.jsonl", format="jsonl")
    line = next(one for one in (project.folder / "corpus.jsonl").read_text().splitlines() if '"p3"' in one)
    assert '"events"' in line


def test_what_somebody_has_looked_at_is_not_asked_again(project: Project) -> None:
    desk = hurried(project)
    project.settling.review()
    # the oracle marks both; as if the reviewer had left it
    desk._gold = lambda keys: {key: marked(FIRST) for key in keys}
    desk.finish()
    project.settling.review()
    assert [one.excerpt.document for one in project.audit().findings] == ["p3", "p9"]
    report = project.settling.review()
    assert (report.made, report.open, report.answered) == (0, 0, 2)


def test_a_task_is_replaced_when_the_annotation_changes(project: Project) -> None:
    hurried(project)
    project.settling.review()
    change_answer(project, "p3", ANN, BOTH)
    report = project.settling.review()
    assert (report.made, report.withdrawn, report.open) == (0, 1, 1)
    # a smaller limit takes nothing back
    assert project.settling.review(limit=1).open == 1


def test_disputed_documents_are_left_to_the_adjudicator(project: Project) -> None:
    with project.store.write() as session:
        add_answer(session, "p3", BOB, marked(mention("Disease", (0, 9))))
    hurried(project)
    report = project.settling.review()
    assert list(asked(project)) == ["p9"]
    assert any("on which annotators disagree left out" in notice for notice in report.notices)


def test_what_a_model_says_of_a_test_document_is_not_shown() -> None:
    place, suggested = Excerpt("p9", 24, 28, "and ", "gout", " again"), Suggestion("Disease", 24, 28, "gout")
    model, string = Evidence("model", "m1 predicted it", 0.9), Evidence("string", "marked elsewhere", 0.4)
    assert without_models(Finding("missed", place, None, suggested, (model,))) is None
    both = without_models(Finding("missed", place, None, suggested, (model, string)))
    assert both is not None
    assert (both.evidence, both.score) == ((string,), 0.4)


def test_what_cannot_be_reviewed_is_said_in_a_sentence(project: Project, tmp_path: Path, tiny_encoder: Path) -> None:
    with pytest.raises(UsageError, match="unknown label 'Gene'"):
        project.settling.review(label="Gene")
    change_answer(project, "p3", ANN, BOTH)
    change_answer(project, "p9", ANN, BOTH)
    with pytest.raises(NothingToDoYet, match="nothing looks wrong"):
        project.settling.review()
    plain = [Record(Document(f"n{number}", TEXT.format(number)), None, "made") for number in range(3)]
    settings = settings_for(tiny_encoder, desk={"kind": "label-studio"})
    new = make_project(tmp_path / "new", settings, gold=False, pool=2, test=1, records=plain)
    hurried(new)
    with new, pytest.raises(NothingToDoYet, match="nothing has been annotated"):
        new.settling.review()
