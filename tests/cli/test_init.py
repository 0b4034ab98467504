"""``biorat-al init`` with bad input: a clear sentence, the right exit code, and nothing left behind."""

from __future__ import annotations

import gzip
import json
import os
import re
import shlex
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from biorat_al.corpus.sources import Sources
from biorat_al.errors import ProjectError
from biorat_al.project import Project, default_name, new_settings
from tests.support.commands import PUBTATOR, Outcome, call, call_process, everything_in, nowhere, one_sentence

__all__ = ["nowhere"]

BILLION_LAUGHS = """<?xml version="1.0"?>
<!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>
<collection><document><id>1</id><passage><offset>0</offset><text>&b;</text></passage></document></collection>
"""
READS_A_FILE = """<?xml version="1.0"?>
<!DOCTYPE x [<!ENTITY secret SYSTEM "file:///etc/passwd">]>
<collection><document><id>1</id><passage><offset>0</offset><text>&secret;</text></passage></document></collection>
"""

Init = Callable[..., Outcome]


@pytest.fixture
def init(nowhere: Path, tiny_encoder: Path) -> Init:
    """``init project`` with a very small encoder and both labels, unless others are named."""

    def init(documents: str | bytes | None = PUBTATOR, *words: str, name: str = "documents.txt") -> Outcome:
        if documents is not None:
            content = documents if isinstance(documents, bytes) else documents.encode()
            (nowhere / name).write_bytes(content)
        labels = [] if "--entity" in words else ["--entity", "Disease", "--entity", "Chemical"]
        encoder = [] if "--encoder" in words else ["--encoder", str(tiny_encoder)]
        return call("init", "project", "--documents", nowhere / name, *labels, *encoder, *words)

    return init


