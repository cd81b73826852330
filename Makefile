# FastEmailNet. `make help` lists what there is.
SHELL := /bin/bash
.DEFAULT_GOAL := help
VENV := .venv
PY := $(VENV)/bin/python
FEN := $(VENV)/bin/fastemailnet
STAMP := $(VENV)/.installed
CONFIG ?= config/fastemailnet.toml
COPIES ?= 1

export RAY_USAGE_STATS_ENABLED := 0

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 16

setup: $(STAMP) ## make the virtual environment and install everything, pinned

$(STAMP): pyproject.toml constraints.txt
	@tools/python-venv.sh $(VENV)
	@echo "installing (torch on Linux is large unless PIP_FIND_LINKS names a folder with a CPU build)"
	$(PY) -m pip install --quiet --disable-pip-version-check --progress-bar on -c constraints.txt -e '.[test,train]'
	@touch $@

demo: $(STAMP) ## start a fleet on loopback, send the sample mails, show that everything adds up
	$(FEN) demo --copies $(COPIES)

up: $(STAMP) ## start the fleet and keep it running (CONFIG=…)
	$(FEN) up --config $(CONFIG)

down: $(STAMP) ## stop the running fleet
	$(FEN) down --config $(CONFIG)

test: $(STAMP) ## everything: model, checks, unit, property, integration and end-to-end tests
	tools/test.sh

check: lint type model-short ## lint, types, architecture, short model, unit and property tests
	$(PY) -m pytest tests/unit tests/property

lint: $(STAMP) ## ruff and the import directions
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/lint-imports --no-cache

type: $(STAMP) ## mypy, strict
	$(VENV)/bin/mypy

model: $(STAMP) ## the FlashSync explorer: every scenario, every mutant
	$(PY) -m tests.model

model-short: $(STAMP)
	$(PY) -m tests.model --short

diagram: $(STAMP) ## draw the life cycle from its table into docs/lifecycle.md
	$(PY) tools/diagram.py docs/lifecycle.md

bench-quick: $(STAMP) ## mails per second beside Postfix on the same sink, with CPU per stage
	@tools/system-packages.sh postfix
	$(PY) -m benchmarks.quick

train: $(STAMP) ## train the spam model anew (DATA=…/mail-train.parquet)
	$(PY) -m models.spam.train --data $(DATA)

clean: ## remove caches and the demo's data
	rm -rf data/demo .mypy_cache .ruff_cache .pytest_cache .hypothesis

.PHONY: help setup demo up down test check lint type model model-short diagram bench-quick train clean
