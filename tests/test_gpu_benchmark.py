"""The script that checks the learner on a GPU runs, on a CPU and in a small shape."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent.parent / "benchmarks" / "gpu" / "measure.py"


@pytest.mark.slow
def test_the_gpu_script_measures_and_checks_on_a_cpu(tmp_path: Path) -> None:
    output = tmp_path / "figures.json"
    command = [
        sys.executable,
        str(SCRIPT),
        "--device",
        "cpu",
        "--shape",
        "tiny",
        "--documents",
        "8",
        "--repetitions",
        "1",
    ]
    parts = ["environment", "agreement", "choosing", "training", "prediction"]
    done = subprocess.run([*command, "--parts", *parts, "--output", str(output)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.rstrip().endswith("all checks held")
    results = json.loads(output.read_text())["results"]
    assert list(results) == parts
    assert results["agreement"]["largest_difference_fp32"] == 0
    assert results["choosing"]["gradient_difference_in_spreads"] == results["choosing"]["disagreement_twice"] == 0
    assert set(results["training"]["step_ms"]) == {"none", "rat", "at"}
    assert set(results["prediction"]["word_pieces_per_second"]) == {"ours", "bare", "pipeline"}


WITHOUT = """
import os, runpy, sys
from importlib.abc import MetaPathFinder

class Missing(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in set(sys.argv[1].split(",")):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Missing())
sys.argv = sys.argv[2:]
sys.path.insert(0, os.path.dirname(sys.argv[0]))
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.mark.slow
def test_the_gpu_script_needs_nothing_that_a_machine_for_training_lacks() -> None:
    lacking = "sqlalchemy,alembic,datasets,label_studio_sdk,markdown_it,matplotlib,psycopg,pyarrow,rich,scipy,sklearn"
    command = [sys.executable, "-c", WITHOUT, lacking, str(SCRIPT), "--device", "cpu", "--shape", "tiny"]
    options = ["--documents", "4", "--repetitions", "1", "--parts", "environment", "agreement"]
    done = subprocess.run([*command, *options], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.rstrip().endswith("all checks held")
    # not the same as help, which ends before anything is loaded that a part needs
    assert "largest_difference_fp32" in done.stdout
