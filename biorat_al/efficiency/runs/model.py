"""Runs and their points: what a simulation writes and the statistics read.

A run is a sequence of models trained on more and more labels. It is kept as one line of JSON, which any tool can read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from biorat_al.acquisition.price.price import Price
from biorat_al.acquisition.price.work import Work
from biorat_al.errors import CorpusError
from biorat_al.files import replacing
from biorat_al.learner.counts import Counts
from biorat_al.store.evaluations import Triple

Kind = Literal["simulated", "passive", "full", "live"]


class _FrozenModel(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ConfidenceBin(_FrozenModel):
    """The proposed mentions whose confidence falls into one bin of [0, 1], as a run's file keeps them.

    :param count: number of mentions.
    :param confidence: sum of their confidences.
    :param right: number of correct mentions.
    """

    count: int
    confidence: float
    right: int


class Point(_FrozenModel):
    """One model of a run: what it learnt from and how well it did.

    :param round: round in which the model was trained.
    :param documents: labelled documents that it learnt from, its development part included; in a project that asks for
        sentences, each of these counts as the share of its document that it is.
    :param tokens: word pieces in these documents.
    :param mentions: annotated mentions in these documents.
    :param picks: ids of the documents added since the previous point, in the order of the picks.
    :param counts: strict span counts of all labels together, by test document. Intervals are computed from them.
    :param by_label: strict span counts of all test documents together, by label.
    :param cost: cost of training: ``forward_passes`` and ``backward_passes`` (of batches), ``adversarial_steps``,
        ``steps``, ``tokens`` (word pieces in all passes, without padding), ``seconds``, ``peak_memory`` (bytes; 0 if
        the machine does not report it).
    :param reliability: mentions proposed on the test documents, in bins of confidence of equal width from 0 to 1;
        empty if this was not measured.
    :param robustness: condition (``typos``, ``case``, ``swap``) → test document → counts under this condition; empty
        if this was not measured.
    :param seconds: duration of each step of the round.
    :param work: what annotators did in these documents, up to this point; None in runs by older versions of the
        program, which did not count it.
    :param hours: the expected hours of this work at a price; see :func:`priced`. They are not kept in files.
    """

    round: int
    documents: int
    tokens: int
    mentions: int
    picks: tuple[str, ...] = ()
    counts: Mapping[str, Triple]
    by_label: Mapping[str, Triple]
    cost: Mapping[str, float]
    reliability: tuple[ConfidenceBin, ...] = ()
    robustness: Mapping[str, Mapping[str, Triple]] = Field(default_factory=dict)
    seconds: Mapping[str, float] = Field(default_factory=dict)
    work: Work | None = None
    hours: float | None = Field(default=None, exclude=True)

    @property
    def f1(self) -> float:
        """Strict span F1 over all test documents, as a fraction; see :func:`f1_of`."""
        return f1_of(self.counts.values())


class Run(_FrozenModel):
    """The models of one arm with one seed, in the order in which they were trained.

    :param id: unique among the runs that are kept together.
    :param kind: ``simulated`` (chose its own documents), ``passive`` (trained on the documents that another run
        chose), ``full`` (trained once, on the whole pool), ``live`` (a real project: its selecting arm chose for all).
    :param corpus: name of the corpus.
    :param strategy: query strategy that chose the documents.
    :param seed: runs with the same seed share the first batch, the order of the data and the initial weights, so that
        they can be compared as pairs.
    :param selected_by: id of the run, or name of the arm, whose model chose the documents; None if this run did.
    :param provenance: settings, versions, hashes of the data (JSON values).
    """

    id: str
    kind: Kind
    corpus: str
    encoder: str
    arm: str
    strategy: str
    seed: int
    selected_by: str | None = None
    points: tuple[Point, ...]
    provenance: Mapping[str, Any] = Field(default_factory=dict)


def priced(runs: Iterable[Run], price: Price) -> list[Run]:
    """Return the runs with the hours of each point at this price; points whose work is unknown have none."""
    return [
        run.model_copy(
            update={
                "points": tuple(
                    point.model_copy(update={"hours": None if point.work is None else price.hours(point.work)})
                    for point in run.points
                )
            }
        )
        for run in runs
    ]


def f1_of(counts: Iterable[Triple]) -> float:
    """Return strict span F1 of summed counts, as :attr:`~biorat_al.learner.counts.Counts.f1` defines it."""
    tp, fp, fn = (sum(column) for column in zip((0, 0, 0), *counts, strict=True))
    return Counts(tp, fp, fn).f1


def read_runs(*paths: Path) -> list[Run]:
    """Read runs from files with one run per line; a folder stands for all ``*.jsonl`` files in it and below.

    :raises CorpusError: a file is missing, or a line is not a run; the message names the file and the line.
    """
    runs: dict[str, Run] = {}
    for path in paths:
        files = sorted(path.rglob("*.jsonl")) if path.is_dir() else [path]
        for file in files:
            try:
                lines = file.read_text(encoding="utf-8").splitlines()
            except FileNotFoundError:
                raise CorpusError(f"there is no file {file} with runs") from None
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    run = _parse(line, file, number)
                    runs[run.id] = run
    return list(runs.values())


def write_runs(path: Path, runs: Sequence[Run]) -> None:
    """Write one run per line, under a temporary name first; the same runs give the same bytes."""
    with replacing(path) as partial:
        partial.write_text("".join(run.model_dump_json() + "\n" for run in runs), encoding="utf-8")


def _parse(line: str, file: Path, number: int) -> Run:
    try:
        return Run.model_validate_json(line)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise CorpusError(
            f"{file}, line {number}: this is not a run ({place + ': ' if place else ''}{first['msg']})"
        ) from None
