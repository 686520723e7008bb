# Two commands for a fresh machine: make demo, make test. Everything lives in .venv.
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
DEMO := demo
export PYTHONSAFEPATH := 1

.PHONY: demo test lint types tests lock clean

demo: .venv/ready
	$(BIN)/vigibati synth --seed 7 --size-km 1 --out $(DEMO)/commune
	$(BIN)/vigibati detect $(DEMO)/commune/ortho.tif \
	  --records $(DEMO)/commune/cadastre-99007-batiments.json.gz \
	  --parcels $(DEMO)/commune/cadastre-99007-parcelles.json.gz \
	  --zones $(DEMO)/commune/PLU/99007_ZONE_URBA.shp \
	  --quicklook $(DEMO)/quicklook.png --out $(DEMO)/cases.gpkg
	$(BIN)/vigibati bench planted $(DEMO)/cases.gpkg --truth $(DEMO)/commune/truth.gpkg

test: lint types tests

lint: .venv/ready
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: .venv/ready
	$(BIN)/mypy

tests: .venv/ready
	$(BIN)/pytest -n 2

# venv first, then uv inside it, then the lock: every file is checked against its hash.
.venv/ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "$(PYTHON) is older than 3.11; call make PYTHON=/path/to/python3.11"; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv || \
	  { echo "python3-venv is missing; install it: apt-get install python3-venv"; exit 2; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check 'uv==0.13.9'
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@

lock:
	$(BIN)/uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 \
	  --generate-hashes --no-header --quiet -o requirements.lock

clean:
	rm -rf .venv $(DEMO) build *.egg-info
