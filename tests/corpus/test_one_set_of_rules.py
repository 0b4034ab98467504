"""What convert or init refuses, validate calls wrong; what validate finds nothing in, both read without a loss.

Each case is a folder of a few invented files with one fault, or none.
"""

from __future__ import annotations

import contextlib
import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from biorat_al.corpus.convert import convert_corpus
from biorat_al.corpus.formats.base import ReadOptions, ReadReport
from biorat_al.corpus.reading import read_with
from biorat_al.corpus.validate import Validation, validate_corpus
from biorat_al.errors import CorpusError
from biorat_al.settings import make_settings
from biorat_al.store.database.engine import database_url
from biorat_al.store.documents import ImportReport, import_documents
from biorat_al.store.store import Store, add_project
from tests.corpus.formats.bigbio.test_reading import row, written

TEXT = "Zalvorin calms Trexel syndrome."
GOOD = {
    "id": "1",
    "text": TEXT,
    "entities": [
        {"id": "T1", "label": "Chemical", "spans": [[0, 8]], "text": "Zalvorin"},
        {"id": "T2", "label": "Disease", "spans": [[15, 30]], "text": "Trexel syndrome"},
    ],
    "relations": [{"id": "R1", "label": "treats", "head": "T1", "tail": "T2"}],
}
PUBTATOR = f"1|t|{TEXT}\n1|a|It is rare.\n1\t0\t8\tZalvorin\tChemical\tD900001\n"
ANN = "T1\tChemical 0 8\tZalvorin\nT2\tDisease 15 30\tTrexel syndrome\nR1\ttreats Arg1:T1 Arg2:T2\n"
REGION = {"id": "a", "type": "labels", "value": {"start": 0, "end": 8, "labels": ["Chemical"]}}
TASK = {"id": 1, "data": {"text": TEXT}, "annotations": [{"result": [REGION]}]}
MEDLINE = "PMID- 1\nTI  - Zalvorin.\n\nPMID- 2\nTI  - Gout.\n"
PUBMED = (
    "<PubmedArticleSet><PubmedArticle><MedlineCitation><PMID>1</PMID><Article><ArticleTitle>Zalvorin.</ArticleTitle>"
    "</Article></MedlineCitation></PubmedArticle></PubmedArticleSet>"
)
DDI = '<document id="d"><sentence id="d.s0" text="Zalvorin."><entity id="d.s0.e0" charOffset="0-7" type="drug" text="Zalvorin"/></sentence></document>'  # noqa: E501
CHEMPROT = {
    "x_abstracts.tsv": "1\tZalvorin hits QRX1.\tIt is rare.\n",
    "x_entities.tsv": "1\tT1\tCHEMICAL\t0\t8\tZalvorin\n1\tT2\tGENE-Y\t14\t18\tQRX1\n",
    "x_relations.tsv": "1\tCPR:4\tY \tINHIBITOR\tArg1:T1\tArg2:T2\n",
}


def lines(*values: dict[str, Any]) -> str:
    return "".join(json.dumps(value) + "\n" for value in values)


def with_part(kind: str, position: int, **changes: Any) -> dict[str, Any]:
    """Return the good document with one mention or relation changed; None takes a key out."""
    items = [dict(item) for item in GOOD[kind]]  # type: ignore[union-attr]
    items[position] = {key: value for key, value in (items[position] | changes).items() if value is not None}
    return GOOD | {kind: items}


def bioc(node: str = "T2", place: int = 0) -> str:
    return json.dumps(
        {
            "source": "", "date": "", "key": "", "infons": {},
            "documents": [
                {
                    "id": "1", "infons": {},
                    "passages": [
                        {
                            "offset": 0, "infons": {"type": "title"}, "text": TEXT,
                            "annotations": [
                                {"id": "T1", "infons": {"type": "Chemical"}, "text": "Zalvorin",
                                 "locations": [{"offset": place, "length": 8}]},
                                {"id": "T2", "infons": {"type": "Disease"}, "text": "Trexel syndrome",
                                 "locations": [{"offset": 15, "length": 15}]},
                            ],
                        }
                    ],
                    "relations": [
                        {"id": "R1", "infons": {"type": "treats"},
                         "nodes": [{"refid": "T1", "role": "a"}, {"refid": node, "role": "b"}]}
                    ],
                }
            ],
        }
    )  # fmt: skip


