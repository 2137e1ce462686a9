# Each verb calls the real tool: read it, type it yourself. `env` comes first in all of them, and does nothing
# while the pins stay as they are.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin

# Some machines forbid byte code; without it every start compiles lightning again (20 s instead of 7).
unexport PYTHONDONTWRITEBYTECODE
# The stages of dvc.yaml say plain `python`.
export PATH := $(CURDIR)/$(BIN):$(PATH)
# uv reads none of pip's settings, and wants commas where pip wants spaces.
comma := ,
space := $() $()
export UV_FIND_LINKS ?= $(subst $(space),$(comma),$(strip $(PIP_FIND_LINKS)))

.PHONY: help env data repro test test-all check smoke audit lock

help:           ## this list
	@sed -n 's/^\([a-z-]*\):.*## /make \1\t/p' Makefile | expand -t 16

env: .venv/ready    ## .venv with the exact pins of requirements.lock

data: env       ## the bytes that data.dvc names
	@$(BIN)/dvc pull

# A stage leaves its run ids in runs/stages/: without the run behind it such a stamp is void, and the stage runs again.
repro: data     ## environment, data, the whole pipeline
	@for stamp in $(wildcard runs/stages/*); do for run in $$(cat $$stamp); do [ -d runs/$$run ] || rm -f $$stamp; done; done
	$(BIN)/dvc repro --no-run-cache
	@echo 'done; after `. .venv/bin/activate`:'
	@echo '  receipts ls, runs/*/README.md       every run, for people'
	@echo '  mlflow ui                           every run, for comparing'
	@echo '  dvc metrics show, dvc plots show    numbers and curves of the pipeline'
	@echo '  EXPERIMENTS.md                      what was tried'
	@echo 'open report/index.html'

test: data      ## what CI runs: all tests but those marked slow
	$(BIN)/pytest -m "not slow"

test-all: data  ## every test
	$(BIN)/pytest

check: data     ## the pre-commit hooks, on all files
	$(BIN)/pre-commit run --all-files

# What a lock names beside its own build of torch; advisories come from the network. Nothing is installed or resolved.
audit: env      ## advisories on the exact pins of requirements.lock
	grep -v '^-c' requirements.lock > .venv/audit.lock
	$(BIN)/pip-audit --strict --no-deps --disable-pip -r .venv/audit.lock

# Before every merge and push: data, a few steps, evaluation again (of val, so that nothing is opened). It trains anew each
# time, so that `latest` is what was trained.
smoke: data     ## the floor and the baseline, tiny, end to end; the tree may be dirty
	@for conf in floor baseline; do \
		$(BIN)/python train.py conf=$$conf preset=smoke allow_dirty=true rerun=true && $(BIN)/python eval.py run_id=latest split=val || exit; \
	done

# `make lock` keeps the pins that still fit; `make lock UPGRADE=--upgrade` takes the newest. Resolved without find-links,
# whose versions exist nowhere else, and for every platform; then the CUDA libraries go to cuda.txt, as constraints.
CUDA := ^(nvidia|cuda|triton)
lock: env       ## requirements.lock and cuda.txt from pyproject.toml
	grep -hv '^-c' requirements.lock cuda.txt > .venv/full.lock
	env -u UV_FIND_LINKS $(BIN)/uv pip compile -q pyproject.toml --extra dev --universal --python-version 3.11 --no-header --no-annotate $(UPGRADE) -o .venv/full.lock
	sed -i 's/+cpu//' .venv/full.lock
	grep -E '$(CUDA)' .venv/full.lock > cuda.txt
	(echo '-c cuda.txt'; grep -vE '$(CUDA)' .venv/full.lock) > requirements.lock

# How .venv is made.

# What the scripts and the tests import: uv compiles nothing, so the first import does.
WARM := dvc.cli, dvc.repo, hydra, lightning.pytorch, mlflow, pandas, pyarrow.parquet, pytest, scipy.stats, skops.io, \
	sklearn.linear_model, sklearn.pipeline, torchmetrics

UV := $(BIN)/uv pip install --python $(BIN)/python
AUTO := $(UV) --torch-backend $(or $(UV_TORCH_BACKEND),auto)

$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else "Python 3.11 or newer: make PYTHON=...")'
	$(PYTHON) -m venv .venv

# uv, or pip where uv can't be had. A find-links folder decides which torch there is; elsewhere uv asks the driver: no
# GPU, no CUDA. The pins of cuda.txt belong to the newest CUDA, so for an older driver they are left out, and its torch
# names the libraries. The last resort is the registry's own build: on Linux CUDA, 4.6 GB on disk, and it runs everywhere.
.venv/ready: requirements.lock cuda.txt pyproject.toml | $(BIN)/pip
	$(BIN)/pip install -q uv==0.13.9 && { \
	$(if $(UV_FIND_LINKS),,$(AUTO) -r requirements.lock || grep -v '^-c' requirements.lock | $(AUTO) -r - || \
		{ echo 'no build of torch to measure: taking the default one (on Linux CUDA and 4.6 GB)'; false; } ||) \
	$(UV) -r requirements.lock; } || $(BIN)/pip install -r requirements.lock
	$(BIN)/pip install -q --no-deps --no-build-isolation -e .
	@echo 'compiling byte code: half a minute, once'
	@$(BIN)/python -c 'import $(WARM)'
	@touch $@
