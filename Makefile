# Two commands for a fresh machine: make demo, make test. Everything lives in .venv.
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
DEMO := demo
SHEET = $(DATA)/cadastre/edigeo/edigeo-130290000A01.tar.bz2
export PYTHONSAFEPATH := 1

.PHONY: demo test lint types tests stubs results bench adapt figures lock clean

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
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2

# venv first, then uv inside it, then the lock: every file is checked against its hash.
.venv/ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "$(PYTHON) is older than 3.11; call make PYTHON=/path/to/python3.11"; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv || \
	  { echo "python3-venv is missing; install it: apt-get install python3-venv"; exit 2; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check 'uv==0.13.9'
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	@$(MAKE) --no-print-directory stubs SITE=$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
	@touch $@

# mypy does not see through the import hook of an editable installation; beside it, it takes a package of stubs.
stubs:
	@mkdir -p "$(SITE)/vigibati-stubs"
	@ln -sfn $(CURDIR)/.typing/vigibati/* "$(SITE)/vigibati-stubs"
	@mv "$(SITE)/vigibati-stubs/__init__.py" "$(SITE)/vigibati-stubs/__init__.pyi"

# Rebuilds every result file and every figure in the documents. DATA: folder of the reference scenes.
results: demo
	@test -d "$(DATA)" || { echo "give the folder of the reference scenes: make results DATA=..."; exit 2; }
	$(BIN)/python -P benchmarks/demo.py
	$(BIN)/vigibati bench withheld $(DATA)/scenes/barnarp/ortho.tif \
	  --records $(DATA)/scenes/barnarp/footprints.gpkg --fraction 0.2 --shift-m 1.5 --seed 7 \
	  --reviewed benchmarks/reviews/barnarp.csv --crops runs/crops/barnarp \
	  --out benchmarks/results/withheld_barnarp.json
	$(BIN)/vigibati synth --seed 7 --ground-plan $(SHEET) --out runs/edigeo_13029
	$(BIN)/python -P benchmarks/outlines.py \
	  --scene barnarp $(DATA)/scenes/barnarp/ortho.tif $(DATA)/scenes/barnarp/footprints.gpkg \
	  --scene edigeo_13029 runs/edigeo_13029/ortho.tif runs/edigeo_13029/truth.gpkg
	$(BIN)/vigibati bench withheld runs/edigeo_13029/ortho.tif --records $(SHEET) --count 10 --seed 7 \
	  --crops runs/crops/edigeo_13029 --out benchmarks/results/withheld_edigeo_13029.json
	$(BIN)/python -P benchmarks/nairobi.py $(DATA)/scenes/nairobi
	$(BIN)/python -P benchmarks/figures

# Times and counts, on a machine that does nothing else; peers are installed beside each other in runs/venvs.
bench: demo
	@test -d "$(DATA)" || { echo "give the folder of the reference scenes: make bench DATA=..."; exit 2; }
	$(BIN)/python -P benchmarks/peers/run.py --venvs runs/venvs --work runs/peers
	$(BIN)/python -P benchmarks/scale_run.py --work runs/peers
	OMP_NUM_THREADS=1 $(BIN)/python -P benchmarks/vectorise.py
	$(BIN)/python -P benchmarks/engines.py $(DATA)/scenes/barnarp/ortho.tif
	$(BIN)/python -P benchmarks/engine_cases.py \
	  --scene demo $(DEMO)/commune/ortho.tif $(DEMO)/commune/cadastre-99007-batiments.json.gz \
	  --scene barnarp $(DATA)/scenes/barnarp/ortho.tif $(DATA)/scenes/barnarp/footprints.gpkg
	OMP_NUM_THREADS=1 $(BIN)/python -P benchmarks/comparison.py
	$(BIN)/python -P benchmarks/withheld_plans.py --data $(DATA)
	$(BIN)/python -P benchmarks/figures

# Two starting models (half an hour on two cores) and fourteen adaptations (12 to 40 minutes each); goes on where
# it was.
STARTS = without_barnarp synthetic_alone
adapt: .venv/ready
	@test -d "$(DATA)" || { echo "give the folder of the reference scenes: make adapt DATA=..."; exit 2; }
	$(BIN)/vigibati synth --chips 200 --seed 11 --out runs/chips_s11
	for start in $(STARTS); do \
	  of="--config benchmarks/recipes/$$start.yaml --data $(DATA)/chips.csv --data runs/chips_s11/chips.csv"; \
	  $(BIN)/vigibati train $$of --out runs/$$start --workers 0 && \
	  $(BIN)/vigibati calibrate $$of --checkpoint runs/$$start/checkpoint || exit 1; done
	for share in 0.2 0 0.4 0.05 0.1 0.02; do $(BIN)/python -P benchmarks/adapt.py barnarp --data $(DATA) \
	  --start runs/without_barnarp/checkpoint --withheld $$share || exit 1; done
	for area in 40 100; do $(BIN)/python -P benchmarks/adapt.py barnarp --data $(DATA) \
	  --start runs/without_barnarp/checkpoint --smallest-m2 $$area || exit 1; done
	$(BIN)/python -P benchmarks/adapt.py barnarp --data $(DATA) --start runs/without_barnarp/checkpoint \
	  --smallest-m2 100 --steps 300
	for share in 0.2 0; do $(BIN)/python -P benchmarks/adapt.py barnarp --data $(DATA) \
	  --start runs/synthetic_alone/checkpoint --withheld $$share || exit 1; done
	for folds in 2 4; do $(BIN)/python -P benchmarks/adapt.py nairobi --data $(DATA) \
	  --start runs/without_barnarp/checkpoint --folds $$folds || exit 1; done
	$(BIN)/python -P benchmarks/adapt.py commune --data $(DATA) --start runs/without_barnarp/checkpoint
	$(BIN)/python -P benchmarks/adapt_plot.py
	$(BIN)/python -P benchmarks/figures

figures: .venv/ready
	$(BIN)/python -P benchmarks/figures

lock:
	$(BIN)/uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 \
	  --generate-hashes --no-header --quiet -o requirements.lock

clean:
	rm -rf .venv $(DEMO) build *.egg-info
