# Everything runs from .venv, which is made on first use and again when its inputs change.
# Needed on the machine: make and Python 3.11 or newer, with its venv module.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PYTHON ?= python3
JOBS ?= $(shell getconf _NPROCESSORS_ONLN)
BIN := .venv/bin
STAMP := .venv/.installed

.PHONY: help
help: ## Show what there is
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 18

.PHONY: setup
setup: $(STAMP) ## Make .venv with everything that is locked

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	    echo "Python 3.11 or newer is needed, $(PYTHON) is $$($(PYTHON) --version 2>&1)." \
	         "Name another one: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	    echo "$(PYTHON) cannot make virtual environments." \
	         "On Debian or Ubuntu: apt install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
	    --require-hashes --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
	    --no-build-isolation --no-deps --editable .
	@touch $@

.PHONY: demo
demo: $(STAMP) ## Show it all: a year of data (or DATA=... MAPPING=...) through Dagster to the analysis
	$(BIN)/ioc-analytics demo $(if $(DATA),--data "$(DATA)") $(if $(MAPPING),--mapping "$(MAPPING)")

.PHONY: dev
dev: $(STAMP) ## Open Dagster's web page, with daemon and embedded server; Ctrl-C stops all
	$(BIN)/ioc-analytics dev

.PHONY: test
test: $(STAMP) ## Run the tests
	$(BIN)/python -m pytest --numprocesses $(JOBS) -m "not nightly" $(ARGS)

.PHONY: nightly
nightly: $(STAMP) ## Run the long campaigns, which the tests leave out
	$(BIN)/python -m pytest --numprocesses $(JOBS) -m nightly $(ARGS)

.PHONY: lint
lint: $(STAMP) ## Check format, style, types, import directions, SQL and Dagster's definitions
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/sqlfluff lint --processes $(JOBS) --disable-progress-bar sql
	$(BIN)/dagster definitions validate --workspace workspace.yaml --log-level warning

.PHONY: bench
bench: $(STAMP) ## Measure against other tools, side by side
	$(BIN)/python -m benchmarks $(ARGS)

.PHONY: schema
schema: $(STAMP) ## Write sql/schema.sql from a fresh migration
	$(BIN)/ioc-analytics migrate dump --fresh --output sql/schema.sql

.PHONY: docs
docs: $(STAMP) ## Bring generated tables and pages in the documents up to date
	$(BIN)/python -m ioc_analytics.kernel.settings_table README.md docs/settings.md
	$(BIN)/python -m ioc_analytics.privacy.categories_page docs/categories.md

# The image gets a lock of its own, without test tools; its versions are those of the first. The
# embedded server's programs are what makes its backups and restores them on trial. One version of each package for all Pythons: the set that is tested. Extras
# stay, or pip takes gql and gql[requests] for two requirements and misses the second one's hash.
LOCK := uv pip compile pyproject.toml --quiet --universal --python-version 3.11 \
    --fork-strategy fewest --no-strip-extras --generate-hashes --no-emit-index-url --no-header

.PHONY: lock
lock: $(STAMP) ## Resolve the locks again, keeping versions that still fit (ARGS=--upgrade moves them)
	$(BIN)/$(LOCK) --all-extras --output-file requirements.lock $(ARGS)
	$(BIN)/$(LOCK) --extra embedded --constraints requirements.lock --output-file deploy/requirements.lock

.PHONY: clean
clean: ## Remove what was made here: .venv, caches, builds
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
