"""Run the campaign and print its table.

    python -m tests.faults.campaign                               all of it: about an hour on two cores
    python -m tests.faults.campaign --kills 50 --files 2000       parts of it; what is not named is left out
    python -m tests.faults.campaign --results campaign.jsonl      go on with what was tried before
    python -m tests.faults.campaign --results a.jsonl --table     only the table

Exits with status 1 unless everything held.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tests.faults.campaign.ledger import Ledger, Trial, markdown, table

TARGETS = {"kills": 1_000, "signals": 200, "network": 1_000, "labelstudio": 60, "postgres": 60, "files": 100_000}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is asked for; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for kind, target in TARGETS.items():
        parser.add_argument(f"--{kind}", type=int, metavar="N", help=f"how many [{target:,} if none is named]")
    parser.add_argument("--seconds", type=float, default=7200, metavar="LIMIT", help="begin nothing after so long")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--results", type=Path, nargs="+", default=[], metavar="FILE", help="the first grows")
    parser.add_argument("--scenes", nargs="*", metavar="NAME", help="only these commands")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep files that did harm")
    parser.add_argument("--table", action="store_true", help="try nothing")
    given = parser.parse_args(arguments)
    counts = {kind: getattr(given, kind) for kind in TARGETS}
    if all(count is None for count in counts.values()):
        counts = dict(TARGETS)
    ledger = Ledger(given.results[0] if given.results else None)
    if not given.table:
        _run(ledger, {kind: count or 0 for kind, count in counts.items()}, given)
    others = [trial for path in given.results[1:] for trial in Ledger(path).trials]
    return show([*ledger.trials, *others])


def _run(ledger: Ledger, counts: dict[str, int], given: argparse.Namespace) -> None:
    stop = time.time() + given.seconds
    if counts["files"]:
        from tests.faults.campaign.files import hostile_files

        hostile_files(ledger, counts["files"], given.seed, stop, given.keep)
    if counts["kills"] or counts["signals"]:
        from tests.faults.campaign.kills import Play, kills_at_borders, kills_at_random, signals
        from tests.faults.campaign.processes import load_libraries
        from tests.faults.campaign.scenes import Stage, scenes

        chosen = [scene for scene in scenes() if not given.scenes or scene.name in given.scenes]
        if any(scene.name.split()[0] != "convert" for scene in chosen):
            load_libraries()
        with Stage() as stage:
            plays = []
            for place, scene in enumerate(chosen, start=1):
                if time.time() < stop:
                    plays.append(Play(stage, scene))
                    kills_at_borders(ledger, plays[-1], counts["kills"], given.seed, stop)
                    signals(ledger, plays[-1:], counts["signals"] * place // len(chosen), given.seed, stop)
            kills_at_random(ledger, plays, counts["kills"], given.seed, stop)
    if counts["network"] or counts["labelstudio"]:
        from tests.faults.campaign.network import network

        network(ledger, counts["network"], counts["labelstudio"], given.seed, stop)
    if counts["postgres"]:
        from tests.faults.campaign.postgres import postgres

        postgres(ledger, counts["postgres"], given.seed, stop)


def show(trials: Sequence[Trial]) -> int:
    """Print the table, and what did not hold; return the exit status."""
    print(markdown(table(trials)))
    machine = f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}"
    print(f"\n{machine}; {sum(trial.seconds for trial in trials) / 60:.0f} minutes of trials")
    harmed = [trial for trial in trials if trial.harms]
    for trial in harmed[:100]:
        print(f"\n{trial.kind}, {trial.what}: {trial.fault}")
        for harm, seen in trial.harms.items():
            print(f"  {harm}: {seen}")
    if len(harmed) > 100:
        print(f"\n… and {len(harmed) - 100} more")
    return 1 if harmed or not trials else 0


if __name__ == "__main__":
    sys.exit(main())