def broken(old: str, new: str) -> str:
    assert old in PUBTATOR
    return PUBTATOR.replace(old, new, 1)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("documents", "words", "code", "sentence"),
    [
        (None, [], 1, r"documents\.txt: there is no such file or folder"),
        (PUBTATOR, ["--format", "bioc-xml"], 1, r"documents\.txt: the file is PubTator, expected BioC"),
        (PUBTATOR, ["--format", "bratt"], 2, r"unknown format 'bratt'; known are bioc-json, jsonl, pubtator"),
        ("", [], 1, r"documents\.txt: the file is empty"),
        (b"\xff\xfe1\0|\0", [], 1, r"not UTF-8|tells the format"),
        (broken("Asthma is", "Asthma \xe9").encode("latin-1"), [], 1, r"byte 11 \(0xe9\) is not UTF-8"),
        (gzip.compress(PUBTATOR.encode())[:-20], [], 1, r"the gzip data is broken or cut off"),
        (
            broken("1\t18\t26\tNaloxone", "1\t19\t27\tNaloxone"),
            [],
            1,
            r"documents\.txt:4, document 1: the text at 19-27 is 'aloxone ', but the annotation says 'Naloxone'",
        ),
        (broken("1\t0\t6\tA", "1\t0\t600\tA"), [], 1, r"documents\.txt:3, document 1: .*0-600 is not inside"),
        (broken("1\t0\t6", "1\tzero\t6"), [], 1, r"documents\.txt:3, document 1: .*expected a mention"),
        ("<collection><document>", [], 1, r"documents\.txt:1: not well-formed XML"),
        ('{"id": "1", "text": "x", "entites": []}\n', [], 1, r"documents\.txt:1, document 1: .*entites"),
        ('{"id": "1", "text": "x"}\n{"id": "1"', [], 1, r"documents\.txt:2: "),
        (PUBTATOR.replace("2|", "1|").replace("2\t", "1\t", 1), [], 1, r"document 1: this id was read before"),
        (PUBTATOR, ["--gold", "--entity", "Disease"], 1, r"not asked for: Chemical \(1 mention\); .*--ignore-label"),
        (
            PUBTATOR,
            ["--gold", "--entity", "Disease", "--entity", "Chemical", "--entity", "Gene"],
            1,
            r"no document has the label 'Gene'; the labels in the documents are 'Chemical', 'Disease'",
        ),
        (PUBTATOR, ["--entity", "Disease", "--entity", "disease"], 2, r"'Disease' and 'disease' differ by case only"),
        (PUBTATOR, ["--entity", "=Disease"], 2, "--entity '=Disease': the label is empty"),
        (PUBTATOR, ["--relation", "CID:Chemical"], 2, r"'CID:Chemical' is not of the form NAME:HEAD:TAIL"),
        (
            PUBTATOR,
            ["--relation", "CID:Chemical:Gene"],
            2,
            r"'CID' joins 'Gene', which is not one of the entity labels",
        ),
        (PUBTATOR, ["--symmetric", "CID"], 2, r"'CID' is to be symmetric, but is not one of the relations"),
        (PUBTATOR, ["--relation-level", "document"], 2, r"no relations to be learnt: add --relation"),
        (
            PUBTATOR,
            ["--relation", "CID:Chemical:Disease", "--relation-window", "0"],
            2,
            r"number of sentences from 1, or document; not '0'",
        ),
        (PUBTATOR, ["--relation", "x:Chemical:Disease", "--relation", "x:Chemical:Disease"], 2, r"given twice"),
        (PUBTATOR, ["--name", "two words"], 2, r"a project's name has up to 40 letters"),
        (PUBTATOR, ["--strategy", "oracle"], 2, r"no query strategy 'oracle'; there are: .*mnlp"),
        (PUBTATOR, ["--test-size", "2"], 2, r"a test set of 2 documents leaves nothing of the 2"),
        (PUBTATOR, ["--test-size", "1", "--test-documents", "documents.txt"], 2, r"exclude each other"),
        (PUBTATOR, ["--test-documents", "absent.txt"], 1, r"absent\.txt: there is no such file"),
        (PUBTATOR, ["--test-documents", "documents.txt"], 1, r"no document is left for the pool"),
        (PUBTATOR, ["--desk", "oracle"], 2, r"add --gold"),
        ("1|t|Asthma.\n1|a|None.\n\n", ["--desk", "oracle", "--gold"], 1, r"1 of the 1 documents come without"),
        ("1|t|Asthma.\n1|a|None.\n\n", ["--gold"], 1, r"leave --gold out"),
        (
            PUBTATOR,
            ["--encoder", "./absent"],
            1,
            r"there is no folder \./absent with an encoder\. Without a network, give",
        ),
        (
            PUBTATOR,
            ["--database", "postgresql://me:sesame@localhost/x"],
            2,
            r"BIORAT_DATABASE_URL and leave --database out",
        ),
        (PUBTATOR, ["--database", "mysql://localhost/x"], 2, r"database kind 'mysql' is not known"),
        (PUBTATOR, ["--database", "postgresql://127.0.0.1:1/x"], 1, r"postgresql.*127\.0\.0\.1:1/x cannot be used"),
    ],
)
def test_bad_input_is_named_and_leaves_nothing(
    init: Init, nowhere: Path, documents: str | bytes | None, words: list[str], code: int, sentence: str
) -> None:
    line = one_sentence(init(documents, *words), code)
    assert re.search(sentence, line), line
    assert "sesame" not in line
    assert everything_in(nowhere) == (set() if documents is None else {"documents.txt"})


@pytest.mark.parametrize("content", [BILLION_LAUGHS, READS_A_FILE])
def test_xml_that_would_do_harm_is_refused(init: Init, nowhere: Path, content: str) -> None:
    line = one_sentence(init(content, name="documents.xml"))
    assert re.search(r"documents\.xml:2: it declares or refers to an XML entity .*; entities are refused", line), line
    assert everything_in(nowhere) == {"documents.xml"}


def test_a_mention_off_its_place_can_be_left_out_and_is_counted(init: Init, nowhere: Path) -> None:
    outcome = init(broken("1\t18\t26\tNaloxone", "1\t19\t27\tNaloxone"), "--skip-invalid")
    assert (outcome.code, outcome.err) == (0, "")
    assert "1 mention left out: the text does not match the offsets" in outcome.out
    assert "the text at 19-27 is 'aloxone ', but the annotation says 'Naloxone'" in outcome.out
    assert "mentions  Disease 2" in outcome.out


