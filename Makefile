# Everything runs in .venv, made here; nothing has to be installed by hand but Python 3.11+, git and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# one thread a worker: BLAS threads inside parallel folds slow everything down
export OMP_NUM_THREADS := 1
export OPENBLAS_NUM_THREADS := 1

.PHONY: report test test-all fuzz faults docs lint setup clean

report: setup ## main job: the spin and band-gap studies, report in report/
	@$(BIN)/perospin report --out report

test: lint ## lint, types, import floors, fast tests
	@$(BIN)/python -m pytest -m "not slow" -n 2

test-all: lint ## the slow checks too
	@$(BIN)/python -m pytest

fuzz: setup ## random and broken inputs of every kind; prints a table
	@$(BIN)/python scripts/fuzz.py --inputs 2000

faults: setup ## kills, full disk, read-only folders, eight writers; prints a table
	@$(BIN)/python scripts/faults.py

docs: setup ## the manual, in site/index.html
	@$(BIN)/python -m pip install --quiet --group docs
	@$(BIN)/python scripts/manual.py
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo "The manual: site/index.html"

lint: setup
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

setup: $(STAMP)

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "perospin needs Python 3.11 or newer; try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 2; }
	@test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	@echo "Setting up $(VENV) (a few minutes the first time) ..."
	@$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	@$(BIN)/python -m pip install --quiet --editable ".[all]" --group dev
	@touch $(STAMP)

clean:
	rm -rf $(VENV) report build site .pytest_cache .mypy_cache .ruff_cache