CASES: dict[str, dict[str, str]] = {
    "jsonl": {"a.jsonl": lines(GOOD, GOOD | {"id": "2"})},
    "a mention of another text": {"a.jsonl": lines(with_part("entities", 0, text="Zalvorine"))},
    "a mention without a label": {"a.jsonl": lines(with_part("entities", 0, label=""), GOOD | {"id": "2"})},
    "a mention without a label key": {"a.jsonl": lines(with_part("entities", 0, label=None), GOOD | {"id": "2"})},
    "a mention outside of the text": {"a.jsonl": lines(with_part("entities", 1, spans=[[15, 99]], text=None))},
    "two mentions of one id": {"a.jsonl": lines(with_part("entities", 1, id="T1"))},
    "a score of two": {"a.jsonl": lines(with_part("entities", 1, score=2))},
    "a relation to nothing": {"a.jsonl": lines(with_part("relations", 0, tail="T9"))},
    "a relation without a label": {"a.jsonl": lines(with_part("relations", 0, label=""))},
    "passages that overlap": {
        "a.jsonl": lines(
            GOOD | {"passages": [{"kind": "x", "start": 0, "end": 9}, {"kind": "y", "start": 5, "end": 31}]}
        )
    },
    "an unfinished line": {"a.jsonl": lines(GOOD) + '{"id": "2", "text": "Gou'},
    "an empty id": {"a.jsonl": lines(GOOD, GOOD | {"id": " "})},
    "nulls": {"a.jsonl": lines(GOOD | {"metadata": None, "relations": None, "passages": None})},
    "one id with two texts": {"a.jsonl": lines(GOOD, {"id": "1", "text": "Gout."})},
    "a document twice": {"a.jsonl": lines(GOOD, GOOD)},
    "a text without characters": {"a.jsonl": lines({"id": "1", "text": ""})},
    "a NUL": {"a.jsonl": lines({"id": "1", "text": "a\0b"})},
    "a NUL in an id": {"a.jsonl": lines({"id": "a\0b", "text": "ab"})},
    "half a surrogate pair": {"a.jsonl": '{"id": "1", "text": "a\\ud800b"}\n'},
    "labels that look alike": {"a.jsonl": lines(GOOD, with_part("entities", 0, label="chemical") | {"id": "2"})},
    "labels that are joined": {"a.jsonl": lines(with_part("entities", 0, label="T109,T121"))},
    "pubtator": {"a.txt": PUBTATOR},
    "pubtator, another text": {"a.txt": PUBTATOR.replace("\t8\t", "\t7\t")},
    "pubtator, an unfinished line": {"a.txt": PUBTATOR + "1\t0\n"},
    "pubtator, a line of another": {"a.txt": PUBTATOR + "2\t0\t8\tZalvorin\tChemical\tD1\n"},
    "bioc-json": {"a.json": bioc()},
    "bioc-json, a relation to nothing": {"a.json": bioc("T9")},
    "bioc-json, another text": {"a.json": bioc(place=1)},
    "brat": {"1.txt": TEXT, "1.ann": ANN},
    "brat, another text": {"1.txt": TEXT, "1.ann": ANN.replace("0 8", "0 7")},
    "brat, an unfinished line": {"1.txt": TEXT, "1.ann": ANN + "T3\tChem"},
    "brat, a relation to nothing": {"1.txt": TEXT, "1.ann": ANN.replace("Arg2:T2", "Arg2:T9")},
    "brat, two of one name": {"x/1.txt": TEXT, "x/1.ann": ANN, "y/1.txt": "Gout.", "y/1.ann": ""},
    "files that are not read": {"1.txt": TEXT, "1.ann": ANN, "notes.docx": "mine"},
    "conll": {"a.conll": "-DOCSTART-\t1\n\nZalvorin\tB-Chemical\ncalms\tO\n"},
    "conll, a tag that is none": {"a.conll": "-DOCSTART-\t1\n\nZalvorin\tB-Chemical\ncalms\tX?\n"},
    "label-studio": {"a.json": json.dumps([TASK])},
    "label-studio, a region of another text": {
        "a.json": json.dumps([TASK]).replace('"labels":', '"text": "x", "labels":')
    },
    "label-studio, a task without a text": {"a.json": json.dumps([TASK, {"id": 2, "data": {"a": "x", "b": "y"}}])},
    "label-studio, predictions": {"a.json": json.dumps([TASK | {"predictions": [{"result": []}]}])},
    "label-studio, a page": {"a.json": json.dumps({"tasks": [TASK], "total": 9})},
    "plain text": {"a.txt": TEXT},
    "plain text, many lines": {"a.txt": f"{TEXT}\nGout.\n"},
    "plain text, a NUL": {"a.txt": "a\0b"},
    "identifiers": {"a.txt": "31000001\n31000002\n"},
    "medline": {"a.txt": MEDLINE},
    "medline, no pmid": {"a.txt": MEDLINE + "\nTI  - Flu.\n"},
    "medline, no text": {"a.txt": MEDLINE + "\nPMID- 3\nSO  - x\n"},
    "pubmed-xml": {"a.xml": PUBMED},
    "pubmed-xml, no pmid": {"a.xml": PUBMED.replace("<PMID>1</PMID>", "")},
    "pubmed-xml, cut off": {"a.xml": PUBMED[:-20]},
    "table": {"a.tsv": "pmid\ttitle\tabstract\n1\tZalvorin.\tIt calms.\n"},
    "table, further columns": {"a.csv": "pmid,title,year\n1,Zalvorin.,2024\n"},
    "table, a short row": {"a.csv": "pmid,title,abstract\n1,Zalvorin.,It calms.\n2,Gout.\n"},
    "table, no names": {"a.csv": "1,Zalvorin.,It calms.\n"},
    "ddi": {"a.xml": DDI},
    "ddi, another text": {"a.xml": DDI.replace("0-7", "0-6")},
    "chemprot": CHEMPROT,
    "chemprot, no abstract": CHEMPROT | {"x_entities.tsv": "2\tT1\tCHEMICAL\t0\t8\tZalvorin\n"},
    "json of others": {"a.jsonl": lines({"id": 1, "text": TEXT, "label": [[0, 8, "x"]]})},
    "json of others beside ours": {"a.jsonl": lines(GOOD), "b.jsonl": lines({"id": 1, "text": TEXT, "label": []})},
    "several formats": {"a.jsonl": lines(GOOD), "b.txt": PUBTATOR},
    "nothing to read": {"a.docx": "x"},
    "an empty file": {"a.jsonl": ""},
}

