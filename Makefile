# make demo   install into .venv and run the demo        make test   install and run the tests
# make lint   style and types        make all-tests   the slow ones too        make bench   benchmarks
# make test-triton   the Triton kernels in their interpreter, and compiled for a GPU

VENV ?= .venv
BIN := $(VENV)/bin
DEMO ?= pcseg-demo

.PHONY: demo test all-tests test-triton lint bench wheel clean

demo: $(VENV)/.installed-run
	$(BIN)/pcseg demo $(DEMO)

# Two processes, each file of tests in one of them.
test: $(VENV)/.installed-test
	$(BIN)/python -m pytest -q -n 2 --dist loadfile

all-tests: $(VENV)/.installed-test
	$(BIN)/python -m pytest -q -m "slow or not slow"

lint: $(VENV)/.installed-test
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

# Beside the environment and not in it: torch.compile would find it there. Older versions cannot
# interpret with the newest numpy.
$(VENV)/triton:
	$(BIN)/python -m pip install --no-deps --target $@ triton==3.9.0

test-triton: $(VENV)/.installed-test $(VENV)/triton
	TRITON_INTERPRET=1 PYTHONPATH=$(VENV)/triton $(BIN)/python -m pytest -q tests/sparse -k triton

bench: $(VENV)/.installed-test
	$(BIN)/python benchmarks/sparse.py --quick $(PEERS:%=--peers %) \
	  --json benchmarks/results/sparse.json --plot benchmarks/results/sparse.svg
	for program in scaling startup loader io sim; do \
	  $(BIN)/python benchmarks/$$program.py --quick --json benchmarks/results/$$program.json || exit 1; \
	done

wheel: $(VENV)/.installed-test
	$(BIN)/python -m pip wheel --no-deps --no-build-isolation -w dist .

$(VENV)/.installed-run: pyproject.toml setup.py constraints.txt scripts/install
	scripts/install $(VENV) && touch $@

$(VENV)/.installed-test: pyproject.toml setup.py constraints.txt scripts/install
	scripts/install $(VENV) test,log,viz,datasets && touch $@ $(VENV)/.installed-run

clean:
	rm -rf build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache
