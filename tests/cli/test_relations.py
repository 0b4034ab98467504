"""A project with relations from the command line alone: three rounds with an oracle, status, prediction, export."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy import URL, func, select

from biorat_al.corpus.model.document import Record, Span
from biorat_al.corpus.reading import read_corpus
from biorat_al.project import Project
from biorat_al.store.database.engine import DATABASE_VARIABLE
from biorat_al.store.tables import PredictionRow, RelationEvaluationRow
from tests.support.commands import call, nowhere
from tests.support.rounds import demo_files, related_records

__all__ = ["nowhere"]


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest, nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets the project be made in each kind of database in turn."""
    if request.param == "postgres":
        url: URL = request.getfixturevalue("new_postgres_database")()
        monkeypatch.setenv(DATABASE_VARIABLE, url.render_as_string(hide_password=False))


def run(*words: str | Path) -> str:
    outcome = call(*words)
    assert (outcome.code, outcome.err) == (0, "")
    return outcome.out


def learn_fast(project: Path) -> None:
    file = project / "biorat.toml"
    text = file.read_text(encoding="utf-8")
    for before, after in (
        ("# min_steps = 450", "min_steps = 60"),
        ("[training]\n", "[training]\nlearning_rate = 0.005\n"),
        ("[relation_extraction]\n", "[relation_extraction]\nlearning_rate = 0.005\n"),
        ('arms = ["rat", "none"]', 'arms = ["rat"]'),
    ):
        assert before in text
        text = text.replace(before, after)
    file.write_text(text, encoding="utf-8")


def ends_of(record: Record) -> set[tuple[str, tuple[Span, ...], tuple[Span, ...]]]:
    """Return the label, head and tail of each relation."""
    assert record.annotation is not None
    spans = {entity.id: entity.spans for entity in record.annotation.entities}
    return {(one.label, spans[one.head], spans[one.tail]) for one in record.annotation.relations}


@pytest.mark.slow
@pytest.mark.usefixtures("database")
def test_relations_from_init_to_export(nowhere: Path, tiny_encoder: Path) -> None:
    documents, test = demo_files(nowhere.parent / "files", pool=24, test=6, records=related_records(30))
    project = nowhere / "trial"
    options = ["--documents", documents, "--test-documents", test, "--gold", "--desk", "oracle", "--size", "8"]
    labels = ["--entity", "Disease", "--entity", "Chemical", "--relation", "treats:Chemical:Disease"]
    assert "treats" in run("init", project, *options, *labels, "--encoder", tiny_encoder)
    learn_fast(project)
    texts = [run("round", "--project", project) for _ in range(3)]
    assert "relations; arms: rat" in texts[2]
    assert "farther apart than the window of sentences" in " ".join(texts[2].split())
    assert "relations between annotated mentions / end to end" in " ".join(texts[2].split())

    with Project.open(project) as opened, opened.store.read() as session:
        measured = session.scalars(
            select(func.sum(RelationEvaluationRow.true_positives)).group_by(RelationEvaluationRow.model_version)
        ).all()
        assert len(measured) == 2
        assert all(number > 0 for number in measured)
        kept = session.scalars(select(PredictionRow)).all()
    assert sum(len(row.relations) for row in kept) > 0
    for row in kept:
        ids = {entity["id"] for entity in row.entities}
        assert all({relation["head"], relation["tail"]} <= ids for relation in row.relations)

    status = json.loads(run("status", "--json", "--project", project))
    assert status["relation_level"] == "mention"
    assert status["relations"]["treats"] > 16
    f1 = status["rounds"][2]["relation_f1"]["rat"]
    assert f1["gold"]["mention"] > 0.5
    assert 0 < f1["predicted"]["document"] <= 1
    assert "relations rat" in run("status", "--project", project)

    gold = {record.document.id: record for record in related_records(30)}
    run("export", project.parent / "corpus.jsonl", "--format", "jsonl", "--project", project)
    exported = list(read_corpus([project.parent / "corpus.jsonl"]))
    assert len(exported) == 16 + 6
    assert [ends_of(record) for record in exported] == [ends_of(gold[record.document.id]) for record in exported]
    run("export", project.parent / "corpus", "--project", project)
    loaded = list(read_corpus([project.parent / "corpus"]))
    assert len(loaded) == 16 + 6
    assert [ends_of(record) for record in loaded] == [ends_of(gold[record.document.id]) for record in loaded]

    run("predict", documents, "--output", project.parent / "predicted.jsonl", "--project", project)
    predicted = list(read_corpus([project.parent / "predicted.jsonl"]))
    assert sum(len(ends_of(record)) for record in predicted) > 6
    assert run("report", "--project", project)
    assert "F1 of relations" in (project / "report" / "report.html").read_text(encoding="utf-8")