def test_relations_are_kept_in_the_settings_and_counted(init: Init, nowhere: Path) -> None:
    documents = PUBTATOR.replace("\n\n", "\n1\tCID\tD1\tD2\n1\tcures\tD1\tD2\n\n", 1)
    words = ["--relation", "CID:Chemical:Disease", "--relation", "with:Chemical:Chemical", "--symmetric", "with"]
    outcome = init(documents, *words, "--relation-level", "document", "--relation-window", "document")
    assert (outcome.code, outcome.err) == (0, "")
    assert "relations CID 1, cures 1; kept aside: cures 1" in outcome.out
    with Project.open(nowhere / "project") as project:
        settings = project.settings
    assert [(r.name, r.head, r.tail, r.symmetric) for r in settings.relations] == [
        ("CID", "Chemical", "Disease", False),
        ("with", "Chemical", "Chemical", True),
    ]
    assert (settings.relation_extraction.level, settings.relation_extraction.window) == ("document", "document")


def test_a_relative_folder_with_an_encoder_is_kept_as_an_absolute_one(
    init: Init, nowhere: Path, tiny_encoder: Path
) -> None:
    relative = os.path.relpath(tiny_encoder, nowhere)
    assert init(PUBTATOR, "--encoder", relative).code == 0
    with Project.open(nowhere / "project") as project:
        assert Path(project.settings.encoder.name) == tiny_encoder


def test_a_folder_without_an_encoder_is_named(init: Init, nowhere: Path) -> None:
    (nowhere / "empty").mkdir()
    line = one_sentence(init(PUBTATOR, "--encoder", "empty"))
    assert re.search(r"the folder .*empty does not hold an encoder that can be loaded", line), line
    assert everything_in(nowhere) == {"documents.txt", "empty"}


@pytest.mark.slow
def test_an_encoder_that_cannot_be_downloaded_is_named_with_a_way_out(nowhere: Path) -> None:
    (nowhere / "documents.txt").write_text(PUBTATOR, encoding="utf-8")
    words = ["init", "project", "--documents", "documents.txt", "--entity", "Disease", "--encoder", "nobody/nothing"]
    line = one_sentence(call_process(*words, HF_HUB_OFFLINE="1", HF_HOME=str(nowhere.parent / "hub")))
    assert re.search(r"nobody/nothing.* is not on this machine and could not be downloaded\. .*minilm", line), line
    assert everything_in(nowhere) == {"documents.txt"}


@pytest.mark.parametrize("kind", ["file", "folder with something in it", "below a file"])
def test_what_is_there_is_not_touched(init: Init, nowhere: Path, kind: str) -> None:
    place = nowhere / "project"
    if kind == "folder with something in it":
        place.mkdir()
        (place / "notes.txt").write_text("mine", encoding="utf-8")
    else:
        place.write_text("mine", encoding="utf-8")
    before = everything_in(nowhere)
    if kind == "below a file":
        (nowhere / "documents.txt").write_text(PUBTATOR, encoding="utf-8")
        settings = new_settings(
            "x", ["Disease"], encoder="minilm", database=None, desk="label-studio", seed=1, size=1, strategy="mnlp"
        )
        with pytest.raises(ProjectError, match=r"cannot be made: .*; name another one"):
            Project.init(place / "inner", settings, Sources([nowhere / "documents.txt"]))
    else:
        assert re.search("project already exists; choose another name", one_sentence(init()))
    assert everything_in(nowhere) == before | {"documents.txt"}


def test_an_empty_folder_becomes_the_project_and_stays_the_same_folder(
    init: Init, nowhere: Path, monkeypatch: pytest.MonkeyPatch, tiny_encoder: Path
) -> None:
    (nowhere / "documents.txt").write_text(PUBTATOR, encoding="utf-8")
    place = nowhere / "project"
    place.mkdir()
    number = place.stat().st_ino
    monkeypatch.chdir(place)
    assert (
        call("init", ".", "--documents", "../documents.txt", "--entity", "Disease", "--encoder", tiny_encoder).code == 0
    )
    assert place.stat().st_ino == number
    assert everything_in(place) == {"biorat.toml", "biorat.sqlite3", "models", ".gitignore"}
    # who stands in it can go on at once
    assert call("status").code == 0


def test_an_empty_folder_is_empty_after_a_failure(init: Init, nowhere: Path) -> None:
    (nowhere / "project").mkdir()
    one_sentence(init(broken("1\t0\t6", "1\t1\t7")))
    assert everything_in(nowhere) == {"documents.txt", "project"}


