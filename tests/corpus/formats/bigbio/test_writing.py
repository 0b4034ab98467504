from __future__ import annotations

import json
import re
import socket
import xml.etree.ElementTree as ElementTree
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from biorat_al import files
from biorat_al.corpus.formats.base import WriteReport
from biorat_al.corpus.formats.bigbio import tables as bigbio_tables
from biorat_al.corpus.formats.bigbio.details import CardDetails
from biorat_al.corpus.formats.bigbio.kb_checks import KbChecker
from biorat_al.corpus.model.document import Annotation, Concept, Document, Entity, Passage, Relation, Span
from biorat_al.corpus.reading import read_corpus, write_corpus
from biorat_al.errors import CorpusError, UsageError
from tests.corpus.generators import annotated
from tests.support.bigbio import write_bigbio

DOCUMENT = Document("7", "A title An abstract", (Passage("title", 0, 7), Passage("abstract", 8, 19)))
ANNOTATION = Annotation(
    (Entity("T1", "X", (Span(2, 7),), (Concept("MESH", "D1"),)), Entity("T2", "Y", (Span(8, 10), Span(11, 19)))),
    (Relation("R1", "r", "T1", "T2"),),
)


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        raise AssertionError("the network was used")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def load(folder: Path, name: str, cache: Path) -> Any:
    import datasets

    return datasets.load_dataset(str(folder), f"{name}_bigbio_kb", cache_dir=str(cache))


def check_kb(splits: dict[str, list[dict[str, Any]]]) -> None:
    """What BigBio's own checker looks for, and what its documentation asks for."""
    ids: Counter[str] = Counter()
    for record in (record for records in splits.values() for record in records):
        assert list(record) == ["id", "document_id", "passages", "entities", "events", "coreferences", "relations"]
        ids.update([record["id"]])
        for key in ("passages", "entities", "events", "coreferences", "relations"):
            ids.update(item["id"] for item in record[key])
        text = " ".join(piece for passage in record["passages"] for piece in passage["text"])
        for passage in record["passages"]:
            assert len(passage["text"]) == len(passage["offsets"]) == 1
        for item in (*record["passages"], *record["entities"]):
            assert item["text"] == [text[start:end] for start, end in item["offsets"]]
        entities = {entity["id"] for entity in record["entities"]}
        assert all({relation["arg1_id"], relation["arg2_id"]} <= entities for relation in record["relations"])
    assert max(ids.values(), default=1) == 1


def test_datasets_loads_it_with_exactly_the_kb_features(tmp_path: Path) -> None:
    from datasets import Features, List, Value

    folder = tmp_path / "out"
    splits = {"train": [(DOCUMENT, ANNOTATION)] * 3, "validation": [(DOCUMENT, Annotation())], "test": []}
    summary = write_bigbio(folder, "corpus", splits)
    assert summary.config == "corpus_bigbio_kb"
    loaded = load(folder, "corpus", tmp_path / "cache")
    assert {split: len(rows) for split, rows in loaded.items()} == {"train": 3, "validation": 1}
    assert summary.empty_splits == ["test"]
    assert "Splits without documents, left out: test." in (folder / "README.md").read_text(encoding="utf-8")
    text, offsets = List(Value("string")), List(List(Value("int32")))
    concepts = List({"db_name": Value("string"), "db_id": Value("string")})
    string = Value("string")
    for rows in loaded.values():
        assert rows.features == Features(
            {
                "id": string,
                "document_id": string,
                "passages": List({"id": string, "type": string, "text": text, "offsets": offsets}),
                "entities": List(
                    {"id": string, "type": string, "text": text, "offsets": offsets, "normalized": concepts}
                ),
                "events": List(
                    {
                        "id": string,
                        "type": string,
                        "trigger": {"text": text, "offsets": offsets},
                        "arguments": List({"role": string, "ref_id": string}),
                    }
                ),
                "coreferences": List({"id": string, "entity_ids": text}),
                "relations": List(
                    {"id": string, "type": string, "arg1_id": string, "arg2_id": string, "normalized": concepts}
                ),
            }
        )
    check_kb({split: rows.to_list() for split, rows in loaded.items()})
    first = loaded["train"][0]
    assert first["document_id"] == "7"
    assert [entity["offsets"] for entity in first["entities"]] == [[[2, 7]], [[8, 10], [11, 19]]]
    assert first["entities"][0]["normalized"] == [{"db_name": "MESH", "db_id": "D1"}]


