"""The loading module of BigBio's own layout, run as a module beside what BigBio puts there."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import pytest

from biorat_al.corpus.formats.bigbio.details import CardDetails
from biorat_al.corpus.formats.bigbio.loader import supported_tasks
from biorat_al.corpus.formats.bigbio.schema import source_schema
from biorat_al.corpus.formats.bigbio.writing import bigbio_folder
from biorat_al.corpus.model.document import Annotation, Concept, Document, Entity, Relation, Span
from tests.support.bigbio import write_bigbio

# the names that the module takes from BigBio's bigbiohub.py, as they are there
HUB = """
from dataclasses import dataclass
from enum import Enum

import datasets

from biorat_al.corpus.formats.bigbio.schema import kb_schema


@dataclass
class BigBioConfig(datasets.BuilderConfig):
    name: str = None
    version: datasets.Version = None
    description: str = None
    schema: str = None
    subset_id: str = None


class Tasks(Enum):
    NAMED_ENTITY_RECOGNITION = "NER"
    NAMED_ENTITY_DISAMBIGUATION = "NED"
    EVENT_EXTRACTION = "EE"
    RELATION_EXTRACTION = "RE"
    COREFERENCE_RESOLUTION = "COREF"


kb_features = datasets.Features.from_arrow_schema(kb_schema())
"""

LINKED = Entity("T1", "X", (Span(0, 1),), (Concept("MESH", "D1"),), 0.5, "manual", {"a": 1})
PLAIN = Entity("T2", "Y", (Span(2, 3),))
DOCUMENT = Document("1", "a b")
RELATED = Annotation((LINKED, PLAIN), (Relation("R", "with", "T1", "T2"),))
TITLE = 'A "title"\n\\ {x} \U0001f600 """'


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Provide the module, put at the top of a copy of its corpus."""
    out = tmp_path / "c_1"
    details = CardDetails(TITLE, TITLE, license=TITLE, languages=("en", "Klingon"))
    splits = {"train": [(DOCUMENT, RELATED)] * 3, "test": [(DOCUMENT, Annotation((LINKED,)))]}
    with bigbio_folder(out, "c_1", complete=True) as folder:
        for split, pairs in splits.items():
            for document, annotation in pairs:
                folder.add(split, document, annotation)
        folder.finish(details, loader=True)
    (out / "c_1.py").write_bytes((out / "loader" / "c_1.py").read_bytes())
    (out / "bigbiohub.py").write_text(HUB, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield importlib.import_module("c_1.c_1")
    for name in [name for name in sys.modules if name.partition(".")[0] == "c_1"]:
        del sys.modules[name]


def test_it_declares_what_bigbios_checker_asks_for(module: Any) -> None:
    assert module._LANGUAGES == ["English", "Klingon"]
    assert (module._PUBMED, module._LOCAL, module._LICENSE, module._DISPLAYNAME) == (False, False, TITLE, TITLE)
    # the test split has no relation, so the corpus as a whole does not serve that task
    assert [task.value for task in module._SUPPORTED_TASKS] == ["NER", "NED"]
    assert [config.name for config in module.CorpusC1.BUILDER_CONFIGS] == ["c_1_source", "c_1_bigbio_kb"]


@pytest.mark.parametrize("kind", ["bigbio_kb", "source"])
def test_it_loads_what_the_folder_holds(module: Any, tmp_path: Path, kind: str) -> None:
    import datasets

    place = Path(module.__file__).parent
    builder = module.CorpusC1(config_name=f"c_1_{kind}", cache_dir=str(tmp_path / "cache"), base_path=str(place))
    builder.download_and_prepare()
    made = builder.as_dataset()
    (place / "c_1.py").unlink()
    loaded = datasets.load_dataset(str(place), f"c_1_{kind}", cache_dir=str(tmp_path / "other"))
    for split in ("train", "test"):
        assert made[split].features == loaded[split].features
        assert made[split].to_list() == loaded[split].to_list()
    if kind == "source":
        assert made["train"].features == datasets.Features.from_arrow_schema(source_schema())


def test_a_task_must_be_served_by_every_split(tmp_path: Path) -> None:
    extras = {"coreferences": [{"id": "C", "entity_ids": ["T1", "T2"]}]}
    annotation = Annotation(RELATED.entities, RELATED.relations, extras=extras)
    summary = write_bigbio(tmp_path / "a", "a", {"train": [(DOCUMENT, annotation)]})
    assert supported_tasks(summary) == [
        "NAMED_ENTITY_RECOGNITION", "NAMED_ENTITY_DISAMBIGUATION", "RELATION_EXTRACTION", "COREFERENCE_RESOLUTION",
    ]  # fmt: skip
    summary = write_bigbio(tmp_path / "b", "b", {"train": [(DOCUMENT, annotation)], "test": [(DOCUMENT, Annotation())]})
    assert supported_tasks(summary) == []
