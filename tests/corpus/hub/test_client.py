"""Datasets by name, from a hub on the loopback, by the real clients, each time in a process of its own."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from biorat_al.corpus.formats.bigbio.details import CardDetails
from biorat_al.corpus.formats.bigbio.kb_record import KbRecords
from biorat_al.corpus.formats.bigbio.schema import kb_schema
from biorat_al.corpus.model.document import Annotation, Record
from biorat_al.demo.corpus import read_demo_corpus
from tests.support.bigbio import write_bigbio
from tests.support.hub import EXPORT, Hub, Repository, commit_of, files_of, serving

TOKEN = "hf_ThisIsNotARealToken0123456789"

CODE = """
import json, sys
from biorat_al.corpus.formats.base import Reading
from biorat_al.corpus.hub.address import HubAddress
from biorat_al.corpus.hub.client import find
from biorat_al.corpus.hub.corpus import read_found
from biorat_al.errors import BioratError
for text in sys.argv[1:]:
    rows = []
    try:
        found = find(HubAddress.parse(text))
        records = list(read_found(found, Reading(), rows.append))
    except BioratError as error:
        said = {"error": type(error).__name__, "message": str(error)}
    else:
        said = {
            "address": str(found.address), "license": found.license, "notes": found.notes,
            "rows": [found.rows, sum(rows)], "splits": list(found.splits),
            "documents": [[one.document.metadata["split"], one.document.id, one.document.text,
                           [[entity.label, *map(list, entity.spans)] for entity in one.annotation.entities]]
                          for one in records],
        }
    print(json.dumps(said), flush=True)
"""

ONLINE = (
    "hf:trial/ours@v1", "hf:trial/ours", "hf:trial/ours:ours_bigbio_kb", "hf:trial/ours:ours_source",
    "hf:trial/ours:other", "hf:trial/ours@v2", "hf:trial/two", "hf:trial/text", "hf:bigbio/scripted",
    "hf:bigbio/scripted:scripted_source", "hf:bigbio/only_script", "hf:bigbio/gated", "hf:bigbio/nothing",
    "hf:trial/hidden", "hf:trial/leaky",
)  # fmt: skip

OFFLINE = (
    "hf:trial/ours:ours_bigbio_kb", "hf:trial/ours", "hf:bigbio/scripted", "hf:bigbio/scripted@main",
    "hf:trial/unseen", "hf:trial/ours@{v1}:ours_bigbio_kb",
)  # fmt: skip


class World(NamedTuple):
    """The hub, and the home of the client's caches."""

    hub: Hub
    home: Path


def parquet(records: list[Record]) -> bytes:
    table = KbRecords()
    rows = [table.record(record.document, record.annotation or Annotation()) for record in records]
    file = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows, schema=kb_schema()), file)
    return file.getvalue()


@pytest.fixture(scope="module")
def demo() -> list[Record]:
    return list(islice(read_demo_corpus(), 6))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, demo: list[Record]) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("hub")
    pairs = [(record.document, record.annotation or Annotation()) for record in demo]
    for name, splits in (("ours", {"train": pairs[:3], "test": pairs[3:5]}), ("old", {"train": pairs[:2]})):
        write_bigbio(folder / name, "ours", splits, CardDetails(license="cc-by-4.0"))
    ours = files_of(folder / "ours")
    text = io.BytesIO()
    pq.write_table(pa.table({"id": ["1"], "document_id": ["a"], "text": ["Pain."], "labels": [["x"]]}), text)
    copies = {
        ".gitattributes": b"",
        "scripted_bigbio_kb/train/0000.parquet": parquet(demo[:2]),
        "scripted_bigbio_kb/train/0001.parquet": parquet(demo[2:3]),
        "scripted_bigbio_kb/validation/0000.parquet": parquet(demo[3:]),
        "scripted_source/train/0000.parquet": text.getvalue(),
    }

    def card(*configs: str, license_: str = "mit") -> bytes:
        listed = "".join(f"- config_name: {name}\n  data_files: {name}/*.parquet\n" for name in configs)
        return f"---\nlicense: {license_}\n{'configs:' if configs else ''}\n{listed}---\n# A dataset\n".encode()

    script = {"README.md": card(license_="[other, unknown]"), "scripted.py": b"raise SystemExit('nobody runs this')"}
    two = ("two_a_bigbio_kb", "two_b_bigbio_kb")
    repositories = {
        "trial/ours": Repository({"main": ours, "v1": files_of(folder / "old")}),
        "trial/two": Repository(
            {"main": {"README.md": card(*two), **{f"{name}/train.parquet": parquet(demo[:1]) for name in two}}}
        ),
        "trial/text": Repository(
            {"main": {"README.md": card("text_bigbio_text"), "text_bigbio_text/train.parquet": text.getvalue()}}
        ),
        "bigbio/scripted": Repository({"main": script, EXPORT: copies}),
        "bigbio/only_script": Repository({"main": {"only_script.py": b""}}),
        "bigbio/gated": Repository({"main": ours}, gated=True),
        "trial/hidden": Repository({"main": ours}, token=TOKEN),
        "trial/unseen": Repository({"main": ours}),
    }
    with serving(repositories) as hub:
        yield World(hub, folder / "home")


