# Everything on a machine with Python >= 3.11, pip and make:
#   make demo         fit a network on the embedded model, from nothing
#   make test         the test suite
#   make check        formatting, lint, types, direction of imports
#   make docs         the site of the documentation, into build/site (make docs-serve shows it)
#   make wheel-check  the built wheel in a fresh environment, and the tutorial with it
#   make bench        what langnet costs beside what one would use instead
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

# Small enough for ten minutes on two cores; an interrupted demo goes on where it was.
DEMO := --steps 2 --batch-size 24 --candidates 6 --draws 2 --mix phrasing=4,demonstrations=1,continuation=1 \
	--train-size 100 --dev-size 50 --test-size 120

# One more than there are processors, since some tests wait for other processes.
WORKERS = $(shell $(PYTHON) -c 'import os; print(min(8, os.cpu_count() + 1))')

.DEFAULT_GOAL := help
.PHONY: help demo test check format docs docs-serve wheel-check bench clean

help:
	@sed -n 's/^#   //p' Makefile

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "langnet needs Python 3.11 or newer; say make PYTHON=/path/to/python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade "pip>=25.1"

$(VENV)/.local: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --editable ".[local]"
	@touch $@

$(VENV)/.dev: pyproject.toml $(VENV)/.local
	$(BIN)/python -m pip install --quiet --group dev
	@touch $@

# The site shows the package as it stands; it needs neither the embedded model nor its engine.
$(VENV)/.docs: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --editable . --group docs
	@touch $@

$(VENV)/.bench: pyproject.toml $(VENV)/.dev
	$(BIN)/python -m pip install --quiet --group bench
	@touch $@

demo: $(VENV)/.local
	$(BIN)/langnet models pull smollm2
	$(BIN)/langnet fit graphs/dln2.py $(DEMO) --out runs/demo --resume

test: $(VENV)/.dev
	$(BIN)/langnet models pull smollm2
	$(BIN)/python -m pytest -m "not model" --numprocesses $(WORKERS) --dist worksteal
	$(BIN)/python -m pytest -m model

check: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: $(VENV)/.docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict
	@echo "The site is in build/site; search needs a server: python3 -m http.server -d build/site"

docs-serve: $(VENV)/.docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs serve --no-strict --dev-addr 127.0.0.1:8322

wheel-check:
	PYTHON=$(PYTHON) .ci/wheel

bench: $(VENV)/.bench
	$(BIN)/python benchmarks/executor.py

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist build
