"""The human ceiling: annotators on the test set, against each other, the truth and a model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from biorat_al.corpus.formats.bigbio.details import AgreementF1
from biorat_al.corpus.model.document import Annotation
from biorat_al.people.ceiling import Ceiling, human_ceiling
from biorat_al.presentation.status import status_text
from biorat_al.project import Project
from biorat_al.store.answers import answers
from biorat_al.store.tables import DocumentRow, EvaluationRow, ModelRow, RoundRow
from tests.people.factories import ANN, AT, BOB, CARLA, DRUG, HEADACHE, SEVERE, add_answer, marked, text_project


@pytest.fixture
def project(tmp_path: Path, tiny_encoder: Path) -> Iterator[Project]:
    """Provide a project with four pool documents and four test documents, d4 to d7."""
    with text_project(tmp_path, tiny_encoder, pool=4, test=4) as made:
        yield made


def answer(project: Project, key: str, **given: Annotation) -> None:
    names = {"ann": ANN, "bob": BOB, "carla": CARLA}
    with project.store.write() as session:
        for name, annotation in given.items():
            truth = {"ground_truth": True} if name == "carla" else {}
            add_answer(session, key, names[name], annotation, **truth)


def ceiling_of(project: Project) -> Ceiling | None:
    with project.store.read() as session:
        return human_ceiling(session, answers(session, "test", with_gold=True))


def test_annotators_are_compared_with_each_other_and_with_the_truth(project: Project) -> None:
    answer(project, "d4", ann=marked(DRUG, HEADACHE), bob=marked(DRUG, SEVERE), carla=marked(DRUG, HEADACHE))
    answer(project, "d5", ann=marked(DRUG), bob=marked(DRUG))
    answer(project, "d6", ann=marked(DRUG))
    # the pool is no test set
    answer(project, "d0", ann=marked(DRUG), bob=marked(HEADACHE))
    found = ceiling_of(project)
    assert found is not None
    # the drug twice, and one headache against the other
    assert found.annotators[:2] == (2, 2 * 2 / (2 * 2 + 2))
    # ann has all of the truth, bob one of two and one that is wrong
    assert found.truth == AgreementF1(1, 2 * 3 / (2 * 3 + 2), None)
    assert found.model is None
    # both have the drug wherever somebody has it; of the headache each has a version
    assert {label: one[:2] for label, one in found.by_label.items()} == {"Chemical": (2, 1.0), "Disease": (2, 0.0)}
    assert found.as_dict()["by_label"]["Chemical"]["f1"] == 1.0
    assert project.status(ask_desk=False).ceiling == found


def test_the_model_is_shown_on_the_same_documents(project: Project) -> None:
    before = project.status(ask_desk=False)
    for key in ("d4", "d5"):
        answer(project, key, ann=marked(DRUG), bob=marked(DRUG))
    with project.store.write() as session:
        session.add(RoundRow(number=1, state="done", request={}, settings={}, program_version="0", started_at=AT))
        session.flush()
        session.add(
            ModelRow(version="m1", round_number=1, arm="rat", selecting=True, sha256="", summary={}, created_at=AT)
        )
        session.flush()
        for number, counts in {4: (1, 0, 0), 5: (0, 1, 1), 6: (9, 0, 0)}.items():
            (document,) = session.scalars(select(DocumentRow.id).where(DocumentRow.key == f"d{number}"))
            right, wrong, missed = counts
            session.add(
                EvaluationRow(
                    model_version="m1",
                    document_id=document,
                    label="Chemical",
                    true_positives=right,
                    false_positives=wrong,
                    false_negatives=missed,
                )
            )
    found = ceiling_of(project)
    assert found is not None
    assert found.model == AgreementF1(2, 0.5, (0.0, 1.0))
    status = replace(before, ceiling=found)
    assert status.as_dict()["ceiling"]["model"] == {"documents": 2, "f1": 0.5, "interval": (0.0, 1.0)}
    text = " ".join(status_text(status).split())
    assert (
        "ceiling on 2 test documents that several people annotated blind, they reach F1 100.0 (100.0 to 100.0) against "
        "each other; the newest model reaches 50.0 (0.0 to 100.0) there, with disputed mentions masked"
    ) in text


def test_one_answer_to_each_test_document_is_no_ceiling(project: Project) -> None:
    answer(project, "d4", ann=marked(DRUG))
    assert ceiling_of(project) is None
    assert project.status(ask_desk=False).ceiling is None
