"""Guidelines on their way from a file to the annotators and to the exported corpus."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from biorat_al.corpus.model.role import Role
from biorat_al.corpus.sources import Sources
from biorat_al.demo.corpus import GUIDELINES_FILE
from biorat_al.desk.base import DeskProject
from biorat_al.errors import SettingsError
from biorat_al.project import Project
from biorat_al.settings import Guidelines, project_guidelines, read_guidelines
from biorat_al.settings.guidelines import LONGEST
from biorat_al.store.tables import DocumentRow, TaskRow
from tests.support.commands import PUBTATOR, call, nowhere, one_sentence
from tests.support.rounds import PatientDesk, demo_files, make_project, patient, settings_for

__all__ = ["nowhere"]


class ReadingDesk(PatientDesk):
    """A desk that remembers which guidelines it was given."""

    def __init__(self, project: Project, *, empty: bool = False) -> None:
        super().__init__(project, empty=empty)
        self.shown: list[tuple[Role, Guidelines | None]] = []

    def prepare(self, role: Role, *arguments: Any, guidelines: Guidelines | None = None, **options: Any) -> DeskProject:
        self.shown.append((role, guidelines))
        return super().prepare(role, *arguments, **options)


@pytest.mark.parametrize(
    ("name", "content", "markdown"),
    [
        ("guide.md", "# Chemicals\n", True),
        ("GUIDE.MARKDOWN", "\ufeff# Chemicals\r\n", True),
        ("guide.txt", "# Chemicals\r\n", False),
    ],
)
def test_markdown_and_plain_text_are_read(tmp_path: Path, name: str, content: str, markdown: bool) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8", newline="")
    assert read_guidelines(tmp_path / name) == Guidelines("# Chemicals\n", markdown)


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("guide.pdf", b"%PDF-1.7", "neither Markdown (.md, .markdown) nor plain text (.txt, .text)"),
        ("guide", b"x", "neither Markdown"),
        ("guide.md", b"caf\xe9", "not UTF-8 (byte 3)"),
        ("guide.md", b" \n\t", "are empty"),
        ("guide.txt", b"a\0b", "null character"),
        ("guide.md", b"x" * (LONGEST + 1), "100,001 characters; the instruction in Label Studio takes at most 100,000"),
        ("guide.md", None, "cannot be read: No such file"),
    ],
)
def test_a_file_that_cannot_be_shown_is_refused(tmp_path: Path, name: str, content: bytes | None, told: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(SettingsError, match=re.escape(told)) as caught:
        read_guidelines(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_init_copies_them_into_the_project(nowhere: Path, tiny_encoder: Path) -> None:
    (nowhere / "documents.txt").write_text(PUBTATOR, encoding="utf-8")
    (nowhere / "Our rules v2.MD").write_text("# Chemicals\n\nMark *drugs*.\n", encoding="utf-8")
    words = ["--documents", "documents.txt", "--entity", "Disease", "--encoder", str(tiny_encoder)]
    assert call("init", "project", *words, "--ignore-label", "Chemical", "--guidelines", "Our rules v2.MD").code == 0
    settings = tomllib.loads((nowhere / "project" / "biorat.toml").read_text(encoding="utf-8"))
    assert settings["guidelines"] == "guidelines.md"
    with Project.open(nowhere / "project") as project:
        assert project_guidelines(project.folder, project.settings) == Guidelines("# Chemicals\n\nMark *drugs*.\n")


def test_init_refuses_guidelines_that_cannot_be_shown_and_leaves_nothing(nowhere: Path, tiny_encoder: Path) -> None:
    (nowhere / "documents.txt").write_text(PUBTATOR, encoding="utf-8")
    (nowhere / "rules.docx").write_bytes(b"PK\x03\x04")
    words = ["--documents", "documents.txt", "--entity", "Disease", "--encoder", str(tiny_encoder)]
    outcome = call("init", "project", *words, "--ignore-label", "Chemical", "--guidelines", "rules.docx")
    assert "rules.docx are neither Markdown" in one_sentence(outcome)
    assert not (nowhere / "project").exists()


@pytest.fixture
def guided(tmp_path: Path, tiny_encoder: Path) -> Project:
    """Return a project with guidelines."""
    project = make_project(tmp_path / "trial", settings_for(tiny_encoder, guidelines="guidelines.md"))
    (project.folder / "guidelines.md").write_text("Mark drugs.", encoding="utf-8")
    return project


@pytest.mark.slow
def test_annotators_of_pool_and_test_are_shown_them_as_they_are_at_each_round(guided: Project) -> None:
    desk = guided._desk = ReadingDesk(guided)
    with guided as project:
        desk.finish()
        project.round()
        (project.folder / "guidelines.md").write_text("Mark drugs, not foods.", encoding="utf-8")
        project.round()
        assert ("pool", Guidelines("Mark drugs.")) in desk.shown
        assert desk.shown[-1] == ("pool", Guidelines("Mark drugs, not foods."))


@pytest.mark.slow
def test_test_documents_that_wait_are_shown_newer_guidelines_too(tmp_path: Path, tiny_encoder: Path) -> None:
    pool, _ = demo_files(tmp_path / "documents", pool=20, gold=False)
    settings = settings_for(tiny_encoder, guidelines="guidelines.md", desk={"kind": "label-studio"})
    project, _, _ = Project.init(tmp_path / "trial", settings, Sources([pool], test_size=4))
    (project.folder / "guidelines.md").write_text("One.", encoding="utf-8")
    with project:
        desk = project._desk = ReadingDesk(project, empty=True)
        project.round()
        assert desk.shown == [("test", Guidelines("One.")), ("pool", Guidelines("One."))]
        with project.store.read() as session:
            asked = select(DocumentRow.key).join(TaskRow, TaskRow.document_id == DocumentRow.id)
            desk.finish(*session.scalars(asked.where(TaskRow.role == "pool")))
        (project.folder / "guidelines.md").write_text("Two.", encoding="utf-8")
        project.round()
        assert desk.shown[2:] == [("test", Guidelines("Two.")), ("pool", Guidelines("Two."))]


def test_a_round_does_not_begin_with_guidelines_that_are_gone(guided: Project) -> None:
    with guided as project:
        patient(project)
        (project.folder / "guidelines.md").unlink()
        with pytest.raises(SettingsError, match=r"guidelines\.md cannot be read"):
            project.round()
        assert project.status(ask_desk=False).rounds == ()


@pytest.mark.slow
def test_the_corpus_is_exported_with_the_projects_guidelines_unless_others_are_named(
    guided: Project, tmp_path: Path
) -> None:
    with guided as project:
        patient(project).finish()
        project.round()
        project.round()
        project.export(tmp_path / "corpus")
        assert (tmp_path / "corpus" / "guidelines" / "guidelines.md").read_text(encoding="utf-8") == "Mark drugs."
        card = (tmp_path / "corpus" / "README.md").read_text(encoding="utf-8")
        version = re.search(r"versions of the guidelines \(answers given under each\): (\w+) \((\d+)\)", card)
        assert version is not None
        assert version[1] == Guidelines("Mark drugs.").digest
        assert int(version[2]) > 0
        project.export(tmp_path / "corpus.jsonl", format="jsonl")
        (tmp_path / "guide.pdf").write_bytes(b"%PDF")
    outcome = call("export", tmp_path / "other", "--project", project.folder, "--guidelines", tmp_path / "guide.pdf")
    assert outcome.code == 0
    assert [path.name for path in (tmp_path / "other" / "guidelines").iterdir()] == ["guide.pdf"]


@pytest.mark.parametrize(
    ("text", "meanings"),
    [
        (
            "# Rules\n\nRead.\n\n## Disease\n\nA named *disease*, real or not. More.\n\n## Chemical\n\n## Gene\n\nx",
            {"Disease": "A named disease, real or not."},
        ),
        ("- **Disease**: a named disease.\n- *chemical* is a drug\n", {
            "Disease": "Disease: a named disease.", "Chemical": "chemical is a drug",
        }),
        ("**First.** *Disease* is one. Not *Chemical* here.", {"Disease": "Disease is one."}),
        ("No label. `Disease`", {}),
    ],
)  # fmt: skip
def test_what_a_label_means_is_found_below_its_heading_or_where_a_sentence_begins_with_it(
    text: str, meanings: dict[str, str]
) -> None:
    assert Guidelines(text).meanings(["Disease", "Chemical"]) == meanings


def test_in_plain_text_a_meaning_follows_a_colon() -> None:
    text = "Mark all.\nDisease: a named disease. More.\n - Chemical : a drug\nDisease: again"
    assert Guidelines(text, markdown=False).meanings(["Disease", "Chemical", "Gene"]) == {
        "Disease": "a named disease.",
        "Chemical": "a drug",
    }


@given(st.text(), st.booleans())
def test_meanings_of_any_text_are_short_and_on_one_line(text: str, markdown: bool) -> None:
    for meaning in Guidelines(text, markdown).meanings(["Disease", "a", "1"]).values():
        assert 0 < len(meaning) <= 300
        assert len(meaning.splitlines()) == 1


def test_the_demos_guidelines_say_what_its_labels_mean() -> None:
    meanings = read_guidelines(GUIDELINES_FILE).meanings(["Disease", "Chemical"])
    assert meanings["Disease"].startswith("Disease is a named disease, syndrome")
    assert meanings["Chemical"].startswith("Chemical is a named drug, compound")


@pytest.mark.parametrize(
    "text", ["Mark.\n<script>alert(1)</script>", "a\n< IFRAME src=x>", "a\n[x](javascript:alert(1))"]
)
def test_guidelines_with_scripts_are_refused_with_the_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "guide.md").write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match="hold a script or a foreign page") as caught:
        read_guidelines(tmp_path / "guide.md")
    assert "in line 2" in str(caught.value)
