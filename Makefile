# The Delight Workbook. `make help` lists what there is.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
UV     := 0.13.9
STUDY  ?= kinderopvang-demo

export UV_NO_CONFIG = 1

# Servers that long tests speak to when they are there.
SERVERS := .servers
export PATH := $(PATH):$(CURDIR)/$(SERVERS)/bin

.PHONY: help report test test-long test-servers lab bench lint lock clean

help:  ## what each target does
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 20

report: $(VENV)/.run  ## set up and make the report of the demo study (STUDY=name for another)
	@$(BIN)/delight run $(STUDY) --languages nl,en,da

test: $(VENV)/.test lint  ## set up and run the tests
	@$(BIN)/python -m pytest -n 2 --dist worksteal -m "not long" -q

test-long: $(VENV)/.test  ## the long tests: real studies, browser, kills
	@$(BIN)/python -m pytest -n 2 --dist worksteal -m long -q

test-servers: $(VENV)/.uv  ## servers for the long tests: an S3 store, JupyterHub's proxy (needs npm); without them their tests are skipped
	@$(BIN)/uv venv -q --allow-existing $(SERVERS) && \
		$(BIN)/uv pip install -q --python $(SERVERS)/bin/python 'moto[server]>=5.1,<6' || echo "No S3 server; its test will be skipped."
	@command -v npm >/dev/null && npm install --silent --no-fund --no-audit --global --prefix $(CURDIR)/$(SERVERS) \
		configurable-http-proxy@5 || echo "No proxy for JupyterHub; its test will be skipped."

lab: $(VENV)/.run  ## open JupyterLab on the workbook
	@$(BIN)/delight lab $(STUDY)

bench: $(VENV)/.run  ## measure speed, as ratios within one run
	@for file in benchmarks/*.py; do echo "== $$file"; $(BIN)/python $$file || exit 1; done

lint: $(VENV)/.test  ## ruff on code and notebooks
	@$(BIN)/ruff check -q . && $(BIN)/ruff format -q --check .

lock: $(VENV)/.uv  ## resolve the dependencies of pyproject.toml anew
	@$(BIN)/uv pip compile -q pyproject.toml --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-emit-find-links --no-header -o requirements.lock
	@$(BIN)/uv pip compile -q pyproject.toml --extra test --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-emit-find-links --no-header -c requirements.lock -o requirements-test.lock

clean:  ## remove what was built: .venv, reports, caches
	@rm -rf $(VENV) $(SERVERS) reports/*/ reports/.work .pytest_cache .ruff_cache .hypothesis artefacts

# --- set-up: each stamp stands for a finished step, so a second call installs nothing
$(VENV)/.uv:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || \
		{ echo "Python 3.11, 3.12 or 3.13 is needed; '$(PYTHON)' is $$($(PYTHON) --version 2>&1). Name another: make PYTHON=python3.12 report"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
		{ echo "Python's venv module is missing. On Debian or Ubuntu: apt-get install python3-venv"; exit 1; }
	@echo "Setting up $(VENV) …"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -q --disable-pip-version-check uv==$(UV)
	@touch $@

$(VENV)/.run: $(VENV)/.uv requirements.lock pyproject.toml
	@test -e $(VENV)/.test || $(BIN)/uv pip sync -q --python $(BIN)/python --require-hashes requirements.lock
	@test ! -e $(VENV)/.test || $(BIN)/uv pip sync -q --python $(BIN)/python --require-hashes requirements-test.lock
	@$(BIN)/uv pip install -q --python $(BIN)/python --no-deps -e .
	@touch $@

$(VENV)/.test: $(VENV)/.uv requirements-test.lock pyproject.toml
	@$(BIN)/uv pip sync -q --python $(BIN)/python --require-hashes requirements-test.lock
	@$(BIN)/uv pip install -q --python $(BIN)/python --no-deps -e .
	@touch $@ $(VENV)/.run
