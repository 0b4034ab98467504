"""Plants faults in a copy of the program, one at a time, and says which of them the tests find.

    python tests/faults/plant.py                    all of them, after a run without any
    python tests/faults/plant.py --only NAME        one of them; may be given several times
    python tests/faults/plant.py --area store       those of a part of the package
    python tests/faults/plant.py --list             what there is

A fault is a text of the program, another one in its place, and the tests that are to find it: see ``planted.py``. The
folder that this file is in is never changed. Exits with status 1 if a fault was not found, or could not be planted.
"""

from __future__ import annotations

import argparse
import compileall
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from py_compile import PycInvalidationMode
from typing import Literal

ROOT = Path(__file__).resolve().parent.parent.parent
if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))

from tests.faults.planted import FAULTS, Fault  # noqa: E402

PACKAGE = "biorat_al"
LONGEST_TEST = 300
"""Seconds after which a test is taken to hang, which finds a fault as well."""

_LEFT_OUT = shutil.ignore_patterns(".*", "__pycache__", "build", "dist", "shared", "*.pyc")

Result = Literal["found", "survived", "skipped", "stale", "broken"]


@dataclass(frozen=True)
class Outcome:
    """What became of a fault.

    :param result: ``found``: a test failed. ``survived``: none did. ``skipped``: none did, but some could not run here.
        ``stale``: its text is no longer in the program. ``broken``: no test could be run with it.
    :param detail: the names of the tests that failed, or the end of what pytest said.
    """

    fault: Fault
    result: Result
    seconds: float
    detail: str = ""


def planted(text: str, fault: Fault) -> str | None:
    """Return the text of a file with the fault in it; None where the fault does not fit."""
    there = text.count(fault.old)
    if not there or (fault.places is not None and there != fault.places):
        return None
    for old, new in ((fault.old, fault.new), *fault.also):
        if old not in text:
            return None
        text = text.replace(old, new)
    return text


@contextmanager
def copied(root: Path) -> Iterator[Path]:
    """Make a copy of a project that faults can be planted in; it is removed at the end."""
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        copy = Path(folder) / "project"
        shutil.copytree(root, copy, ignore=_LEFT_OUT, symlinks=True)
        # by default compiled files are told apart by second and size, which a fault need not change
        compileall.compile_dir(copy / PACKAGE, quiet=1, invalidation_mode=PycInvalidationMode.CHECKED_HASH)
        yield copy


def run_tests(copy: Path, tests: Sequence[str], *, postgres: bool) -> subprocess.CompletedProcess[str]:
    """Run tests of a copy, up to the first that fails.

    :param postgres: also those on Postgres, which takes a while to start.
    """
    words = [
        "-m",
        "pytest",
        "-x",
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "pytest_timeout",
        f"--timeout={LONGEST_TEST}",
        *tests,
    ]
    return subprocess.run([sys.executable, *words, *tests], cwd=copy, env=_of(copy), capture_output=True, text=True)


def _of(copy: Path) -> dict[str, str]:
    """The environment in which the copy's program is the one that is imported, and no plugin that is not needed."""
    return os.environ | {"PYTHONPATH": str(copy), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}


def try_fault(copy: Path, fault: Fault) -> Outcome:
    """Plant a fault in a copy, run its tests, and take it out again."""
    began = time.monotonic()
    file = copy / fault.file
    before = file.read_bytes() if file.is_file() else b""
    text = planted(before.decode(), fault)
    if text is None:
        return Outcome(fault, "stale", 0.0, f"{fault.file} does not have the text in the places where it is expected")
    file.write_bytes(text.encode())
    try:
        ran = run_tests(copy, fault.tests, postgres=fault.postgres)
    finally:
        file.write_bytes(before)
    seconds = time.monotonic() - began
    lines = (ran.stdout + ran.stderr).strip().splitlines()
    if ran.returncode == 1:
        failed = [line.split(" - ")[0].removeprefix("FAILED ") for line in lines if line.startswith("FAILED ")]
        failed += [line.split(" - ")[0].removeprefix("ERROR ") for line in lines if line.startswith("ERROR ")]
        late = f"a time limit of {LONGEST_TEST} s found it: " if "Failed: Timeout" in ran.stdout else ""
        return Outcome(fault, "found", seconds, late + ", ".join(failed))
    if ran.returncode == 0:
        return Outcome(fault, "skipped" if " skipped" in lines[-1] else "survived", seconds, lines[-1])
    return Outcome(fault, "broken", seconds, "\n".join(lines[-20:]))


def check_copy(copy: Path) -> None:
    """See that tests of the copy run the copy's program, and not an installed one."""
    ran = subprocess.run(
        [sys.executable, "-c", f"import {PACKAGE}; print({PACKAGE}.__file__)"],
        cwd=copy,
        env=_of(copy),
        capture_output=True,
        text=True,
        check=True,
    )
    if not Path(ran.stdout.strip()).is_relative_to(copy):
        sys.exit(f"the tests would run {ran.stdout.strip()}, not the copy in {copy}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", metavar="NAME", default=[], help="plant this one")
    parser.add_argument("--area", metavar="FOLDER", help="plant those of a folder of the package, e.g. rounds")
    parser.add_argument("--list", action="store_true", help="list the faults and plant none")
    parser.add_argument("--unchecked", action="store_true", help="leave out the first run, without a fault")
    options = parser.parse_args()
    names = {fault.name for fault in FAULTS}
    if unknown := set(options.only) - names:
        parser.error(f"there is no fault {', '.join(sorted(unknown))}; --list lists them")
    chosen = [
        fault
        for fault in FAULTS
        if (not options.only or fault.name in options.only) and options.area in (None, fault.area)
    ]
    if not chosen:
        parser.error("there is no such fault; --list lists them")
    if options.list:
        for fault in chosen:
            print(f"{fault.area:<12} {fault.name}")
        return
    sys.exit(plant(chosen, checked=not options.unchecked))


def plant(faults: Sequence[Fault], *, checked: bool = True, root: Path = ROOT) -> int:
    """Plant faults one after the other and print what became of each; return the status to exit with."""
    with copied(root) as copy:
        check_copy(copy)
        for postgres in (False, True) if checked else ():
            chosen = [fault for fault in faults if fault.postgres is postgres]
            tests = list(dict.fromkeys(test for fault in chosen for test in fault.tests))
            if not tests:
                continue
            ran = run_tests(copy, tests, postgres=postgres)
            if ran.returncode:
                print(ran.stdout + ran.stderr)
                print("The tests fail without any fault, so they cannot say anything of one.")
                return 1
        outcomes = []
        for number, fault in enumerate(faults, start=1):
            outcome = try_fault(copy, fault)
            outcomes.append(outcome)
            print(f"{number:>3}/{len(faults)}  {outcome.result:<9}{outcome.seconds:6.1f} s  {fault.name}", flush=True)
            if outcome.result != "found" or outcome.detail.startswith("a time limit"):
                print(f"         {outcome.detail}")
    left = [outcome for outcome in outcomes if outcome.result != "found"]
    print(f"{len(outcomes) - len(left)} of {len(outcomes)} faults were found.")
    for outcome in left:
        print(f"  {outcome.result}: {outcome.fault.name} ({outcome.fault.file})")
    return 1 if left else 0


if __name__ == "__main__":
    main()