RECORDS: dict[str, list[dict[str, Any]]] = {
    "bigbio": [row()],
    "bigbio, another text": [
        row(relations=[], coreferences=[], events=[], entities=[row()["entities"][1] | {"text": ["two"]}])
    ],
    "bigbio, null concepts": [row(entities=[item | {"normalized": None} for item in row()["entities"]])],
    "bigbio, null relations": [row(relations=None, events=None, coreferences=None)],
    "bigbio, a null label": [row(entities=[row()["entities"][0] | {"type": None}, row()["entities"][1]])],
    "bigbio, an empty label": [row(entities=[row()["entities"][0] | {"type": ""}, row()["entities"][1]])],
    "bigbio, a null concept": [
        row(entities=[row()["entities"][0] | {"normalized": [{"db_name": None, "db_id": "1"}]}, row()["entities"][1]])
    ],
    "bigbio, a relation to nothing": [row(relations=[row()["relations"][0] | {"arg2_id": "9"}])],
    "bigbio, a null end": [row(relations=[row()["relations"][0] | {"arg2_id": None}])],
    "bigbio, a null trigger": [row(events=[row()["events"][0] | {"trigger": None}])],
    "bigbio, a null passage": [row(passages=[row()["passages"][0] | {"text": None}])],
    "bigbio, null passages": [row(passages=None)],
    "bigbio, a null id": [row(document_id=None)],
    "bigbio, the same document": [row(), row()],
    "bigbio, passages apart": [row(passages=[row()["passages"][0], row()["passages"][1] | {"offsets": [[7, 16]]}])],
}

OPTIONS = {
    "as it is": ReadOptions(),
    "skipping": ReadOptions(skip_invalid=True),
    "trusting": ReadOptions(trust_offsets=True),
}


def laid_out(folder: Path, name: str, pack: bool = False) -> Path:
    if name in RECORDS:
        folder.mkdir()
        written(folder, *RECORDS[name])
        return folder
    for file, text in CASES[name].items():
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
        if pack:
            path.with_name(path.name + ".gz").write_bytes(gzip.compress(text.encode()))
            path.unlink()
    return folder


