# Duban: one list of commands. `make` alone shows it.
SHELL := /bin/sh
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3 python; do command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
DATA ?= .duban
PROCESSES ?= 4
STAMP := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help setup frontend run test faults check format stories models lock clean

help: ## show this list
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) frontend ## install everything into .venv (the command is .venv/bin/duban), build the pages' scripts, fetch the engine once
	@$(BIN)/duban fetch

$(STAMP): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "Duban needs Python 3.11 or newer, and none was found. Install it, or name it: make PYTHON=/path/to/python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "Python could not make a virtual environment. On Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	@echo "Installing Python packages into $(VENV) (a few minutes the first time) …"
	@DUBAN_FRONTEND=skip $(BIN)/pip install $$(test -t 1 || echo --quiet) --disable-pip-version-check -c constraints.txt -e '.[dev]' || { echo "The packages could not be installed: see the lines above. Check the network, the proxy or the package index that pip is configured for, and free disk space; then run the same command again." >&2; exit 1; }
	@touch $@

frontend: $(STAMP) ## build what the pages load, when something in frontend/ has changed
	@$(BIN)/python tools/build_frontend.py

run: setup ## start engine, workers and page with sample complaints and demo accounts, print where to look (Ctrl-C stops)
	@$(BIN)/duban up --data $(DATA) --samples --demo

test: setup ## run the whole suite, in PROCESSES=4 processes
	@$(BIN)/python -m pytest -n $(PROCESSES) $(ARGS)

faults: setup ## kill every part under load, ten times each (about two hours); ARGS="--fault NAME --times 1" for less
	@$(BIN)/python -m tests.faults --json faults.json $(ARGS)

check: setup ## format, lint, strict types, import contracts, BPMN lint, contract tests
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python tools/lint.py
	@$(BIN)/python -m pytest -q tests/contract -m "not engine"

format: $(STAMP) ## format and repair what can be repaired
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

stories: setup ## only the stories: real complaints through the real engine
	@$(BIN)/python -m pytest -n $(PROCESSES) tests/stories $(ARGS)

models: $(STAMP) ## check the models, and draw every diagram into docs/processes
	@$(BIN)/duban deploy --check
	@$(BIN)/python tools/render.py

lock: $(STAMP) ## write the versions that are installed now into constraints.txt
	@$(BIN)/pip freeze --exclude-editable | grep -v '^duban' > constraints.txt

clean: ## remove what was installed and the data of `make run`
	rm -rf $(VENV) $(DATA) tools/node_modules frontend/node_modules workers/desk/static/built