def outcomes(world: World, *addresses: str, **changes: str) -> dict[str, dict[str, Any]]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    environment = kept | {"HF_ENDPOINT": world.hub.address, "HF_HOME": str(world.home)} | changes
    done = subprocess.run(
        [sys.executable, "-c", CODE, *addresses], capture_output=True, encoding="utf-8", env=environment, check=False
    )
    assert done.returncode == 0, done.stderr
    # nothing of the clients' bars and warnings gets in between
    assert done.stderr == ""
    return dict(zip(addresses, map(json.loads, done.stdout.splitlines()), strict=True))


@pytest.fixture(scope="module")
def online(world: World) -> dict[str, dict[str, Any]]:
    return outcomes(world, *ONLINE)


def expected(demo: list[Record], splits: dict[str, slice]) -> list[list[Any]]:
    """Return the documents as BigBio has them: the passages joined by a space."""
    rows = []
    for split, place in splits.items():
        for record in demo[place]:
            value = KbRecords().record(record.document, record.annotation or Annotation())
            text = " ".join(passage["text"][0] for passage in value["passages"])
            entities = [[one["type"], *one["offsets"]] for one in value["entities"]]
            rows.append([split, record.document.id, text, entities])
    return rows


@pytest.mark.slow
def test_all_splits_of_a_dataset_of_data_files_are_read_and_the_commit_and_licence_are_known(
    world: World, online: dict[str, dict[str, Any]], demo: list[Record]
) -> None:
    found = online["hf:trial/ours"]
    commit = world.hub.repositories["trial/ours"].commit("main")
    assert found["address"] == f"hf:trial/ours@{commit}:ours_bigbio_kb"
    assert found["documents"] == expected(demo, {"train": slice(0, 3), "test": slice(3, 5)})
    assert (found["license"], found["notes"], found["rows"]) == ("cc-by-4.0", [], [5, 5])
    assert online["hf:trial/ours:ours_bigbio_kb"] == found
    old = online["hf:trial/ours@v1"]
    assert old["documents"] == expected(demo, {"train": slice(0, 2)})
    assert old["address"] != found["address"]


def test_of_a_loading_script_the_hubs_own_parquet_copy_is_read(
    world: World, online: dict[str, dict[str, Any]], demo: list[Record]
) -> None:
    found = online["hf:bigbio/scripted"]
    commit = world.hub.repositories["bigbio/scripted"].commit(EXPORT)
    assert found["address"] == f"hf:bigbio/scripted@{commit}:scripted_bigbio_kb"
    assert found["documents"] == expected(demo, {"train": slice(0, 3), "validation": slice(3, None)})
    assert "loading script" in found["notes"][0]
    # on the branch with the script, there is a card
    assert found["license"] == "other"
    assert not [request for request in world.hub.asked if request.endswith("scripted.py")]


