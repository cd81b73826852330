# FastEmailNet. `make help` lists what there is.
SHELL := /bin/bash
.DEFAULT_GOAL := help
VENV := .venv
PY := $(VENV)/bin/python
FEN := $(VENV)/bin/fastemailnet
STAMP := $(VENV)/.installed
CONFIG ?= config/fastemailnet.toml
COPIES ?= 1
SEED ?= 0
N ?= 1000
KILLS ?= 10
MAILS ?= 0
SINK ?= plain
POLICY ?= hold

export RAY_USAGE_STATS_ENABLED := 0

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 16

setup: $(STAMP) ## make the virtual environment and install everything, pinned

$(STAMP): pyproject.toml constraints.txt
	@tools/python-venv.sh $(VENV)
	@echo "installing (torch on Linux is large unless PIP_FIND_LINKS names a folder with a CPU build)"
	$(PY) -m pip install --quiet --disable-pip-version-check --progress-bar on -c constraints.txt -e '.[test,train]'
	@touch $@

demo: $(STAMP) ## start a fleet on loopback, send the sample mails, show that everything adds up (LOG=kafka://… UNSAFE=1)
	$(FEN) demo --copies $(COPIES) $(if $(LOG),--log $(LOG) --data data/demo-kafka) $(if $(UNSAFE),--unsafe)

up: $(STAMP) ## start the fleet and keep it running (CONFIG=…)
	$(FEN) up --config $(CONFIG)

down: $(STAMP) ## stop the running fleet
	$(FEN) down --config $(CONFIG)

kafka: $(STAMP) ## start a real Kafka on loopback: KAFKA_OPTIONS="--count 3 --protocol SASL_SSL"; KAFKA_BOOTSTRAP=host:port: use yours
	@command -v java >/dev/null && command -v mvn >/dev/null || tools/system-packages.sh default-jre-headless maven
	@$(PY) -m tools.kafka up $(KAFKA_OPTIONS)

kafka-down: $(STAMP) ## stop it; its data stays in data/kafka
	@$(PY) -m tools.kafka down

test: $(STAMP) ## everything: model, checks, unit, property, integration and end-to-end tests
	tools/test.sh

check: lint type model-short ## lint, types, architecture, short model and simulation, unit and property tests
	$(PY) -m tests.simulation --count 400
	$(PY) -m pytest tests/unit tests/property tests/interaction

lint: $(STAMP) ## ruff and the import directions
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/lint-imports --no-cache

type: $(STAMP) ## mypy, strict
	$(VENV)/bin/mypy

model: $(STAMP) ## the FlashSync explorer: every scenario, every mutant
	$(PY) -m tests.model

sim: $(STAMP) ## simulate schedules with faults in pairs: SEED=… N=… (N=1 tells everything that happens)
	$(PY) -m tests.simulation --seed $(SEED) --count $(N) $(if $(filter 1,$(N)),--trace)

soak: $(STAMP) ## strike a fleet under load: KILLS=… MAILS=… SINK=checkpoint|plain POLICY=hold|retry|…
	rm -rf data/chaos
	$(FEN) chaos --kills $(KILLS) --mails $(MAILS) --sink $(SINK) --policy $(POLICY) $(if $(LOG),--log $(LOG)) $(if $(UNSAFE),--unsafe)

bench-recovery: $(STAMP) ## how long work lies still after a kill or a freeze, and without a coordinator
	$(PY) -m benchmarks.recovery

bench-journal: $(STAMP) ## throughput and latency with the journal beside the same run without it
	$(PY) -m benchmarks.journal_cost

bench-kafka: $(STAMP) ## mails per second through a real Kafka broker beside the embedded log
	@tools/system-packages.sh postfix
	$(PY) -m benchmarks.kafka

model-short: $(STAMP)
	$(PY) -m tests.model --short

diagram: $(STAMP) ## draw the life cycle from its table into docs/lifecycle.md
	$(PY) tools/diagram.py docs/lifecycle.md

bench-quick: $(STAMP) ## mails per second beside Postfix on the same sink, with CPU per stage
	@tools/system-packages.sh postfix
	$(PY) -m benchmarks.quick

bench-wire: $(STAMP) ## what one flight is worth at round trips of 0, 20 and 100 ms, beside Postfix on the same sink
	@tools/system-packages.sh postfix
	$(PY) -m benchmarks.wire

bench-lanes: $(STAMP) ## how long a transactional mail waits behind 100,000 bulk mails
	$(PY) -m benchmarks.lanes

bench-scoring: $(STAMP) ## mails scored per second and core, and the wait for a score at 200 mails/s
	$(PY) -m benchmarks.scoring

train: $(STAMP) ## train the spam model anew (DATA=…/mail-train.parquet)
	$(PY) -m models.spam.train --data $(DATA)

evaluate-spam: $(STAMP) ## judge the spam model beside the linear baseline (DATA=…/mail-train.parquet)
	$(PY) -m models.spam.evaluate --data $(DATA)

spam-card: $(STAMP) ## measure the spam model anew and write the tables of its card (DATA=…/mail-train.parquet; hours)
	tools/system-packages.sh rspamd spamd spamassassin bogofilter
	$(PY) -m models.spam.evaluate --data $(DATA) --json models/spam/figures/evaluate.json
	$(PY) -m models.spam.leave_out --data $(DATA) --json models/spam/figures/leave_out.json
	$(PY) -m models.spam.beside --data $(DATA) --json models/spam/figures/beside.json
	$(PY) -m models.spam.foreign_filters --data $(DATA) --json models/spam/figures/filters.json
	$(PY) -m benchmarks.spam_sizes --data $(DATA) $(if $(TEACHER),--teacher $(TEACHER)) --json models/spam/figures/sizes.json
	$(PY) -m models.spam.card

bench-spam-sizes: $(STAMP) ## what a larger transformer would bring and cost (DATA=…/mail-train.parquet TEACHER=folder; an hour or two)
	$(PY) -m benchmarks.spam_sizes --data $(DATA) $(if $(TEACHER),--teacher $(TEACHER))

compare-filters: $(STAMP) ## rspamd, SpamAssassin and bogofilter on the spam model's messages (DATA=…/mail-train.parquet)
	tools/system-packages.sh rspamd spamd spamassassin bogofilter
	$(PY) -m models.spam.foreign_filters --data $(DATA)

clean: ## remove caches and the demo's data
	rm -rf data/demo data/chaos .mypy_cache .ruff_cache .pytest_cache .hypothesis

.PHONY: help setup demo up down kafka kafka-down test check lint type model model-short sim soak diagram bench-quick bench-recovery bench-journal bench-kafka bench-wire bench-lanes bench-scoring train evaluate-spam spam-card bench-spam-sizes compare-filters clean
