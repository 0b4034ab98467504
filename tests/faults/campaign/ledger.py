"""One line of JSON for each trial, and the table of what they came to."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

HARMS = ("lost", "doubled", "silent", "unclear", "left behind", "secrets")
"""What may not happen: work is gone; work is there twice; something is wrong and nobody was told; the message is a
traceback or no way out; a file is left that nobody needs; a secret is shown."""


@dataclass(frozen=True)
class Trial:
    """A fault that was tried.

    :param kind: ``kills``, ``signals``, ``network``, ``postgres``, ``files``.
    :param what: the command, or the format.
    :param fault: what was done, and where.
    :param harms: each harm that came of it, with what was seen.
    """

    kind: str
    what: str
    fault: str
    harms: dict[str, str] = field(default_factory=dict)
    number: int = 1
    seconds: float = 0.0

    @property
    def key(self) -> tuple[str, str, str]:
        """What a resumed campaign knows it by."""
        return self.kind, self.what, self.fault


class Ledger:
    """The trials of a campaign in a file, to which each is added when it is done.

    :param path: None keeps them in memory.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self.trials: list[Trial] = []
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            self.trials = list(_read(path))
        self._known = {trial.key for trial in self.trials}

    def has(self, kind: str, what: str, fault: str) -> bool:
        """Whether this was tried before."""
        return (kind, what, fault) in self._known

    def add(self, trial: Trial) -> None:
        """Write a trial down."""
        assert set(trial.harms) <= set(HARMS), trial.harms
        self.trials.append(trial)
        self._known.add(trial.key)
        if self._path is not None:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(trial), ensure_ascii=True) + "\n")

    def tried(self, kind: str) -> int:
        """How many faults of a kind were tried."""
        return sum(trial.number for trial in self.trials if trial.kind == kind)

    @property
    def harmed(self) -> list[Trial]:
        """The trials in which something did not hold."""
        return [trial for trial in self.trials if trial.harms]


def _read(path: Path) -> Iterator[Trial]:
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                yield Trial(**json.loads(line))
            except ValueError:
                continue  # the campaign itself was killed while it wrote


def table(trials: Iterable[Trial]) -> list[list[str]]:
    """Count what was tried and what held, by kind and command, with a sum at the end of each kind."""
    groups: defaultdict[str, defaultdict[str, list[Trial]]] = defaultdict(lambda: defaultdict(list))
    for trial in trials:
        groups[trial.kind][trial.what].append(trial)
    rows = [["kind", "what", "tried", "held", *HARMS, "minutes"]]
    for kind, parts in groups.items():
        for what, some in sorted(parts.items()):
            rows.append([kind, what, *_counts(some)])
        if len(parts) > 1:
            rows.append([kind, "all", *_counts([trial for some in parts.values() for trial in some])])
    return rows


def _counts(trials: list[Trial]) -> list[str]:
    harms = Counter(harm for trial in trials for harm in trial.harms)
    tried = sum(trial.number for trial in trials)
    held = tried - sum(bool(trial.harms) for trial in trials)
    minutes = sum(trial.seconds for trial in trials) / 60
    return [f"{tried:,}", f"{held:,}", *(str(harms[harm]) for harm in HARMS), f"{minutes:.1f}"]


def markdown(rows: list[list[str]]) -> str:
    """Write rows as a table that reads well as text, too: words to the left, numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    aligned = [[cell.ljust(width) for cell, width in zip(row[:2], widths[:2], strict=True)] for row in rows]
    for line, row in zip(aligned, rows, strict=True):
        line += [cell.rjust(width) for cell, width in zip(row[2:], widths[2:], strict=True)]
    ruler = ["-" * width for width in widths[:2]] + ["-" * (width - 1) + ":" for width in widths[2:]]
    return "\n".join(f"| {' | '.join(line)} |" for line in [aligned[0], ruler, *aligned[1:]])
