# `make train` and `make test` are all one needs; both set everything up first and are quick when that is done.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
GET_UV = command -v uv >/dev/null || test -x .venv/.uv/bin/uv || \
	{ echo "getting uv"; $(PYTHON) -m venv .venv/.uv && .venv/.uv/bin/python -m pip install --quiet uv; }
UV = PATH="$$PATH:$$PWD/.venv/.uv/bin" uv

.PHONY: setup train test test-slow test-gpu test-all lint golden bench lock clean

train: setup
	$(BIN)/python train.py experiment=first_paintings

test: setup
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2

test-slow: setup
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadgroup -m "slow and not gpu and not network" $(BUT)

# Each test makes a context of its own on the GPU: more processes than cores are of no use.
test-gpu: setup
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests/gpu -m gpu -n 8 --maxschedchunk 1

test-all: test test-slow

setup: $(READY)

# uv installs the pinned, hashed packages; where it is absent, a small environment of its own gets it from the registry.
$(READY): requirements.lock pyproject.toml
	@$(GET_UV)
	@export UV_PYTHON_DOWNLOADS=never; \
	test -x $(BIN)/python || $(UV) venv --quiet --allow-existing --python "$$($(PYTHON) -c 'import sys; print(sys.executable)')" .venv; \
	$(UV) pip sync --quiet --python $(BIN)/python --require-hashes --compile-bytecode requirements.lock && \
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m compileall -q src
	@touch $@

lint: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

golden: setup
	$(BIN)/python tests/golden/renew.py

bench: setup
	$(BIN)/python benchmarks/train_throughput.py
	$(BIN)/python benchmarks/input.py

lock:
	@$(GET_UV)
	@$(UV) pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-annotate --no-header \
		--all-extras --group dev pyproject.toml -o requirements.lock

clean:
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis
