"""A corpus is borrowed by its name on a hub, which is one on the loopback, through the command line."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from biorat_al.corpus.formats.bigbio.details import CardDetails
from biorat_al.corpus.model.document import Annotation
from biorat_al.demo.corpus import read_demo_corpus
from tests.support.bigbio import write_bigbio
from tests.support.commands import Outcome, call, call_process, nowhere
from tests.support.hub import Hub, Repository, files_of, serving
from tests.support.rounds import demo_files

__all__ = ["nowhere"]

POOL, TEST = 12, 3


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    folder = tmp_path_factory.mktemp("hub") / "ours"
    # the first document is one of the pool
    demo = [(record.document, record.annotation or Annotation()) for record in read_demo_corpus()]
    splits = {"train": [demo[0], *demo[20:24]], "test": demo[24:26]}
    write_bigbio(folder, "ours", splits, CardDetails(license="cc-by-4.0"))
    with serving({"trial/ours": Repository({"main": files_of(folder)})}) as hub:
        yield hub


@pytest.mark.slow(60)
def test_a_corpus_of_the_hub_is_borrowed_by_name_and_again_offline_by_its_commit(
    tmp_path: Path, hub: Hub, tiny_encoder: Path, nowhere: Path
) -> None:
    pool, test = demo_files(tmp_path / "files", pool=POOL, test=TEST)

    def init(name: str, address: str, **environment: str) -> Outcome:
        return call_process(
            "init", tmp_path / name, "--documents", pool, "--test-documents", test, "--gold", "--entity", "Chemical",
            "--entity", "Disease", "--encoder", tiny_encoder, "--borrow", address, HF_HOME=str(tmp_path / "home"),
            HF_ENDPOINT=hub.address, **environment,
        )  # fmt: skip

    def kept(name: str) -> dict[str, Any]:
        (corpus,) = json.loads((tmp_path / name / "borrowed" / "corpora.json").read_text(encoding="utf-8"))
        found: dict[str, Any] = corpus
        return found

    done = init("first", "hf:trial/ours")
    assert done.code == 0, done.err
    corpus = kept("first")
    commit = hub.repositories["trial/ours"].commit("main")
    address = f"hf:trial/ours@{commit}:ours_bigbio_kb"
    assert corpus["name"] == address
    assert corpus["license"] == "cc-by-4.0"
    assert corpus["splits"] == {"train": 4, "test": 2}
    assert sum(corpus["left_out"].values()) == 1
    settings = tomllib.loads((tmp_path / "first" / "biorat.toml").read_text(encoding="utf-8"))
    assert settings["borrow"]["corpora"] == [{"file": corpus["file"], "name": address, "license": "cc-by-4.0"}]
    said = " ".join(f"{done.out} {done.err}".split())
    assert f"{address} (6 documents; licence: cc-by-4.0)" in said
    assert "with splits train, test" in said

    asked = len(hub.asked)
    again = init("again", address, HF_HUB_OFFLINE="1")
    assert again.code == 0, again.err
    assert kept("again") == corpus
    assert len(hub.asked) == asked

    missing = init("missing", "hf:trial/nothing")
    assert missing.code == 1
    assert "hf:trial/nothing: the Hugging Face hub has no such dataset" in " ".join(missing.err.split())
    assert not (tmp_path / "missing").exists()


def test_what_does_not_name_a_dataset_is_refused_before_anything_is_read(tmp_path: Path, nowhere: Path) -> None:
    (tmp_path / "pool.txt").write_text("Aspirin helps.", encoding="utf-8")
    done = call(
        "init", tmp_path / "trial", "--documents", tmp_path / "pool.txt", "--entity", "Disease", "--borrow", "hf:bc5cdr"
    )
    assert done.code == 2
    assert "write hf:OWNER/NAME[@REVISION][:CONFIG]" in " ".join(done.err.split())
