"""A round on a Ray cluster: its models, picks and predictions are those of this machine, whatever is killed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psutil
import pytest

from biorat_al.cluster.connection import Connected, connected
from biorat_al.cluster.needs import TaskNeeds
from biorat_al.corpus.model.document import Document
from biorat_al.errors import ClusterError
from biorat_al.learner.encoder.encoder import Encoder
from biorat_al.learner.types import TrainedModel
from biorat_al.progress import SILENT
from biorat_al.project import Project
from biorat_al.rounds.computing.on_ray import OnRay, on_cluster
from biorat_al.settings import COMMITTEE
from biorat_al.store.models import models_of
from tests.rounds.computing.contract import ComputeContract
from tests.rounds.computing.orders import chunked, order
from tests.support.commands import call, call_process, one_sentence
from tests.support.ray_cluster import HEAD, SECOND, TwoNodes, ray_settings
from tests.support.rounds import make_project, picture_of, settings_for

pytestmark = [
    pytest.mark.slow(20),
    pytest.mark.skipif(find_spec("ray") is None, reason="Ray is missing: pip install -e '.[cluster]'"),
]

SECONDS = 300.0
"""How long to wait for what takes a few seconds on a machine that does nothing else."""

NEEDS = TaskNeeds(cpus=1, gpus=0.0, memory=100_000_000, threads=1)


@pytest.fixture(scope="module")
def connection() -> Iterator[Connected]:
    """Return Ray on this machine."""
    with ray_settings(), connected(None, 1) as connection:
        yield connection


@pytest.mark.usefixtures("one_thread")
class TestOnRay(ComputeContract):
    """A cluster of one node."""

    @pytest.fixture
    def compute(self, connection: Connected) -> OnRay:
        # two places, however many cores the machine has: each worker asks for a chunk as soon as it is there
        needs = replace(NEEDS, cpus=max(1, int(connection.ray.cluster_resources()["CPU"]) // 2))
        return OnRay(connection, needs, needs)

    def test_workers_that_are_lost_again_and_again_are_an_error(
        self, compute: OnRay, model: TrainedModel, encoder: Encoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        chunks = chunked([Document("1", "Aspirin helps.")], 1)
        monkeypatch.setattr("biorat_al.rounds.computing.on_ray.predicted_on_ray", _lost)
        with pytest.raises(ClusterError, match=r"the prediction of the pool was lost 3 times in a row, for want of"):
            list(compute.predict(model.folder, chunks))

        def dying(*arguments: Any) -> None:
            os.kill(os.getpid(), signal.SIGKILL)

        monkeypatch.setattr("biorat_al.rounds.computing.on_ray.train_in_worker", dying)
        with pytest.raises(ClusterError, match=r"the training of none was lost 3 times in a row, for want of memory"):
            list(compute.train([order(tmp_path)], encoder, SILENT))
        assert list(tmp_path.iterdir()) == []


@pytest.mark.timeout(600)
@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="this machine has one core: no task with two would begin")
def test_a_round_on_several_threads_ends_as_one_of_this_machine(tmp_path: Path, tiny_encoder: Path) -> None:
    """Members of a committee share the threads in training, and the prediction has them all."""
    settings = {"computing": {"side_by_side": True}, "cluster": {"memory": 0.2}}
    here = _project(tmp_path / "here", tiny_encoder, **settings)
    there = Path(shutil.copytree(here, tmp_path / "there"))
    pictures = []
    for words in (("--project", here), ("--project", there, "--ray")):
        # Ray may run in this process already
        with ray_settings():
            done = call_process("round", *words, OMP_NUM_THREADS="2")
        assert done.code == 0, done.err
        with Project.open(words[1]) as project:
            pictures.append(picture_of(project))
            with project.store.read() as session:
                trained = [row for arm, row in models_of(session, 1).items() if arm != COMMITTEE]
                assert {row.summary["threads"] for row in trained} == {1}
    assert pictures[0] == pictures[1]


def test_a_process_that_predicts_has_all_threads_and_a_task_that_trains_its_share(
    tmp_path: Path, tiny_encoder: Path, connection: Connected, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def there(*_: Any) -> Iterator[Connected]:
        yield connection

    monkeypatch.setattr("biorat_al.rounds.computing.on_ray.connected", there)
    monkeypatch.setattr("biorat_al.rounds.computing.on_ray.check_nodes", lambda *_: None)
    monkeypatch.setattr("torch.get_num_threads", lambda: 6)
    of_committee = {"training": {"committee": True}, "computing": {"side_by_side": True}}
    for changes, numbers in (
        (of_committee, (3, 6)),
        ({**of_committee, "computing": {"side_by_side": False}}, (6, 6)),
        ({**of_committee, "cluster": {"threads": 4}}, (4, 4)),
        ({}, (6, 6)),
    ):
        settings = settings_for(tiny_encoder, **changes)
        with (
            make_project(tmp_path / f"trial-{numbers}-{len(changes)}", settings) as project,
            on_cluster(settings, project.store, None, SILENT) as compute,
        ):
            assert (compute.training.threads, compute.predicting.threads) == numbers
            assert (compute.training.cpus, compute.predicting.cpus) == numbers


def _lost(*arguments: Any) -> Iterator[Any]:
    from ray.exceptions import ActorDiedError

    raise ActorDiedError


def test_a_cluster_that_does_not_answer_leaves_the_round_alone(tmp_path: Path, tiny_encoder: Path) -> None:
    with make_project(tmp_path / "trial", settings_for(tiny_encoder)):
        pass
    done = call("round", "--project", tmp_path / "trial", "--ray", "127.0.0.1:9")
    assert "no Ray cluster answers at 127.0.0.1:9" in one_sentence(done)
    with Project.open(tmp_path / "trial") as project:
        assert project.status(ask_desk=False).rounds == ()


@pytest.mark.slow(60)
@pytest.mark.timeout(1200)
@pytest.mark.usefixtures("one_thread")
def test_a_round_whose_process_node_and_worker_are_killed_ends_as_one_of_this_machine(
    two_nodes: TwoNodes, tmp_path: Path, tiny_encoder: Path
) -> None:
    here = _project(tmp_path / "here", tiny_encoder)
    there = Path(shutil.copytree(here, tmp_path / "there"))
    with Project.open(here) as project:
        project.round()
        expected = picture_of(project)

    words = ("round", "--project", there, "--ray", two_nodes.address)
    first = two_nodes.start(*words)
    _when(first, lambda: two_nodes.workers(HEAD, "train_in_worker"))
    first.kill()
    first.communicate()
    # its tasks end with it
    _until(lambda: not any(two_nodes.workers(host, "train_in_worker") for host in (HEAD, SECOND)))

    second = two_nodes.start(*words)
    try:
        _when(second, lambda: two_nodes.workers(SECOND, "train_in_worker"))
        two_nodes.kill_node(SECOND)
        _when(second, lambda: two_nodes.workers(HEAD, "PoolWorker"))[0].kill()
        out, err = second.communicate(timeout=SECONDS)
    finally:
        two_nodes.start_node(SECOND)
    assert second.returncode == 0, (out, err)
    assert "is trained again" in err
    with Project.open(there) as project:
        assert picture_of(project) == expected
        with project.store.read() as session:
            assert {row.summary["threads"] for row in models_of(session, 1).values()} == {1}
    assert [path.name for path in (there / "models").iterdir() if path.name.startswith(".")] == []


def _project(folder: Path, encoder: Path, **changes: Any) -> Path:
    """Make a project of two arms and their committee after its first round."""
    changes = {"cluster": {"threads": 1, "memory": 0.2}, **changes}
    settings = settings_for(encoder, training={"epochs": 1, "min_steps": 40, "committee": True}, **changes)
    with make_project(folder, settings, pool=20, test=1) as project:
        project.round()
    return folder


def _when(process: subprocess.Popen[str], found: Callable[[], list[psutil.Process]]) -> list[psutil.Process]:
    """Return what is found while a command runs, as soon as there is something."""
    some: list[psutil.Process] = []

    def is_there() -> bool:
        some[:] = found()
        assert some or process.poll() is None, process.communicate()
        return bool(some)

    _until(is_there)
    return some


def _until(is_true: Callable[[], bool]) -> None:
    end = time.monotonic() + SECONDS
    while not is_true():
        assert time.monotonic() < end, "that takes too long"
        time.sleep(0.05)
