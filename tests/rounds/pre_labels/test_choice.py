"""A file or a dictionary pre-labels the next batch if it is better than the model on the held-out documents."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import select

from biorat_al.demo.corpus import read_demo_corpus
from biorat_al.presentation.round import round_text
from biorat_al.presentation.status import status_text
from biorat_al.rounds.borrowing.comparison import paired_f1
from biorat_al.rounds.pre_labels.choice import LEAST, MEASURED, compared_with, sentences
from biorat_al.rounds.pre_labels.kept import KeptFile
from biorat_al.rounds.pre_labels.pre_labeller import PreLabeller
from biorat_al.settings import make_settings
from biorat_al.store.evaluations import Triple, document_counts_of
from biorat_al.store.models import models_of, sources_of
from biorat_al.store.tables import AnnotationRow, TaskRow
from tests.rounds.pre_labels.test_first_batch import demo_dictionary, predictions_of, project_with
from tests.support.rounds import settings_for


def labeller(name: str) -> PreLabeller:
    settings = make_settings({"name": "a", "entities": [{"name": "Disease"}]})
    return PreLabeller(KeptFile("dictionary", name, name, "Disease", None), Path(name), "0", f"a-{name}", settings)


def counts(number: int, triple: Triple) -> dict[int, Triple]:
    return dict.fromkeys(range(number), triple)


GOOD, FAIR, BAD = (3, 0, 0), (2, 1, 1), (0, 1, 3)


def test_the_best_that_is_clearly_better_wins() -> None:
    one, two = labeller("one"), labeller("two")
    found = compared_with("none", counts(12, BAD), {one: counts(12, FAIR), two: counts(12, GOOD)}, 1)
    assert found["winner"] == two.version
    assert found["level"] == pytest.approx(0.975)
    assert [entry["f1"] for entry in found["measured"]] == pytest.approx([2 / 3, 1])
    first, second = sentences(found)
    assert "and another is better still" in first
    assert second.startswith("The dictionary two: F1 100.0 on 12 test documents, the model (none) 0.0 (difference +100")
    assert second.endswith("so it pre-labels the next batch")


@pytest.mark.parametrize(
    ("usual", "other", "documents"), [(GOOD, FAIR, 12), (FAIR, FAIR, 12), (BAD, GOOD, LEAST - 1), (BAD, GOOD, 0)]
)
def test_the_model_goes_on_where_it_is_not_clearly_worse_or_the_documents_are_too_few(
    usual: Triple, other: Triple, documents: int
) -> None:
    found = compared_with("none", counts(12, usual), {labeller("one"): counts(documents, other)}, 1)
    assert found["winner"] is None
    assert "it pre-labels" not in sentences(found)[0]


def test_the_difference_is_paired_by_document() -> None:
    """The same counts in every document have no spread, however different the documents are."""
    generator = np.random.default_rng(3)
    values = generator.integers(0, 5, size=(30, 3)).astype(np.float64)
    ours, theirs, low, high = paired_f1(np.stack([values, values]), 1, 0.95)
    assert (ours, low, high) == (theirs, 0, 0)


@pytest.mark.slow
def test_a_dictionary_that_beats_the_model_pre_labels_and_is_told(tmp_path: Path, tiny_encoder: Path) -> None:
    option = demo_dictionary(tmp_path / "diseases.tsv")
    project, _ = project_with(tmp_path / "trial", settings_for(tiny_encoder), dictionaries=[option], test=LEAST + 2)
    with project:
        first = project.round()
        measured: dict[str, Any] = first.step("compare").counts[MEASURED]
        assert measured["winner"] is None
        assert measured["measured"][0]["f1"] > 0.3
        second = project.round()
        measured = second.step("compare").counts[MEASURED]
        (version,) = {one["version"] for one in measured["measured"]}
        assert measured["winner"] == version
        assert measured["model"] == "rat"
        assert measured["measured"][0]["low"] > 0
        assert second.step("push").counts["pre_labels_of"] == "the dictionary diseases.tsv"
        # the model chooses, and is measured as before
        assert second.step("select").counts["strategy"] == "mnlp"
        with project.store.read() as session:
            assert list(models_of(session, 1)) == ["rat", "none"]
            (row,) = sources_of(session)
            assert row.version == version
            assert len(document_counts_of(session, version)) == LEAST + 2
            assert set(session.scalars(select(TaskRow.shown_version).where(TaskRow.role == "pool"))) == {version}
            assert "import" not in set(session.scalars(select(AnnotationRow.source)))
        status = project.status(ask_desk=False)
        why = "The dictionary diseases.tsv: F1 "
        for text in (status_text(status), round_text(second, status)):
            assert why in " ".join(text.split())
            assert "so it pre-labels the next batch" in " ".join(text.split())
        _, report = project.report(tmp_path / "report")
        assert report.overview is not None
        assert any(why in fact.detail for fact in report.overview.facts)
        # without the best, the model pre-labels
        project.settings = project.settings.model_copy(update={"dictionary": ()})
        third = project.round()
        assert "pre_labels_of" not in third.step("push").counts


@pytest.mark.slow
def test_a_file_that_lacks_a_document_of_the_batch_leaves_it_to_the_model(tmp_path: Path, tiny_encoder: Path) -> None:
    records = list(read_demo_corpus())
    path = predictions_of(tmp_path / "theirs.jsonl", records[18:32])
    project, _ = project_with(tmp_path / "trial", settings_for(tiny_encoder), pre_labels=[path], test=12)
    with project:
        project.round()
        report = project.round()
        assert report.step("compare").counts[MEASURED]["winner"] is not None
        counts_of_push = report.step("push").counts
        assert "pre_labels_of" not in counts_of_push
        assert any("would pre-label, but lacks" in one for one in counts_of_push["notices"])
        assert counts_of_push["pre_labelled"] == 6