@pytest.mark.parametrize(
    ("address", "error", "parts"),
    [
        ("hf:trial/ours:ours_source", "FormatError", ["not in BigBio's kb schema", "in that schema it has ours_bigb"]),
        ("hf:trial/text", "FormatError", ["its columns are 'id', 'document_id'", "configurations are text_bigbio_t"]),
        ("hf:bigbio/scripted:scripted_source", "FormatError", ["in that schema it has scripted_bigbio_kb"]),
        ("hf:trial/ours:other", "CorpusError", ["no configuration 'other'", "ours_bigbio_kb, ours_source"]),
        ("hf:trial/two", "CorpusError", ["so name one", "two_a_bigbio_kb, two_b_bigbio_kb"]),
        ("hf:trial/ours@v2", "CorpusError", ["has no revision 'v2'"]),
        ("hf:bigbio/only_script", "CorpusError", ["consists of a loading script", "refs/convert/parquet", "save_to"]),
        ("hf:bigbio/gated", "CorpusError", ["is gated", "https://huggingface.co/datasets/bigbio/gated", "HF_TOKEN"]),
        ("hf:bigbio/nothing", "CorpusError", ["has no such dataset", "HF_TOKEN"]),
        ("hf:trial/hidden", "CorpusError", ["has no such dataset, or it is private"]),
    ],
)
def test_what_cannot_be_read_is_said_with_what_to_do(
    online: dict[str, dict[str, Any]], address: str, error: str, parts: list[str]
) -> None:
    found = online[address]
    assert found.get("error") == error, found
    # a message may name the commit, too
    repository, _, config = address.removeprefix("hf:").partition("@")[0].partition(":")
    assert re.match(rf"hf:{repository}(@\w+)?(:{config})?\b", found["message"])
    for part in parts:
        assert part in found["message"]


@pytest.mark.slow
def test_without_the_hub_the_cache_is_read_and_what_is_not_there_is_said(
    world: World, online: dict[str, dict[str, Any]]
) -> None:
    v1 = world.hub.repositories["trial/ours"].commit("v1")
    addresses = [address.format(v1=v1) for address in OFFLINE]
    before = len(world.hub.asked)
    # both ways in which the hub cannot be asked
    for changes in ({"HF_HUB_OFFLINE": "1"}, {"HF_ENDPOINT": "http://127.0.0.1:9"}):
        found = outcomes(world, *addresses, **changes)
        for address in ("hf:trial/ours:ours_bigbio_kb", "hf:trial/ours", "hf:bigbio/scripted"):
            assert "copy in this machine's cache" in found[address]["notes"][0]
            assert found[address] | {"notes": []} == online[address] | {"notes": []}
        old = found[f"hf:trial/ours@{v1}:ours_bigbio_kb"]
        assert old["documents"] == online["hf:trial/ours@v1"]["documents"]
        assert old["address"] == online["hf:trial/ours@v1"]["address"]
        missing = found["hf:trial/unseen"]["message"]
        assert "not in this machine's cache" in missing
        assert ("HF_HUB_OFFLINE forbids" if "HF_HUB_OFFLINE" in changes else "cannot be reached") in missing
        # another commit than the one that is asked for is not taken for it
        assert "at the revision main" in found["hf:bigbio/scripted@main"]["message"]
    assert len(world.hub.asked) == before


@pytest.mark.slow
def test_a_parquet_copy_that_was_not_downloaded_whole_is_not_read(
    world: World, online: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    home = tmp_path / "home"
    shutil.copytree(world.home, home, symlinks=True)
    (lost,) = home.rglob("scripted_bigbio_kb/validation/0000.parquet")
    lost.unlink()
    found = outcomes(world._replace(home=home), "hf:bigbio/scripted", HF_HUB_OFFLINE="1")
    assert "error" in found["hf:bigbio/scripted"]


@pytest.mark.slow
def test_a_token_opens_a_private_dataset_and_is_in_no_message(world: World, tmp_path: Path) -> None:
    private = "hf:trial/hidden"
    assert "documents" in outcomes(world, private, HF_TOKEN=TOKEN)[private]
    # the client also takes it from a file
    file = tmp_path / "token"
    file.write_text(TOKEN)
    for changes in ({"HF_TOKEN": TOKEN}, {"HF_TOKEN_PATH": str(file)}):
        found = outcomes(world, "hf:trial/leaky", **changes)["hf:trial/leaky"]
        assert "refused" in found["message"]
        assert TOKEN not in found["message"]
        assert "***" in found["message"]


@pytest.mark.slow
def test_a_commit_names_the_same_dataset_when_the_branch_has_moved(
    world: World, online: dict[str, dict[str, Any]]
) -> None:
    hub, before = world.hub, world.hub.repositories["trial/ours"]
    address = online["hf:trial/ours"]["address"]
    moved = {**before.branches["main"], "NEWS.md": b"more to come"}
    hub.repositories["trial/ours"] = Repository({**before.branches, "kept": before.branches["main"], "main": moved})
    try:
        found = outcomes(world, address, "hf:trial/ours")
    finally:
        hub.repositories["trial/ours"] = before
    assert found[address] == online["hf:trial/ours"]
    assert commit_of(moved) in found["hf:trial/ours"]["address"]