@pytest.mark.slow
@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(train=st.lists(annotated(), min_size=1, max_size=4), test=st.lists(annotated(), max_size=2))
def test_it_comes_back_span_for_span(
    tmp_path_factory: pytest.TempPathFactory,
    train: list[tuple[Document, Annotation]],
    test: list[tuple[Document, Annotation]],
) -> None:
    # without passages nothing has to be moved; what happens to gaps is tested with the records
    splits = {
        split: [(Document(document.id, document.text), annotation) for document, annotation in records]
        for split, records in (("train", train), ("test", test))
    }
    room = tmp_path_factory.mktemp("bigbio")
    write_bigbio(room / "out", "corpus", splits)
    loaded = {split: rows.to_list() for split, rows in load(room / "out", "corpus", room / "cache").items()}
    check_kb(loaded)
    assert list(loaded) == [split for split, records in splits.items() if records]
    for split, records in splits.items():
        if not records:
            continue
        assert len(loaded[split]) == len(records)
        for record, (document, annotation) in zip(loaded[split], records, strict=True):
            assert record["document_id"] == document.id
            assert [passage["text"] for passage in record["passages"]] == [[document.text]]
            assert [
                (
                    entity["type"],
                    tuple(Span(*pair) for pair in entity["offsets"]),
                    tuple(Concept(concept["db_name"], concept["db_id"]) for concept in entity["normalized"]),
                )
                for entity in record["entities"]
            ] == [(entity.label, entity.spans, entity.concepts) for entity in annotation.entities]
            by_id = dict(zip([e["id"] for e in record["entities"]], [e.id for e in annotation.entities], strict=True))
            relations = [(item["type"], by_id[item["arg1_id"]], by_id[item["arg2_id"]]) for item in record["relations"]]
            direct = [(relation.label, relation.head, relation.tail) for relation in annotation.relations]
            assert relations[: len(direct)] == direct


LABELS = [
    'a"b',
    "a: b # c",
    "a|b`*_<i>&",
    "../../etc",
    "a\nb\r\tc",
    "[x]{y}",
    "👩‍🔬",
    "\u2028\x85",
    "- a",
    "'",
    "\\U0041",
    "{{ x }}",
]