def test_folders_above_the_project_are_made_and_removed_again(nowhere: Path, tiny_encoder: Path) -> None:
    (nowhere / "documents.txt").write_text(broken("1\t0\t6", "1\t1\t7"), encoding="utf-8")
    words = ["init", "a/b/project", "--documents", "documents.txt", "--entity", "Disease", "--encoder", tiny_encoder]
    one_sentence(call(*words))
    assert everything_in(nowhere) == {"documents.txt"}
    assert call(*words, "--skip-invalid").code == 0
    assert (nowhere / "a" / "b" / "project" / "biorat.toml").is_file()


def test_ctrl_c_while_reading_leaves_nothing(init: Init, nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*words: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("biorat_al.store.creation.import_documents", interrupt)
    outcome = init()
    assert outcome.code == 130
    assert "Interrupted" in outcome.err
    assert everything_in(nowhere) == {"documents.txt"}


def test_a_duplicate_is_read_once_and_reported(init: Init) -> None:
    outcome = init(PUBTATOR + PUBTATOR)
    assert outcome.code == 0
    assert "2 duplicates with the same text, read once: 1 (" in " ".join(outcome.out.split())
    assert "pool      2 documents" in outcome.out


def test_labels_can_be_merged_and_ignored(init: Init, nowhere: Path) -> None:
    outcome = init(PUBTATOR, "--gold", "--entity", "Thing=Disease, Chemical")
    assert "mentions  Chemical 1, Disease 2" in outcome.out
    status = json.loads(call("status", "--json", "--project", nowhere / "project").out)
    assert status["mentions"] == {"Thing": 3}


def test_an_ignored_label_is_named(init: Init) -> None:
    outcome = init(PUBTATOR, "--gold", "--entity", "Disease", "--ignore-label", "Chemical")
    assert outcome.code == 0
    assert "ignored   Chemical 1" in outcome.out


def test_what_a_folder_holds_besides_is_reported(init: Init, nowhere: Path) -> None:
    folder = nowhere / "corpus"
    folder.mkdir()
    (folder / "a.pubtator").write_text(PUBTATOR, encoding="utf-8")
    (folder / "picture.png").write_bytes(b"\x89PNG")
    outcome = init(None, name="corpus")
    assert outcome.code == 0
    assert "1 file not read:" in outcome.out
    assert "picture.png: " in outcome.out


def test_the_next_command_can_be_copied_whatever_the_folder_is_called(nowhere: Path, tiny_encoder: Path) -> None:
    (nowhere / "documents.txt").write_text(PUBTATOR, encoding="utf-8")
    words = ["--documents", "documents.txt", "--entity", "Disease", "--encoder", tiny_encoder]
    outcome = call("init", "Müller's project", *words)
    last = outcome.out.splitlines()[-1].removeprefix("Next: ")
    assert shlex.split(last) == ["cd", str(nowhere / "Müller's project"), "&&", "biorat-al", "round"]
    assert outcome.out.startswith("Project Muller-s-project is ready in ")


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("trial", "trial"),
        ("my project", "my-project"),
        ("Übung №1", "Ubung-No1"),
        ("病", "project"),
        ("x" * 60, "x" * 40),
    ],
)
def test_a_project_is_named_after_its_folder(folder: str, name: str) -> None:
    assert default_name(Path("/somewhere") / folder) == name


def test_a_project_gets_a_database_of_its_own_revision(init: Init, nowhere: Path) -> None:
    init()
    database = sqlite3.connect(nowhere / "project" / "biorat.sqlite3")
    with database:
        database.execute("UPDATE alembic_version SET version_num = 'ffff'")
    database.close()
    for words in (["status"], ["round"], ["export", "out"], ["db", "upgrade"]):
        line = one_sentence(call(*words, "--project", nowhere / "project"))
        assert re.search(
            r"newer version of biorat-al \(its revision ffff is not known here\); upgrade the program", line
        ), line
    assert not (nowhere / "out").exists()


def test_a_file_of_abstracts_is_split_or_said_to_be_one_document(init: Init, nowhere: Path) -> None:
    abstracts = "".join(f"Asthma {number} is common.\n" for number in range(30))
    outcome = init(abstracts, "--split", "lines")
    assert (outcome.code, outcome.err) == (0, "")
    assert "pool      27 documents" in outcome.out
    assert "Note" not in outcome.out
    (nowhere / "project").rename(nowhere / "first")
    outcome = init(abstracts)
    assert outcome.code == 0
    assert "pool      1 document\n" in outcome.out
    text = " ".join(outcome.out.split())
    assert "documents.txt is read as 1 document of 30 lines; if each is a document, add --split lines," in text


