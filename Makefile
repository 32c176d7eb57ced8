# make demo   a virtual environment in .venv, the install, then the main job on the embedded model
# make test   the same environment, then the tests (make test-all: the slow ones too)
# make lint   style and types;  make bench: speed against rivals;  make clean
# make docs   the pages of docs/ as HTML, in gen/out/docs

SHELL := /bin/bash
PYTHON ?= python3
WORKERS ?= 2
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test test-all lint docs bench clean

demo: $(READY)
	$(BIN)/afp-hw demo -o gen/out/demo

test: $(READY)
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m "not slow"

test-all: $(READY)
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: $(READY)
	$(BIN)/python -m sphinx -E -W --keep-going -q -b html -d gen/out/doctrees docs gen/out/docs

bench: $(READY)
	set -e; for script in benchmarks/*.py; do echo "== $$script"; $(BIN)/python $$script; done

# Built again whenever pyproject.toml changes; the stamp comes last, so that a broken install is repeated.
$(READY): pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "afp-hw needs Python 3.11 or newer; try make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[all]'
	touch $@

clean:
	rm -rf gen/out build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info
	find afp_hw sim tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
