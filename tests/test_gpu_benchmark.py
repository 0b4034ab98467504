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
    parts = ["environment", "agreement", "training", "prediction"]
    done = subprocess.run([*command, "--parts", *parts, "--output", str(output)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.rstrip().endswith("all checks held")
    results = json.loads(output.read_text())["results"]
    assert list(results) == parts
    assert results["agreement"]["largest_difference_fp32"] == 0
    assert set(results["training"]["step_ms"]) == {"none", "rat", "at"}
    assert set(results["prediction"]["word_pieces_per_second"]) == {"ours", "bare", "pipeline"}