def test_a_table_with_a_header_has_no_document_called_pmid(init: Init) -> None:
    rows = "".join(f"90{number}\tAsthma {number}.\tIt is common.\n" for number in range(20))
    outcome = init("pmid\ttitle\tabstract\n" + rows, name="abstracts.tsv")
    assert (outcome.code, outcome.err) == (0, "")
    assert "pool      18 documents" in outcome.out


def test_identifiers_are_not_made_a_project(init: Init, nowhere: Path) -> None:
    line = one_sentence(init("31000001\n31000002\n"))
    assert re.search(r"documents\.txt: it holds identifiers alone, no texts; on PubMed, save the articles", line), line
    assert everything_in(nowhere) == {"documents.txt"}


def test_documents_with_the_text_of_a_test_document_are_counted_once(nowhere: Path, tiny_encoder: Path) -> None:
    """``init`` told of a pool of -17 documents, and ``status`` of one."""
    same = "".join(f"{number}|t|Asthma is common.\n{number}|a|It is treated.\n\n" for number in range(20))
    (nowhere / "documents.txt").write_text(same + "20|t|Croup is rare.\n20|a|It is treated.\n\n", encoding="utf-8")
    words = ["--documents", "documents.txt", "--entity", "Disease", "--test-size", "2", "--encoder", tiny_encoder]
    outcome = call("init", "trial", *words)
    assert outcome.code == 0
    # two of the twenty are drawn
    assert re.search(r"^  pool +1 document$", outcome.out, re.MULTILINE), outcome.out
    assert re.search(r"^  test set +2 documents, held out$", outcome.out, re.MULTILINE)
    assert "18 documents left out: a test document has the same text" in outcome.out
    assert "1 document: 0 annotated" in call("status", "--project", "trial").out


def test_a_dictionary_and_predictions_are_taken_and_told(init: Init, nowhere: Path) -> None:
    (nowhere / "names.tsv").write_text("hypertension\tMESH:D006973\n5\n", encoding="utf-8")
    (nowhere / "theirs.txt").write_text(PUBTATOR, encoding="utf-8")
    done = init(PUBTATOR, "--dictionary", "names.tsv=Disease", "--pre-labels", "theirs.txt", "--test-size", "0")
    assert done.code == 0, done.err
    said = " ".join(done.out.split())
    assert "pre-labels theirs.txt (" in said
    assert "dictionary names.tsv (1 name, as Disease)" in said
    assert "Left out of names.tsv: 1 names of fewer than two characters, or without a letter" in said
    kept = sorted(path.name for path in (nowhere / "project" / "pre-labels").iterdir())
    assert kept == ["1-theirs.jsonl", "2-names.tsv", "files.json"]


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["--dictionary", "names.tsv"], 2, "say which label its names have: names.tsv=Disease"),
        (["--dictionary", "names.tsv=Gene"], 2, "'Gene' is not one of the labels Disease, Chemical"),
        (["--dictionary", "broken.tsv=Disease"], 1, r"broken\.tsv:1: the line has 3 columns"),
        (["--pre-labels", "none.txt"], 2, "there is no such file or folder"),
    ],
)
def test_what_cannot_pre_label_leaves_no_project(
    init: Init, nowhere: Path, words: list[str], code: int, sentence: str
) -> None:
    (nowhere / "names.tsv").write_text("gout\n", encoding="utf-8")
    (nowhere / "broken.tsv").write_text("gout\tMESH:1\tDisease\n", encoding="utf-8")
    done = init(PUBTATOR, *words)
    assert done.code == code
    assert re.search(sentence, done.err)
    assert not (nowhere / "project").exists()


def test_init_counts_the_records_that_are_a_title(init: Init) -> None:
    outcome = init(PUBTATOR + "".join(f"{number}|t|Letter {number}.\n{number}|a|\n\n" for number in range(5, 9)))
    assert outcome.code == 0
    said = " ".join(outcome.out.split())
    assert "4 documents consist of a title alone, which you may want to leave out: 5, 6, 7 " in said
