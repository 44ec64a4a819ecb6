# What to do with this repository; `make` alone lists it. Details: docs/development.md

SHELL := bash
.DEFAULT_GOAL := help
BIN := .venv/bin
LOCALITY := demo-city

# One stamp for each lock: a target that needs it does nothing while neither the lock nor pyproject.toml has changed.
RUNTIME := .venv/.installed-runtime
DEV := .venv/.installed-dev

.PHONY: help setup run test prove fuzz lint bench evaluate screenshots rules lock clean
LINTS := lint-types lint-docs lint-style lint-imports
.PHONY: $(LINTS) loops

help:  ## Show this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort | expand -t 14

$(RUNTIME): requirements.lock pyproject.toml
	@scripts/bootstrap.sh requirements.lock
	@touch $@

# The development lock contains the runtime lock, version for version.
$(DEV): requirements.lock requirements-dev.lock pyproject.toml
	@scripts/bootstrap.sh requirements-dev.lock
	@touch $(RUNTIME) $@

setup: $(DEV)  ## Make .venv with everything needed to develop

run: $(RUNTIME)  ## Make the demo city and show it at http://127.0.0.1:8050
	$(BIN)/xintu demo $(LOCALITY) --if-absent
	$(BIN)/xintu run $(LOCALITY)
	$(BIN)/xintu serve $(LOCALITY)

# Loops are compiled once, beside mypy, and not by each worker. Chromium's tests come by themselves: whoever drives a
# browser has an event loop running from then on, in which other tests could start none.
test: $(DEV)  ## Install what tests need, lint, then run every test
	@scripts/install_system.sh
	@$(MAKE) --no-print-directory --output-sync -j 2 loops $(LINTS)
	$(BIN)/pytest -n 2 -m "not browser"
	$(BIN)/pytest -n 2 -m browser

prove: $(DEV)  ## Kill 200 runs at random moments, fill disks, take databases away, attack every small count; an hour
	@scripts/install_system.sh
	XINTU_KILLS=200 $(BIN)/pytest -q tests/integration/test_killed.py
	XINTU_ATTACK=all $(BIN)/pytest -q tests/integration/test_attacker.py

fuzz: $(DEV)  ## Hand in 10 000 damaged files and the bombs; an hour (XINTU_FUZZ=n for another number)
	@mkdir -p build/fuzz
	XINTU_FUZZ=$${XINTU_FUZZ:-10000} XINTU_FUZZ_FOLDER=build/fuzz nice -n 10 $(BIN)/pytest -q tests/fuzz

lint: $(DEV)  ## Check style, types and import rules
	@$(MAKE) --no-print-directory --output-sync -j 2 $(LINTS)

lint-types:
	$(BIN)/mypy

lint-docs:
	$(BIN)/numpydoc lint $$(find geo -name '*.py')

lint-style:
	$(BIN)/ruff check
	$(BIN)/ruff format --check

lint-imports:
	$(BIN)/lint-imports --no-logo

loops:
	@$(BIN)/python -c 'import numpy; from geo.warm import warm_kernels; warm_kernels(rng=numpy.random.default_rng())'

bench: $(DEV)  ## Measure speed and memory beside peers, and write docs/benchmarks.md (QUICK=1 for a short form)
	$(BIN)/python -m tests.bench $(if $(QUICK),--quick)

evaluate: $(DEV)  ## Measure how well outbreaks are found, and write docs/detection.md (QUICK=1 for a short form)
	nice -n 10 $(BIN)/python -m tests.evaluate $(if $(QUICK),--quick)

screenshots: $(DEV)  ## Take the pictures of the read-me and of docs/intake.md, into docs/images
	$(BIN)/xintu demo $(LOCALITY) --if-absent
	$(BIN)/xintu run $(LOCALITY)
	$(BIN)/xintu site $(LOCALITY) --p 5
	$(BIN)/python scripts/screenshots.py $(LOCALITY) docs/images
	$(BIN)/python scripts/intake_pictures.py docs/images

rules: $(DEV)  ## Write docs/rules.md from the catalogue of rules
	$(BIN)/python scripts/write_rules.py

# The index in use must not be written into the locks, and they hold for every Python and system at once.
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header $(LOCK_FLAGS) pyproject.toml --extra build

lock: $(DEV)  ## Write both lock files anew (LOCK_FLAGS=--upgrade for newer releases)
	$(COMPILE) -o requirements.lock
	$(COMPILE) --extra dev -c requirements.lock -o requirements-dev.lock

clean:  ## Remove what make made: .venv, caches, build, the demo city
	rm -rf .venv build dist $(LOCALITY) .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
