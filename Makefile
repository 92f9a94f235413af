# OpenPARS. `make` lists what there is. Needs make, Python 3.11 or newer, and the package registry.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

.DEFAULT_GOAL := help
.PHONY: help setup run demo test check bench clean

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-7s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) ## Make .venv with OpenPARS and its tools in it

$(READY): pyproject.toml uv.lock
	@command -v $(PYTHON) >/dev/null || { echo "There is no $(PYTHON): install Python 3.11 or newer, or name one with make PYTHON=..." >&2; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "OpenPARS needs Python 3.11 or newer, and $(PYTHON) is older. Name another with make PYTHON=..." >&2; exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "$(PYTHON) cannot make a virtual environment: on Debian and Ubuntu, install python3-venv." >&2; exit 2; }
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check "uv>=0.9"
	@$(BIN)/uv sync --locked --all-extras --quiet --compile-bytecode
	@$(BIN)/python -m compileall -q openpars
	@touch $(READY)

run: setup ## Start the demo city on http://127.0.0.1:8080
	@exec $(BIN)/openpars up --demo

demo: setup ## Show the demo's address and a sign-in link for each role
	@$(BIN)/openpars demo

test: setup ## Run the whole test suite on a real PostgreSQL
	$(BIN)/pytest

check: setup ## Formatting, lint, types, ranks of the packages, docs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@[ ! -d tests/docs ] || $(BIN)/pytest tests/docs

bench: setup ## Measure against the budgets
	$(BIN)/python -m bench

clean: ## Delete the demo, .venv and every cache; a city that is not a demo stays
	@[ ! -e var ] || { $(BIN)/openpars demo --reset && rm -rf var; } || true
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
