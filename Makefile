# make demo   install into .venv and run the demo        make test   install and run the tests
# make lint   style and types        make all-tests   the slow ones too        make bench   benchmarks

VENV ?= .venv
BIN := $(VENV)/bin
DEMO ?= pcseg-demo

.PHONY: demo test all-tests lint bench wheel clean

demo: $(VENV)/.installed-run
	$(BIN)/pcseg demo $(DEMO)

test: $(VENV)/.installed-test
	$(BIN)/python -m pytest -q

all-tests: $(VENV)/.installed-test
	$(BIN)/python -m pytest -q -m "slow or not slow"

lint: $(VENV)/.installed-test
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

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
	scripts/install $(VENV) test,log,viz && touch $@ $(VENV)/.installed-run

clean:
	rm -rf build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache
