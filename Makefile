# Two commands for people: `make run` and `make test`. Everything they need is set up on the way and kept in .venv, .make and
# node_modules; a second start finds the stamps and takes seconds.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.ONESHELL:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
BOOT := .make/boot
FRONTEND := central/web/frontend
FRONTEND_SOURCES := $(shell find $(FRONTEND) -type f -not -path '*/node_modules/*' 2>/dev/null)
WHOLE_CITY := tests/system tests/e2e tests/torture
export PATH := $(CURDIR)/$(BOOT)/bin:$(PATH)
export UV_PYTHON_DOWNLOADS := never
export UV_LINK_MODE := copy

.PHONY: help run test check bench torture e2e lock clean web setup setup-dev format

help: ## what can be done here
	@grep -hE '^[a-z][a-z-]*:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 20

run: setup ## the whole city on this machine: http://127.0.0.1:8080 (ARGS="--port 9000 --city TILE.gml.gz")
	@exec $(BIN)/kumagaya demo $(ARGS)

test: setup-dev check ## everything CI runs (ARGS="tests/edge -k twin" runs what is asked for)
	@$(if $(ARGS),exec $(BIN)/pytest $(ARGS))
	# The rooms side by side; then, with the machine to themselves, those that start the whole city and look at the clock.
	$(BIN)/pytest --numprocesses 2 --dist loadfile $(WHOLE_CITY:%=--ignore=%)
	$(BIN)/pytest $(WHOLE_CITY)

check: setup-dev ## format, lint, types, import rules, front end
	@$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo 2>&1 | tail -n 8
	cd $(FRONTEND) && npm run --silent check && npm test --silent

bench: setup-dev ## every benchmark, one after the other (see docs/benchmarks.md)
	@for script in bench/[a-z]*.py; do echo "== $$script"; $(BIN)/python -m bench.$$(basename $$script .py); done

torture: setup-dev ## a thousand kills, freezes and cuts in one run (ARGS="--seed N" replays one)
	@$(BIN)/python -m tests.torture --kills 1000 $(ARGS)

format: setup-dev ## writes the house style
	@$(BIN)/ruff format --quiet . && $(BIN)/ruff check --quiet --fix .

web: .make/web ## builds the web page

setup: .make/apt-run .make/run .make/web
setup-dev: .make/apt-test .make/dev .make/web

lock: .make/boot.done ## pins the dependencies anew, with hashes and without a host's name
	@env -u UV_INDEX -u UV_DEFAULT_INDEX -u UV_EXTRA_INDEX_URL scripts/lock

clean: ## removes what was built or installed here
	@rm -rf .make $(VENV) central/web/dist $(FRONTEND)/node_modules .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

.make/apt-run: scripts/debian-packages
	@mkdir -p .make
	scripts/debian-packages run
	touch $@

.make/apt-test: scripts/debian-packages .make/apt-run
	@scripts/debian-packages test
	touch $@

.make/boot.done: bootstrap.lock .make/apt-run
	@echo "setting up: uv and node"
	rm -rf $(BOOT)
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "kumagaya needs Python 3.11 or newer: set PYTHON=")'
	$(PYTHON) -m venv $(BOOT)
	$(BOOT)/bin/pip install --quiet --disable-pip-version-check --require-hashes -r bootstrap.lock
	touch $@

# The development environment holds all of the run environment: once it is there, `make run` uses it as it stands.
.make/run: run.lock pyproject.toml .make/boot.done
	@if [ ! -e .make/dev ] || [ run.lock -nt .make/dev ]; then scripts/python-environment run.lock; rm -f .make/dev; fi
	touch $@

.make/dev: dev.lock pyproject.toml .make/boot.done
	@scripts/python-environment dev.lock
	touch $@ .make/run

.make/web: $(FRONTEND_SOURCES) .make/boot.done
	@echo "building the web page"
	cd $(FRONTEND)
	npm ci --silent --no-audit --no-fund
	npm run --silent build -- --logLevel warn
	touch $(CURDIR)/$@
