"""The tutorial does what it says: its commands run, in order, with somebody who annotates in a real Label Studio."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from biorat_al.corpus.model.document import Annotation, Record
from biorat_al.demo.annotator import annotate_open_tasks
from biorat_al.demo.corpus import read_demo_corpus
from biorat_al.desk.labelstudio.connection import Connection
from biorat_al.desk.labelstudio.local_server.installation import VENV_VARIABLE
from biorat_al.desk.labelstudio.local_server.server import HOME_VARIABLE, LocalServer
from biorat_al.project import Project
from tests.support.commands import VARIABLES, be_quick, call
from tests.support.labelstudio import make_server

PAGE = Path(__file__).parent.parent / "docs" / "tutorial.md"

_PARTS = re.compile(
    r"(?P<skipped><!-- not run by the test: [^\n]*-->\n)?```(?P<language>sh|python|text)\n(?P<body>.*?)^```$"
    r"|<!-- (?P<annotate>annotate): all open tasks -->",
    re.DOTALL | re.MULTILINE,
)


def steps(page: str) -> Iterator[tuple[str, str]]:
    """What somebody who follows the page does, in order: commands, Python, annotating, and what the page shows."""
    for part in _PARTS.finditer(page):
        if part["annotate"]:
            yield "annotate", ""
        elif part["language"] != "sh":
            yield part["language"], part["body"]
        elif not part["skipped"]:
            for line in part["body"].replace("\\\n", " ").splitlines():
                yield "sh", line


def write_medline(path: Path, records: list[Record], first: int) -> dict[str, Annotation]:
    """Write records as PubMed does, and return their annotations by PMID."""
    answers = {}
    with path.open("w", encoding="utf-8") as file:
        for number, record in enumerate(records, start=first):
            title, abstract = (record.document.text[one.start : one.end] for one in record.document.passages)
            file.write(f"PMID- {number}\nTI  - {title}\nAB  - {abstract}\n\n")
            answers[str(number)] = record.annotation or Annotation()
    return answers


@pytest.fixture
def reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Somebody who has installed the program and has two files from PubMed."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    home = tmp_path / "home"
    make_server(home)  # with its database already made, which a first start takes half a minute for
    monkeypatch.setenv(VENV_VARIABLE, str(LocalServer().installation.folder))
    monkeypatch.setenv(HOME_VARIABLE, str(home))
    place = tmp_path / "work"
    place.mkdir()
    monkeypatch.chdir(place)
    yield place
    LocalServer().stop()


@pytest.mark.slow(100)
@pytest.mark.labelstudio
def test_the_tutorial_leads_from_a_file_of_abstracts_to_a_corpus(reader: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    records = list(read_demo_corpus())
    answers = write_medline(reader / "pubmed-set.txt", records[:55], 31000001)
    write_medline(reader / "more-abstracts.txt", records[160:165], 32000001)
    output, annotated = "", []
    for kind, text in steps(PAGE.read_text(encoding="utf-8")):
        if kind == "annotate":
            annotated.append(annotate(reader / "my-project", answers))
        elif kind == "python":
            exec(compile(text, str(PAGE), "exec"), {"__name__": "tutorial"})
        elif kind == "text":
            # the first word of each line: names of steps and of what is listed
            assert words(text) <= words(output)
        elif text.startswith("cd "):
            monkeypatch.chdir(text.removeprefix("cd "))
            be_quicker(Path.cwd())
        else:
            program, *arguments = shlex.split(text)
            assert program == "biorat-al"
            outcome = call(*arguments)
            assert outcome.code == 0, (text, outcome)
            output = outcome.out
    assert annotated == [20 + 10, 20]
    project = reader / "my-project"
    assert (project / "report" / "report.html").is_file()
    assert len((project / "predicted.jsonl").read_text(encoding="utf-8").splitlines()) == 5
    with Project.open(project) as opened:
        assert opened.status(ask_desk=False).labelled == {"pool": 40, "segment": 0, "test": 10}


def be_quicker(project: Path) -> None:
    """Shorten the rounds by editing the settings: one arm, large batches, and no measure of robustness."""
    be_quick(project)
    file = project / "biorat.toml"
    text = file.read_text(encoding="utf-8")
    for before, after in (
        ('arms = ["rat", "none"]', 'arms = ["rat"]'),
        ("batch_size = 4", "batch_size = 16"),
        ("robustness = true", "robustness = false"),
    ):
        assert before in text
        text = text.replace(before, after)
    file.write_text(text, encoding="utf-8")


def annotate(folder: Path, answers: dict[str, Annotation]) -> int:
    """Answer every open task, in both projects; return how many there were."""
    server = LocalServer()
    info, credentials = server.status(), server.credentials()
    assert info is not None
    assert credentials is not None
    connection = Connection(info.url, credentials.token)
    with Project.open(folder) as project:
        urls = project.status(ask_desk=False).urls.values()
    references = [url.rstrip("/").rpartition("/")[2] for url in urls]
    return sum(annotate_open_tasks(connection, reference, answers.__getitem__) for reference in references)


def words(text: str) -> set[str]:
    """Return the first word of each line."""
    return {line.split()[0] for line in text.splitlines() if line.strip()}
