# Sidekey: `make` alone prints the targets.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: help install run dev test check bench profile fleet layer layer-lock layer-closure clean

help: ## print the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 20

install: .venv/installed ## create .venv alone

.venv/installed: pyproject.toml
	@echo "installing into .venv (a minute the first time)"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

run: install build/aws-lambda-rie ## three functions in three languages read secrets through AWS's own emulator
	@$(BIN)/python scripts/run

dev: install ## the same, with the endpoint left open on 2773 until Ctrl-C
	@$(BIN)/python scripts/run --dev

test: install build/aws-lambda-rie ## every test, the emulator's included
	@$(BIN)/python -m pytest -n 2

build/aws-lambda-rie: | .venv/installed
	@echo "taking AWS's emulator out of the aws-sam-cli wheel"
	@$(BIN)/python scripts/fetch-emulator

check: install ## lint, format and types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

bench: layer build/aws-lambda-rie ## docs/bench.*: cold starts and hits beside what one would pick instead (ten minutes)
	@$(BIN)/python -m scripts.bench
	@$(BIN)/python scripts/readme

profile: layer ## docs/boot.*: where the boot time goes, module by module
	@$(BIN)/python -m scripts.bench.profile

fleet: install ## docs/fleet.*: ten thousand environments against AWS's quotas, simulated (a minute)
	@$(BIN)/python scripts/simulate_fleet

layer: install ## dist/: the layer's zips for both architectures, their sums and bills of materials
	@$(BIN)/python -m layer.assembly

layer-lock: install ## renew the lock of what the layer is made of
	@$(BIN)/python -m layer.assembly lock

layer-closure: install ## record anew which modules the layer carries
	@$(BIN)/python -m layer.assembly closure

clean: ## remove what make made
	@rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