def test_labels_and_titles_of_any_characters_survive(tmp_path: Path) -> None:
    import yaml

    entities = tuple(Entity(f"T{n}", label, (Span(0, 1),)) for n, label in enumerate(LABELS))
    title = "".join(LABELS)
    write_bigbio(
        tmp_path / "out",
        "c",
        {"train": [(DOCUMENT, Annotation(entities))]},
        CardDetails(title, title, license=title, languages=LABELS, made=dict.fromkeys(LABELS, title)),
    )
    loaded = load(tmp_path / "out", "c", tmp_path / "cache")
    assert [entity["type"] for entity in loaded["train"][0]["entities"]] == LABELS
    card = (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    header = yaml.safe_load(card.split("---\n")[1])
    assert (header["pretty_name"], header["license"], header["language"]) == (title, title, LABELS)
    # each label has one row of its own, with its count, whatever characters it has
    rows = card.split("## Entity labels\n\n")[1].split("\n\n")[0].split("\n")[2:]
    assert len(rows) == len(LABELS)
    assert all(row.endswith(" | 1 |") and len(re.findall(r"(?<!\\)\|", row)) == 3 for row in rows)
    assert not re.search(r"&#?\w+;", card.split("---\n", 2)[2])


def test_the_card_has_counts_labels_and_origin(tmp_path: Path) -> None:
    splits = {"train": [(DOCUMENT, ANNOTATION)] * 2, "test": [(DOCUMENT, Annotation(ANNOTATION.entities[:1]))]}
    summary = write_bigbio(
        tmp_path / "out",
        "corpus",
        splits,
        CardDetails(
            title="My corpus",
            description="What it is.",
            made={"annotators": "2", "tool": "biorat-al 1"},
            license="cc-by-4.0",
            languages=["en", "fr"],
        ),
    )
    card = (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    for line in (
        "# My corpus",
        "What it is.",
        "| | train | test |",
        "| documents | 2 | 1 |",
        "| passages | 4 | 2 |",
        "| characters | 38 | 19 |",
        "| entities | 4 | 1 |",
        "| entities linked to a concept | 2 | 1 |",
        "| relations | 2 | 0 |",
        "| X | 2 | 1 |",
        "| Y | 2 | 0 |",
        "| r | 2 | 0 |",
        "- annotators: 2",
        "- tool: biorat-al 1",
        "license: cc-by-4.0",
        "- fr",
    ):
        assert line in card.split("\n"), line
    assert "cannot hold" not in card
    assert summary.labels == ["X", "Y"]
    assert summary.relation_labels == ["r"]
    assert summary.splits["train"].mentions == {"X": 2, "Y": 2}


def test_the_card_names_what_was_left_out(tmp_path: Path) -> None:
    scored = Annotation((Entity("T1", "X", (Span(0, 1),), score=0.5),))
    summary = write_bigbio(tmp_path / "out", "corpus", {"train": [(DOCUMENT, scored)] * 3})
    assert summary.not_represented == {"confidence scores of mentions": 3}
    assert "- confidence scores of mentions: 3\n" in (tmp_path / "out" / "README.md").read_text(encoding="utf-8")


def test_the_same_records_give_the_same_bytes(tmp_path: Path) -> None:
    splits = {"train": [(DOCUMENT, ANNOTATION)] * 10, "test": [(DOCUMENT, Annotation())]}
    for name in ("a", "b"):
        write_bigbio(tmp_path / name, "corpus", splits)
    files = sorted(path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*") if path.is_file())
    assert [str(path) for path in files] == [
        "README.md", "data/test.parquet", "data/train.parquet", "source/test.parquet", "source/train.parquet",
    ]  # fmt: skip
    for path in files:
        assert (tmp_path / "a" / path).read_bytes() == (tmp_path / "b" / path).read_bytes()


def test_records_are_written_in_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import pyarrow.parquet as pq

    monkeypatch.setattr(bigbio_tables, "ROWS", 3)
    taken = 0
    at_write: list[int] = []
    make = bigbio_tables.batch_of

    def records() -> Iterator[tuple[Document, Annotation]]:
        nonlocal taken
        for _ in range(8):
            taken += 1
            yield DOCUMENT, ANNOTATION

    def watched(batch: list[dict[str, Any]], schema: Any) -> Any:
        at_write.append(taken)
        return make(batch, schema)

    monkeypatch.setattr(bigbio_tables, "batch_of", watched)
    write_bigbio(tmp_path / "out", "corpus", {"train": records()})
    assert at_write == [3, 3, 6, 6, 8, 8]
    assert pq.ParquetFile(tmp_path / "out" / "data" / "train.parquet").metadata.num_row_groups == 3


def test_a_failure_leaves_nothing_and_the_old_folder(tmp_path: Path) -> None:
    bad = (Document("1", "a"), Annotation((Entity("T1", "X", (Span(0, 2),)),)))
    for record in (bad, (Document("1", "\ud83d"), Annotation())):
        with pytest.raises(CorpusError):
            write_bigbio(tmp_path / "out", "corpus", {"train": [(DOCUMENT, ANNOTATION)], "test": [record]})
        assert list(tmp_path.iterdir()) == []
    write_bigbio(tmp_path / "out", "corpus", {"train": [(DOCUMENT, ANNOTATION)]})
    before = (tmp_path / "out" / "README.md").read_bytes()
    with pytest.raises(CorpusError):
        write_bigbio(tmp_path / "out", "corpus", {"test": [bad]}, replace=True)
    assert (tmp_path / "out" / "README.md").read_bytes() == before
    assert list(tmp_path.iterdir()) == [tmp_path / "out"]


def test_a_folder_is_replaced_only_if_that_was_asked_for_and_it_is_an_export(tmp_path: Path) -> None:
    folder = tmp_path / "sub" / "out"
    write_bigbio(folder, "corpus", {"train": [(DOCUMENT, ANNOTATION)]})
    with pytest.raises(UsageError, match="already exists"):
        write_bigbio(folder, "corpus", {"test": [(DOCUMENT, ANNOTATION)]})
    write_bigbio(folder, "corpus", {"test": [(DOCUMENT, ANNOTATION)]}, replace=True)
    assert [path.name for path in (folder / "data").iterdir()] == ["test.parquet"]
    (folder / "thesis.doc").write_text("years of work")
    with pytest.raises(UsageError, match="holds other files than an export has"):
        write_bigbio(folder, "corpus", {"test": [(DOCUMENT, ANNOTATION)]}, replace=True)
    assert (folder / "thesis.doc").read_text() == "years of work"
    with pytest.raises(UsageError, match="is not a folder"):
        write_bigbio(folder / "thesis.doc", "corpus", {"test": []}, replace=True)
    (tmp_path / "empty").mkdir()
    write_bigbio(tmp_path / "empty", "corpus", {"train": [(DOCUMENT, ANNOTATION)]})
    assert (tmp_path / "empty" / "README.md").is_file()


@pytest.mark.parametrize("name", ["", "a/b", "..", ".a", "a b", "a\n", "ä"])
def test_names_that_cannot_be_used(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="the corpus name"):
        write_bigbio(tmp_path / "out", name, {"train": [(DOCUMENT, ANNOTATION)]})
    with pytest.raises(UsageError, match="the split name"):
        write_bigbio(tmp_path / "out", "corpus", {name: [(DOCUMENT, ANNOTATION)]})


@pytest.mark.parametrize("splits", [{}, {"train": []}, {"train": [], "test": iter(())}])
def test_no_document_at_all(tmp_path: Path, splits: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="there is no document to write"):
        write_bigbio(tmp_path / "out", "corpus", splits)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_ncbi_disease_with_its_document_that_is_there_twice(corpora: Path, tmp_path: Path) -> None:
    path = corpora / "ncbi_disease" / "NCBItrainset_corpus.txt"
    records = [
        (record.document, record.annotation) for record in read_corpus(path, skip_invalid=True) if record.annotation
    ]
    write_bigbio(tmp_path / "out", "ncbi", {"train": records})
    rows = load(tmp_path / "out", "ncbi", tmp_path / "cache")["train"].to_list()
    check_kb({"train": rows})
    assert len(rows) == 593
    for row, (document, annotation) in zip(rows, records, strict=True):
        # title, one space, abstract: nothing has to be moved
        assert " ".join(passage["text"][0] for passage in row["passages"]) == document.text
        assert [entity["offsets"] for entity in row["entities"]] == [
            [list(span) for span in entity.spans] for entity in annotation.entities
        ]


@pytest.mark.slow
@pytest.mark.parametrize(("part", "all_pairs", "repeated"), [("Training", 15_072, 10), ("Development", 16_491, 0)])
def test_bc5cdr_has_the_relations_that_bigbio_makes_of_it(
    corpora: Path, tmp_path: Path, part: str, all_pairs: int, repeated: int
) -> None:
    path = corpora / "bc5cdr" / f"CDR_{part}Set.BioC.xml"
    records = [
        (record.document, record.annotation) for record in read_corpus(path, skip_invalid=True) if record.annotation
    ]
    summary = write_bigbio(tmp_path / "out", "bc5cdr", {"train": records})
    kept = {(document.id, entity.id) for document, annotation in records for entity in annotation.entities}
    everything = there = 0
    for document in ElementTree.parse(path).iter("document"):
        ident = document.findtext("id") or ""
        mentions = [
            ((ident, annotation.get("id", "")), (annotation.findtext("infon[@key='MESH']") or "").split("|"))
            for annotation in document.iter("annotation")
        ]
        for relation in document.iter("relation"):
            chemical, disease = (relation.findtext(f"infon[@key='{key}']") for key in ("Chemical", "Disease"))
            pairs = [(a, b) for a, links in mentions if chemical in links for b, other in mentions if disease in other]
            everything += len(pairs)
            there += sum(a in kept and b in kept for a, b in pairs)
    # one mention of the training set has one identifier three times over, and BigBio's loader then repeats its pairs
    assert everything == all_pairs - repeated
    assert summary.splits["train"].relations == {"CID": there}
    assert summary.not_represented.keys() == {"further properties of mentions"}
    assert json.loads(json.dumps(summary.splits["train"].mentions)) == dict(summary.splits["train"].mentions)


@pytest.mark.parametrize("at_once", [True, False])
def test_a_folder_is_replaced_where_names_can_be_exchanged_and_where_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: bool
) -> None:
    asked = []

    exchanged = files.swapped

    def swapped(one: Path, other: Path) -> bool:
        asked.append((one, other))
        return at_once and exchanged(one, other)

    monkeypatch.setattr(files, "swapped", swapped)
    for split in ("train", "test"):
        write_bigbio(tmp_path / "out", "corpus", {split: [(DOCUMENT, ANNOTATION)]}, replace=True)
        assert [path.name for path in (tmp_path / "out" / "source").iterdir()] == [f"{split}.parquet"]
        assert list(tmp_path.iterdir()) == [tmp_path / "out"]
    assert len(asked) == 1


def test_running_numbers_are_told_apart_from_other_ids() -> None:
    def record(*ids: str) -> dict[str, Any]:
        passages = [{"id": ident, "type": "x", "text": ["a"], "offsets": [[0, 1]]} for ident in ids[1:]]
        return {"id": ids[0], "document_id": "d", "passages": passages} | dict.fromkeys(
            ("entities", "events", "coreferences", "relations"), ()
        )

    checker = KbChecker()

    def again(where: str, *ids: str) -> list[str]:
        return [what for kind, what in checker.problems(record(*ids), where) if kind == "ids that occur again"]

    assert again("one", "1", "2", "5") == []
    assert again("two", "6", "7", "01", "a", "3") == []
    for ident, where in (("1", "one"), ("2", "one"), ("5", "one"), ("7", "two"), ("01", "two"), ("a", "two")):
        assert again("three", ident) == [f"the id {ident!r} already exists, in {where}"]
    assert again("four", "3", "4", "4", "9", "9") == [
        "the id '3' already exists, in two",
        "the id '4' already exists, in four",
        "the id '9' already exists, in four",
    ]


# the card's header and text, as the hub and BigBio read them


def header_of(folder: Path) -> dict[str, Any]:
    import yaml

    return yaml.safe_load((folder / "README.md").read_text(encoding="utf-8").split("---\n")[1])


def test_the_header_has_the_keys_of_the_hub_and_of_bigbio(tmp_path: Path) -> None:
    from huggingface_hub import DatasetCard

    document = Document("12345678", DOCUMENT.text, DOCUMENT.passages)
    details = CardDetails(license="cc-by-4.0", languages=["en"], homepage="https://example.org/corpus")
    write_bigbio(
        tmp_path / "out", "corpus", {"train": [(document, ANNOTATION)], "test": [(document, ANNOTATION)]}, details
    )
    header = header_of(tmp_path / "out")
    configs = header.pop("configs")
    assert [config["config_name"] for config in configs] == ["corpus_bigbio_kb", "corpus_source"]
    assert header == {
        "pretty_name": "corpus",
        "license": "cc-by-4.0",
        "language": ["en"],
        "multilinguality": ["monolingual"],
        "size_categories": ["n<1K"],
        "task_categories": ["token-classification"],
        "task_ids": ["named-entity-recognition"],
        "tags": ["bigbio", "biomedical", "entity-linking", "relation-extraction"],
        "homepage": "https://example.org/corpus",
        "bigbio_language": ["English"],
        "bigbio_license_shortname": "CC_BY_4p0",
        "bigbio_pubmed": True,
        "bigbio_public": True,
        "bigbio_tasks": ["NAMED_ENTITY_RECOGNITION", "NAMED_ENTITY_DISAMBIGUATION", "RELATION_EXTRACTION"],
    }
    # the hub's own reader takes it
    card = DatasetCard.load(tmp_path / "out" / "README.md")
    assert (card.data.pretty_name, card.data.license, card.data.task_ids) == (
        "corpus", "cc-by-4.0", ["named-entity-recognition"],
    )  # fmt: skip


def test_what_nobody_stated_is_said_to_be_unknown(tmp_path: Path) -> None:
    write_bigbio(tmp_path / "out", "corpus", {"train": [(DOCUMENT, ANNOTATION)]})
    header = header_of(tmp_path / "out")
    assert (header["license"], header["bigbio_license_shortname"]) == ("unknown", "UNKNOWN")
    assert (header["bigbio_pubmed"], header["bigbio_public"]) == (False, False)
    assert not {"language", "multilinguality", "homepage", "bigbio_language"} & header.keys()


@pytest.mark.slow
@pytest.mark.parametrize(
    "title",
    [
        "a: b # c",
        "---\nlicense: mit\n---",
        "x\n---\ny",
        "yes",
        "1.0",
        "null",
        "- a",
        "é 😀 \u2028 \x85",
        "| a | b |",
        "*a* _b_ <i>",
    ],
)
def test_an_odd_title_stays_one_value_and_one_line(tmp_path: Path, title: str) -> None:
    write_bigbio(tmp_path / "out", "c", {"train": [(DOCUMENT, ANNOTATION)]}, CardDetails(title=title, license=title))
    card = (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    header = header_of(tmp_path / "out")
    assert (header["pretty_name"], header["license"]) == (title, title)
    (heading,) = (line for line in card.split("\n---\n", 1)[1].split("\n") if line.startswith("# "))
    assert re.sub(r"\\(.)", r"\1", heading[2:]) == " ".join(title.split())
    assert load(tmp_path / "out", "c", tmp_path / "cache")["train"].num_rows == 1


def test_datasets_has_nothing_to_warn_of_in_the_header(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_bigbio(tmp_path / "out", "c", {"train": [(DOCUMENT, ANNOTATION)], "test": [(DOCUMENT, ANNOTATION)]})
    load(tmp_path / "out", "c", tmp_path / "cache")
    assert not [record for record in caplog.records if record.name.startswith("datasets")]


def test_invented_documents_are_said_first(tmp_path: Path) -> None:
    details = CardDetails(invented=2, notice="Nothing here is medical fact.")
    write_bigbio(tmp_path / "out", "c", {"train": [(DOCUMENT, ANNOTATION)] * 2}, details)
    card = (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    notice = "**Invented texts: all documents of this corpus were made up.** Nothing here is medical fact."
    assert card.index(notice) < card.index("Entities and relations on biomedical text")
    assert "synthetic" in header_of(tmp_path / "out")["tags"]


@pytest.mark.parametrize(
    ("citation", "shown"),
    [
        ("@misc{a,\n  title = {```}\n}", "````bibtex\n@misc{a,\n  title = {```}\n}\n````\n"),
        ("Doe J. *A* corpus.", "Doe J. \\*A\\* corpus.\n"),
        ("", "No citation was given.\n"),
    ],
)
def test_the_citation_stands_as_it_was_given(tmp_path: Path, citation: str, shown: str) -> None:
    write_bigbio(tmp_path / "out", "c", {"train": [(DOCUMENT, ANNOTATION)]}, CardDetails(citation=citation))
    assert f"## Citation\n\n{shown}" in (tmp_path / "out" / "README.md").read_text(encoding="utf-8")


def test_a_mention_of_several_types_becomes_one_of_each(tmp_path: Path) -> None:
    entities = (
        Entity("T1", "T109,T121", (Span(2, 7),), (Concept("UMLS", "C9000001"),)),
        Entity("T1-2", "T047", (Span(8, 10),)),
        Entity("T3", "Signs, symptoms", (Span(11, 19),)),
    )
    annotation = Annotation(entities, (Relation("R1", "r", "T1", "T1-2"),))
    report = WriteReport()
    write_corpus(tmp_path / "out", [(DOCUMENT, annotation)], format="bigbio", report=report)
    (record,) = read_corpus(tmp_path / "out")
    assert record.annotation is not None
    found = record.annotation.entities
    assert [(entity.label, entity.spans, entity.concepts) for entity in found] == [
        ("T109", (Span(2, 7),), entities[0].concepts),
        ("T121", (Span(2, 7),), entities[0].concepts),
        ("T047", (Span(8, 10),), ()),
        ("Signs, symptoms", (Span(11, 19),), ()),
    ]
    assert [(one.head, one.tail) for one in record.annotation.relations] == [(found[0].id, found[2].id)]
    assert report.lost["mentions of several types (one for each type)"] == 1


def test_a_description_stays_text_whatever_its_lines_begin_with(tmp_path: Path) -> None:
    description = "# no heading\n\n- no list\n\n1. no list\n\n--- | <b>x</b> &amp; 39.9 % of 1. all"
    write_bigbio(tmp_path / "out", "c", {"train": [(DOCUMENT, ANNOTATION)]}, CardDetails(description=description))
    card = (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    shown = "\\# no heading\n\n\\- no list\n\n1\\. no list\n\n\\--- \\| \\<b\\>x\\</b\\> \\&amp; 39.9 % of 1. all\n"
    assert shown in card