def refusal(attempt: Callable[[], object]) -> str | None:
    try:
        attempt()
    except CorpusError as error:
        return str(error)
    return None


class UndoneError(Exception):
    """Nothing of a trial is kept."""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    store = Store.create(database_url("sqlite", tmp_path_factory.mktemp("store")))
    yield store
    store.close()


def into_a_store(folder: Path, store: Store, options: ReadOptions, read: ReadReport) -> None:
    """What init does with the documents."""
    settings = make_settings({"name": "trial", "entities": [{"name": "Chemical"}]}, "the test")
    with contextlib.suppress(UndoneError), store.write() as session:
        add_project(session, settings.name)
        records = read_with(options, [folder], report=read)
        report = ImportReport()
        import_documents(session, records, split="pool", source="import", settings=settings, ignore=(), report=report)
        raise UndoneError


@pytest.mark.slow
@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("name", [*CASES, *RECORDS])
def test_validate_says_what_convert_and_init_refuse_or_lose(
    tmp_path: Path, store: Store, name: str, option: str
) -> None:
    options = OPTIONS[option]
    folder = laid_out(tmp_path / "corpus", name)
    found: list[Validation] = []
    message = refusal(lambda: found.append(validate_corpus([folder], options=options)))
    reports = ReadReport(), ReadReport()
    refused = [
        refusal(lambda: into_a_store(folder, store, options, reports[0])),
        refusal(lambda: reports[1].notes.extend(_converted(folder, tmp_path / "out.jsonl", options))),
    ]
    if any(refused):
        assert message or found[0].problems, refused
    if message is None and not found[0].problems:
        assert refused == [None, None]
    if message is None and not found[0].problems and not found[0].warnings:
        for report in reports:
            assert (report.left_out, report.invalid_count, report.skipped_count, report.notes) == ({}, 0, 0, [])
    if option == "skipping" and message is None and name in CASES:
        # what the user wants left out is told, and is no reason to fail
        assert not (set(reports[0].broken) & set(found[0].problems))
        assert set(reports[0].broken) <= set(found[0].warnings)


def _converted(folder: Path, target: Path, options: ReadOptions) -> list[str]:
    """Convert, and return what was lost of the documents."""
    conversion = convert_corpus([folder], target, to="jsonl", options=options)
    return [*conversion.lost, *conversion.read.notes]


SOUND = [
    "jsonl", "pubtator", "bioc-json", "brat", "brat, two of one name", "conll", "label-studio", "plain text", "medline",
    "pubmed-xml", "table", "ddi", "chemprot", "bigbio", "bigbio, null relations", "bigbio, null concepts", "nulls",
]  # fmt: skip


TITLES = {"documents that are a title alone"}
"""What is right and yet told: some of these documents have no abstract."""


@pytest.mark.parametrize("name", SOUND)
def test_validate_finds_nothing_in_what_is_right(tmp_path: Path, name: str) -> None:
    validation = validate_corpus([laid_out(tmp_path / "corpus", name)])
    assert (validation.problems, validation.warnings.keys() - TITLES) == ({}, set())


@pytest.mark.parametrize("name", [name for name in SOUND if name in CASES])
def test_packed_files_are_the_same(tmp_path: Path, name: str) -> None:
    validation = validate_corpus([laid_out(tmp_path / "corpus", name, pack=True)])
    assert (validation.problems, validation.warnings.keys() - TITLES) == ({}, set())


def test_validate_goes_on_after_a_fault_and_lists_all(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(
        lines(
            with_part("entities", 0, text="Zalvorine"),
            with_part("relations", 0, tail="T9") | {"id": "2"},
            with_part("entities", 1, label="") | {"id": "3"},
        )
        + "{\n"
        + lines(with_part("entities", 1, spans=[[1, 99]]) | {"id": "5"})
    )
    validation = validate_corpus(path)
    assert validation.documents == 4
    assert validation.problems == {
        "texts that are not those at their offsets": 2,
        "relations to mentions that do not exist": 1,
        "mentions that cannot be read": 1,
        "documents that cannot be read": 1,
    }
    places = sorted(message.partition(", document")[0].partition(": ")[0] for message in validation.messages)
    assert places == [f"{path}:{number}" for number in (1, 2, 3, 4, 5)]
