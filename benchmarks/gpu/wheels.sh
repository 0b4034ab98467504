#!/usr/bin/env bash
# Fetches the wheels of the project's light dependencies that a machine with torch and transformers may lack.
#
#     benchmarks/gpu/wheels.sh FOLDER [PYTHON_VERSION]
set -euo pipefail
folder=${1:?usage: wheels.sh FOLDER [PYTHON_VERSION]}
version=${2:-$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')}
mkdir -p "$folder"
platforms=(manylinux_2_28_x86_64 manylinux_2_17_x86_64 manylinux2014_x86_64)
python3 -m pip download --quiet --disable-pip-version-check --dest "$folder" --only-binary=:all: \
    -c "$(dirname "$0")/../../constraints.txt" --python-version "$version" --implementation cp "${platforms[@]/#/--platform=}" \
    pydantic tqdm defusedxml ijson click
ls "$folder"
