"""How many of the picks of `mnlp` are among the candidates, if only a part of the pool is predicted.

Reads projects whose rounds have predicted the whole pool, for example those in the folder `work` of a simulation, also
while it runs. For the newest round of each, the candidates are chosen again as a round with a large
pool does: a random sample with its measures, a guess for all others, the highest. The overlap is the share of the
documents (or sentences) with the highest measure, as many as the round has picked, that are among the candidates.

    python benchmarks/candidates.py PROJECT ... [--shares 0.35 0.5 0.7] [--at-random 0.1 0.25 0.5] [--seeds 3]
        [--output FILE]
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import statistics
import time
from collections import defaultdict
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from biorat_al.acquisition.guess import Guess, highest


@dataclass(frozen=True, slots=True)
class Measured:
    """What the newest model of a project has measured in its pool.

    :param earlier: the measure by the model of the round before, NaN where it has none, shape (n,).
    :param measured: shape (n,).
    :param picks: how many documents the round has picked.
    """

    project: str
    round: int
    texts: list[str]
    earlier: NDArray[np.float64]
    measured: NDArray[np.float64]
    picks: int


def read_project(folder: Path) -> Measured | None:
    """Return what the newest round that has selected predicted; None if no round has."""
    with closing(sqlite3.connect(f"file:{folder / 'biorat.sqlite3'}?mode=ro", uri=True)) as connection:
        selected = (
            "SELECT max(s.round_number) FROM step s JOIN step p ON p.round_number = s.round_number "
            "WHERE s.name = 'select' AND s.state = 'done' AND p.name = 'predict' AND p.state = 'done'"
        )
        (number,) = connection.execute(selected).fetchone()
        if number is None:
            return None
        rows = connection.execute(
            "SELECT d.text, p.mnlp, p.earlier_mnlp FROM prediction p JOIN document d ON d.id = p.document_id "
            "JOIN model m ON m.version = p.model_version WHERE m.round_number = ? AND m.selecting = 1 ORDER BY d.id",
            (number,),
        ).fetchall()
        (picks,) = connection.execute("SELECT count(*) FROM pick WHERE round_number = ?", (number,)).fetchone()
    histories = [json.loads(earlier) for *_, earlier in rows]
    return Measured(
        folder.name,
        number,
        [text for text, *_ in rows],
        np.array([history[0] if history else np.nan for history in histories], dtype=np.float64),
        np.array([mnlp for _, mnlp, _ in rows], dtype=np.float64),
        picks,
    )


def overlap(state: Measured, share: float, at_random: float, seed: int) -> dict[str, Any]:
    """Return which share of the documents with the highest measure is among the candidates.

    :param share: of the pool that is predicted.
    :param at_random: share of the candidates that is drawn at random.
    """
    began = time.process_time()
    texts, number = np.array(state.texts, dtype=object), round(share * len(state.texts))
    order = np.random.default_rng(seed).permutation(len(texts))
    drawn = round(at_random * number)
    sample, others = order[:drawn], np.sort(order[drawn:])
    guess = Guess(texts[sample].tolist(), state.earlier[sample], state.measured[sample])
    likely = others[highest(guess.of(texts[others].tolist(), state.earlier[others]), number - drawn)]
    picks = highest(state.measured, state.picks)
    found = np.isin(picks, np.concatenate([sample, likely]))
    return {
        "project": state.project,
        "round": state.round,
        "pool": len(texts),
        "picks": state.picks,
        "has_earlier": bool(np.isfinite(state.earlier).any()),
        "share": share,
        "at_random": at_random,
        "seed": seed,
        "overlap": float(found.mean()),
        "seconds": round(time.process_time() - began, 2),
    }


def table(rows: list[dict[str, Any]]) -> str:
    """Return mean overlaps by share and random share, without and with earlier measures."""
    found: dict[tuple[bool, float, float], list[float]] = defaultdict(list)
    for row in rows:
        found[row["has_earlier"], row["share"], row["at_random"]].append(row["overlap"])
    lines = [f"{'earlier':<10}{'share':>8}{'random':>8}{'overlap':>9}{'lowest':>9}{'n':>5}"]
    for (earlier, share, at_random), values in sorted(found.items()):
        mean = statistics.mean(values)
        line = (
            f"{'yes' if earlier else 'no':<10}{share:>8}{at_random:>8}{mean:>9.3f}{min(values):>9.3f}{len(values):>5}"
        )
        lines.append(line)
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("projects", type=Path, nargs="+")
    parser.add_argument("--shares", type=float, nargs="+", default=[0.35, 0.5, 0.7])
    parser.add_argument("--at-random", type=float, nargs="+", default=[0.1, 0.25, 0.5])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--output", type=Path, help="JSON lines, to which a row is added for each draw")
    options = parser.parse_args()
    states = [state for folder in options.projects if (state := read_project(folder)) is not None]
    rows = [
        overlap(state, share, at_random, seed)
        for state in states
        for share in options.shares
        for at_random in options.at_random
        for seed in range(options.seeds)
    ]
    if options.output:
        with options.output.open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(row) + "\n" for row in rows)
    print(table(rows))


if __name__ == "__main__":
    main()
