"""The script for Slurm in the docs is valid, and starts what the page says."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.ray_cluster import HEAD, ROOT, private_network

SCRIPT = ROOT / "docs" / "how-to" / "ray-on-slurm.sh"

STAND_INS = {
    "scontrol": "echo first",
    "hostname": f"echo {HEAD} 10.0.0.1",
    "srun": 'while [ "${1#--}" != "$1" ]; do shift; done\nexec "$@"',
    "python": f'exec {sys.executable} "$@"',
    "ray": f'exec {sys.executable} -m ray.scripts.scripts "$@"',
    # the command has to find the cluster as soon as it is called
    "biorat-al": f'test "$1" = simulate || exit 9\nshift 2\nexec {sys.executable} "$BIORAT_CHECK" "$1"',
}
"""What a Slurm cluster has, for a job on one machine, and a command that only connects."""


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is missing")
def test_the_script_is_valid_bash() -> None:
    subprocess.run(["bash", "-n", str(SCRIPT)], check=True)


def test_shellcheck_finds_nothing_in_the_script() -> None:
    shellcheck = Path(sys.executable).with_name("shellcheck")
    if not shellcheck.is_file():
        pytest.skip("shellcheck is missing: pip install -e '.[dev]'")
    done = subprocess.run([str(shellcheck), str(SCRIPT)], capture_output=True, encoding="utf-8", check=False)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.slow(20)
def test_the_script_starts_a_cluster_that_the_command_finds(tmp_path: Path) -> None:
    programs, venv = tmp_path / "programs", tmp_path / "venv" / "bin"
    for folder in (programs, venv):
        folder.mkdir(parents=True)
    (venv / "activate").write_text("", encoding="utf-8")
    for name, text in STAND_INS.items():
        (programs / name).write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
        (programs / name).chmod(0o755)
    connect = tmp_path / "connect.py"
    connect.write_text(
        "import sys\n"
        "from biorat_al.cluster.connection import connected\n"
        "with connected(sys.argv[1], 1) as connection:\n"
        "    print('cores:', connection.ray.cluster_resources()['CPU'])\n",
        encoding="utf-8",
    )
    with private_network() as network:
        environment = {name: value for name, value in network.environment.items() if not name.startswith("RAY_AUTH")}
        environment |= {
            "PATH": f"{programs}{os.pathsep}{environment['PATH']}",
            "BIORAT_CHECK": str(connect),
            "BIORAT_VENV": str(venv.parent),
            "SLURM_JOB_ID": str(os.getpid()),
            "SLURM_JOB_NODELIST": "first",
            "SLURM_JOB_NUM_NODES": "1",
            "SLURM_CPUS_PER_TASK": "3",
        }
        done = subprocess.run(
            [*network.inside, "bash", str(SCRIPT), "simulate"],
            capture_output=True,
            encoding="utf-8",
            env=environment,
            timeout=120,
            check=False,
        )
    assert done.returncode == 0, done
    assert done.stdout.splitlines()[-1] == "cores: 3.0"
    shutil.rmtree(f"/tmp/ray-{os.getpid()}", ignore_errors=True)
