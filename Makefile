# Every target first runs `setup` if needed; `make` alone lists the targets.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
RUN := $(BIN)/python -m benchmark
TOOLS := tests/javascript
# One process more than cores, because some tests wait for others' processes; five at most, for memory.
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
PARALLEL = -n $(shell $(BIN)/python -c 'import os; print(min($(CORES), 4) + 1)') --dist worksteal
SMALL := logreg/digits,mlp/digits,cnn/digits
CLASSICS := sgd,momentum,nesterov,adagrad,adadelta,rmsprop,adam

.DEFAULT_GOAL := help
.PHONY: help setup bench bench-all report results reference paper baselines test test-all test-cluster lint lint-javascript format format-javascript check perf clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

setup: $(READY) ## make .venv with all dependencies

$(READY): pyproject.toml
	@if command -v uv >/dev/null; then \
	  uv venv --quiet --allow-existing --python $(PYTHON) $(VENV) && \
	  uv pip install --quiet --python $(BIN)/python --editable . --group dev; \
	else \
	  $(PYTHON) -m venv $(VENV) && \
	  $(BIN)/python -m pip install --quiet --upgrade "pip>=25.1" && \
	  PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet --editable . --group dev; \
	fi
	@touch $@

# The transformer's trials take a minute each, so they are shipped ones, of which one is checked.
bench: $(READY) ## compare the classic optimizers, as tuned, on embedded problems, in about two minutes
	$(RUN) --problem $(SMALL),charlm/manual --opts $(CLASSICS) --reference adam \
	  --seeds 5 --study bench --train-here $(SMALL)

bench-all: $(READY) ## compare all optimizers, as tuned, on all problems; downloads the data, may take hours
	$(RUN) --problem all --opts all --reference adam --seeds 10 --study bench-all

report: $(READY) ## print the tables of `make bench` again, and write its page
	$(RUN) show bench
	$(RUN) report bench

results: $(READY) ## write docs/results.md and its pictures from the records in docs/results
	rm -rf build/results
	$(RUN) restore docs/results/reference.parquet --results build/results
	$(RUN) report reference --results build/results --format md --out docs/results.md

reference: $(READY) ## make the study of docs/results.md again, from the shipped baselines
	rm -rf build/reference
	$(RUN) --config docs/results/reference.toml --results build/reference
	$(RUN) compact reference --results build/reference --out docs/results/reference.parquet
	$(MAKE) results

paper: $(READY) ## write docs/paper.md and its pictures from the records in docs/paper
	rm -rf build/paper
	for records in docs/paper/*.parquet; do $(RUN) restore $$records --results build/paper || exit 1; done
	$(RUN) paper adam --scale full --results build/paper --out docs/paper.md

baselines: $(READY) ## tune and evaluate the shipped baselines that are missing; takes hours
	$(BIN)/python -m tools.make_baselines

# Compiled modules are kept, whatever the shell says: each of many processes would compile them again.
test test-all test-cluster: export PYTHONDONTWRITEBYTECODE =

test: $(READY) ## run the tests, offline, on all cores, in about three minutes on two cores
	$(BIN)/python -m pytest $(PARALLEL)

test-all: $(READY) ## also run the slow tests, and those on real data if BENCHMARK_DATA_DIR is set
	$(BIN)/python -m pytest $(PARALLEL) -m 'not cluster' --hypothesis-profile=thorough

test-cluster: $(READY) ## run the tests on Ray, and on Slurm if slurm-wlm and munge are installed
	@if command -v uv >/dev/null; then \
	  uv pip install --quiet --python $(BIN)/python --group cluster; \
	else \
	  PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet --group cluster; \
	fi || echo "Ray cannot be installed: its tests are skipped"
	$(BIN)/python -m pytest -m cluster -rs

lint: $(READY) ## check format, style, types and import rules
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory lint-javascript; \
	else echo "JavaScript not checked: npm is not installed"; fi

lint-javascript: $(TOOLS)/node_modules/.ready
	npm --prefix $(TOOLS) --silent run lint

$(TOOLS)/node_modules/.ready: $(TOOLS)/package.json
	@npm --prefix $(TOOLS) --silent install --no-package-lock --no-audit --no-fund
	@touch $@

format: $(READY) ## format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory format-javascript; \
	else echo "JavaScript not formatted: npm is not installed"; fi

format-javascript: $(TOOLS)/node_modules/.ready
	npm --prefix $(TOOLS) --silent run format

check: lint test ## lint and test: every change must pass

perf: $(READY) ## time the suite against a hand-written loop, as JSON
	@for script in perf/[a-z]*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

clean: ## remove build products, but keep results
	rm -rf $(VENV) $(TOOLS)/node_modules build dist *.egg-info .pytest_cache .ruff_cache .mypy_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
