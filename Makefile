# Needs make and Python 3.11 or newer; everything else goes into .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUNNABLE := $(VENV)/.runnable
TESTABLE := $(VENV)/.testable
WORKERS ?= 2
HISTORIES ?= 20000
SEEDS ?= 400
ROUNDS ?= 200

.DEFAULT_GOAL := help
.PHONY: help setup run test test-nightly coverage check format bench bench-large clean

help: ## Say what each target does
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

setup: $(TESTABLE) ## Make .venv with Simpul and its test tools in it

run: $(RUNNABLE) ## Set up, make the demo regency and serve it
	$(BIN)/simpul demo

test: $(TESTABLE) ## Run every test, on two cores
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal $(ARGS)

test-nightly: $(TESTABLE) ## Run every test with many more random histories, then the long runs
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal --hypothesis-profile=nightly $(ARGS)
	$(BIN)/python -m tests.conflict.nightly --workers $(WORKERS) --histories $(HISTORIES)
	$(BIN)/python -m tests.relay.routes --workers $(WORKERS) --seeds $(SEEDS)
	$(BIN)/simpul simulate --phones 60 --hubs 3 --kills 6 --seed "$$(date +%Y%m%d)"
	$(BIN)/python -m tests.openrosa.flood --phones 300
	$(BIN)/python -m tests.openrosa.flood --phones 300 --postgres
	$(BIN)/python -m tests.hubs.rounds --rounds $(ROUNDS)
	$(BIN)/python -m tests.hubs.rounds --rounds $(ROUNDS) --postgres

coverage: $(TESTABLE) ## Check that every branch of conflict/ is tested, chance apart
	$(BIN)/python -m coverage run --source=conflict -m pytest -q conflict tests/conflict \
		--ignore=tests/conflict/test_laws.py --ignore=tests/conflict/test_mutants.py
	$(BIN)/python -m coverage report --fail-under=100

check: $(TESTABLE) ## Formatting, lint and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(TESTABLE) ## Format the code and mend what lint can mend
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

bench: $(TESTABLE) ## Measure speed, as ratios to floors of the same run
	$(BIN)/python -m bench $(ARGS)

bench-large: $(TESTABLE) ## Measure an item's cost up to a million records; wants 40 GB of disk for a while
	$(BIN)/python -m bench.large $(ARGS)

clean: ## Remove what these targets made; the data in instance/ stays
	rm -rf $(VENV) build dist simpul.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis htmlcov .coverage
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Each stamp is younger than the list of requirements it was made from, so that setting up happens once.
$(RUNNABLE): setup.cfg pyproject.toml
	@echo "making $(VENV); on Debian this needs the package python3-venv"
	@$(PYTHON) -m venv $(VENV)
	@echo "fetching Simpul's libraries from the network, once; this takes a minute or more"
	@$(BIN)/python -m pip install --quiet --editable '.[postgres]'
	@touch $@

$(TESTABLE): $(RUNNABLE)
	@echo "fetching the test tools, once"
	@$(BIN)/python -m pip install --quiet --editable '.[dev,postgres]'
	@touch $@
