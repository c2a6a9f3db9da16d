# Everything a contributor does, and CI does the same. `make help` lists it.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Every machine installs the same: versions and hashes are locked in requirements/*.txt.
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help install demo test check format lock relevance simulate bench bench-quick clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || \
	  { echo 'Python 3.11 to 3.13 is needed; name one with: make PYTHON=python3.12 ...' >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
	  { rm -rf $(VENV); echo 'No virtual environment could be made: apt-get install python3-venv' >&2; exit 1; }

$(VENV)/.local: requirements/local.txt pyproject.toml | $(BIN)/python
	@echo 'Installing what the demo needs ...'
	@$(PIP_INSTALL) --requirement requirements/local.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.local
	@echo 'Installing what the tests need ...'
	@$(PIP_INSTALL) --requirement requirements/dev.txt
	@touch $@

install: $(VENV)/.dev ## Make the virtual environment, with all that development needs

demo: $(VENV)/.local ## Run the lessons example here: two regions, deployed, filled and searchable (ARGS="--detach")
	@$(BIN)/dynadex up --project examples/lessons $(ARGS)

test: $(VENV)/.dev ## Run all tests; what cannot run here is named at the end (ARGS="--require-all": fails instead)
	@sh tests/browser/install-chromium.sh
	@$(BIN)/python -m pytest $(ARGS)

check: $(VENV)/.dev $(VENV)/scan/.scan ## Lint, types, import directions, templates and their security scan
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/cfn-lint --template src/dynadex/platform/templates/*.yaml --regions us-east-1 eu-west-1
	@$(VENV)/scan/bin/checkov --config-file .checkov.yaml

# The scanner's own requirements would hold the others' back, so it has an environment of its own.
$(VENV)/scan/.scan: requirements/scan.txt | $(BIN)/python
	@echo 'Installing the template scanner ...'
	@$(BIN)/python -m venv $(VENV)/scan
	@$(VENV)/scan/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements/scan.txt
	@touch $@

format: $(VENV)/.dev ## Format the code
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

simulate: $(VENV)/.dev ## Try the write protocol on random schedules (SCHEDULES=1000000 SEED=1)
	@$(BIN)/python -m tests.simulation

bench: $(VENV)/.dev ## Measure: ours, plain and the limit side by side, on real OpenSearch (ARGS="--engine elasticsearch")
	@$(BIN)/python -m bench $(ARGS)

bench-quick: $(VENV)/.dev ## The same in eight minutes at most
	@$(BIN)/python -m bench --quick $(ARGS)

relevance: $(VENV)/.dev ## How well lessons are found, kind by kind (ARGS="--engine opensearch")
	@$(BIN)/python -m tests.relevance $(ARGS)

lock: $(VENV)/.dev ## Lock the newest versions of all dependencies anew
	@sh requirements/lock.sh $(BIN)/uv

clean: ## Remove the virtual environment and caches
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
