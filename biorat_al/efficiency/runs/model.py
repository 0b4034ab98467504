"""What simulation writes and statistics read: runs, each a row of models trained on more and more labels.

A run is kept as one line of JSON, so that anyone can read it with whatever they have at hand.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from biorat_al.errors import CorpusError
from biorat_al.files import replacing
from biorat_al.learner.counts import Counts
from biorat_al.store.evaluations import Triple

Kind = Literal["simulated", "passive", "full", "live"]


class _FrozenModel(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ConfidenceBin(_FrozenModel):
    """Proposed mentions with confidences in one of the equal parts of [0, 1].

    :param count: how many there are.
    :param confidence: sum of their confidences.
    :param right: how many of them are right.
    """

    count: int
    confidence: float
    right: int


class Point(_FrozenModel):
    """One model of a run: what it learnt from and what it came to.

    :param round: of the project that trained it.
    :param documents: labelled documents that it learnt from, its development part included.
    :param tokens: word pieces in them.
    :param mentions: annotated mentions in them.
    :param picks: ids of the documents that came on top of the point before, in the order of the picks.
    :param counts: strict span counts, all labels together, by test document; what intervals are resampled from.
    :param by_label: the same by label, all test documents together.
    :param cost: what training it took: ``forward_passes`` and ``backward_passes`` (of batches),
        ``adversarial_steps``, ``steps``, ``tokens`` (word pieces in all passes, padding left out), ``seconds``,
        ``peak_memory`` (bytes; 0 where the machine cannot say).
    :param reliability: proposed mentions on the test documents by confidence, in equal bins from 0 to 1; empty where
        that was not measured.
    :param robustness: condition (``typos``, ``case``, ``swap``) → test document → counts under it; empty where that
        was not measured.
    :param seconds: by step of the round.
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

    @property
    def f1(self) -> float:
        """Strict span F1 over all test documents, a fraction; see :func:`f1_of`."""
        return f1_of(self.counts.values())


class Run(_FrozenModel):
    """A row of models.

    :param id: unique among the runs that are kept together.
    :param kind: ``simulated`` (chose for itself), ``passive`` (trained on what another run chose), ``full`` (trained
        once, on the whole pool), ``live`` (a real project: its selecting arm chose for all).
    :param corpus: what it ran on, in words.
    :param strategy: query strategy that chose the documents.
    :param seed: runs of one seed share the first batch, the order of the data and the first weights: they are pairs.
    :param selected_by: id of the run, or name of the arm, whose model chose the documents; None: its own.
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


def f1_of(counts: Iterable[Triple]) -> float:
    """Strict span F1 of summed counts: 2tp / (2tp + fp + fn); 1 where there is nothing to find and nothing was said."""
    tp, fp, fn = (sum(column) for column in zip((0, 0, 0), *counts, strict=True))
    return Counts(tp, fp, fn).f1


def read_runs(*paths: Path) -> list[Run]:
    """Read runs from files with one run a line; a folder stands for all ``*.jsonl`` files in it and below.

    :raises CorpusError: a file is missing or a line is not a run; names both.
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
    """Write one run a line, the same bytes for the same runs; under a temporary name first."""
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
