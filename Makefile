# Each target makes .venv by itself when it is missing or older than what it is made from.

PYTHON ?= python3
PY := .venv/bin/python
READY := .venv/ready

.PHONY: demo serve test check bench clean

demo: $(READY)  ## digits -> dataset -> trained network -> an answer over HTTP
	$(PY) -m netloom demo

serve: $(READY)  ## the workbench on http://127.0.0.1:5000
	$(PY) -m netloom serve

test: $(READY)
	$(PY) -m pytest

check: $(READY)  ## style, types, and whether the docs tell the truth
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy --strict
	$(PY) -m pytest tests/test_imports.py tests/test_docs.py

# Those on MNIST need its four original files: NETLOOM_MNIST=FOLDER make bench
bench: $(READY)  ## every benchmark; each prints its ratios
	set -e; for script in benchmarks/*.py; do echo "== $$script"; $(PY) $$script; done

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache build dist

# torch goes in first and alone: once the pinned build is there, nothing that depends on torch
# fetches another one. Only then come the package itself and the tools.
$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Netloom needs Python 3.11 or newer.")'
	@echo "making .venv (a minute or two; once)"
	@test -x $(PY) || $(PYTHON) -m venv .venv
	@$(PY) -m pip install --quiet --upgrade "pip>=24"
	@$(PY) -m pip install --quiet --constraint constraints.txt torch
	@$(PY) -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@
