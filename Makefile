# Every target sets up what it needs. PYTHON is the interpreter to build the virtual environment with.
PYTHON ?= python3
VENV := .build/venv
COLLECTIONS := $(CURDIR)/.build/collections
BIN := $(CURDIR)/$(VENV)/bin
NOX := .build/nox-venv/bin/nox
nox = @rm -f .build/$(1).json; $(NOX) $(2) --report .build/$(1).json; .build/nox-venv/bin/python -m tests.report .build/$(1).json

export PATH := $(BIN):$(PATH)
export ANSIBLE_COLLECTIONS_PATH := $(COLLECTIONS)
export ANSIBLE_LOCALHOST_WARNING := False
export ANSIBLE_INVENTORY_UNPARSED_WARNING := False
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help preflight test lint unit molecule torture certify matrix release bench build clean docs

help: ## Show the targets
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

preflight: $(VENV)/runtime ## Run the preflight playbook: against Firefly where the environment names keys or an address, else against the embedded one
	@tests/preflight.sh

test: lint unit molecule ## Run all tests

lint: $(VENV)/tests ## Check style and types
	ruff check .
	ruff format --check .
	MYPYPATH=$(COLLECTIONS) mypy -p ansible_collections.firefly.platform.plugins -p fake_firefly -p helpers -p bench

unit: $(VENV)/tests ## Run the unit tests, with coverage
	pytest --numprocesses=2 --cov --cov-report=term --cov-fail-under=90

molecule: $(VENV)/tests ## Run the scenarios
	molecule test --all --report --command-borders

torture: $(VENV)/tests ## Try faults, junk, load, kills and leaks, for a quarter of an hour
	pytest tests/torture -s --junitxml=.build/torture.xml

certify: $(NOX) ## Check what Galaxy, Automation Hub and Red Hat's certification check
	$(call nox,certify,)

matrix: $(NOX) ## Run the unit tests, the scenarios and ansible-test sanity on every ansible-core, for half an hour
	$(call nox,matrix,--tags matrix)

release: $(NOX) ## Build the tarball in dist/ and run the playbook from it
	$(call nox,release,--session release)

bench: $(VENV)/tests ## Measure what a task costs and play a herd at the rate limit, for half an hour
	python -m tests.bench $(BENCH)
	PYTHONPATH=tests:$(COLLECTIONS) python -m bench.herd
	PYTHONPATH=tests:$(COLLECTIONS) python -m bench.pages

build: $(VENV)/runtime ## Build the collection's tarball in dist/
	ansible-galaxy collection build --force --output-path dist

docs: .build/docs ## Build the documentation site in docs/build/html
	PATH=$(CURDIR)/.build/docs-venv/bin:$$PATH docs/build.sh

clean: ## Remove what the targets made
	rm -rf .build dist

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, $(PYTHON) is " + sys.version.split()[0]) if sys.version_info < (3, 11) else 0'
	$(PYTHON) -m venv $(VENV)
	mkdir -p $(COLLECTIONS)/ansible_collections/firefly
	ln -sfn $(CURDIR) $(COLLECTIONS)/ansible_collections/firefly/platform

$(VENV)/runtime: tests/fake_firefly/requirements.txt | $(VENV)/bin/python
	python -m pip install --quiet ansible-core requests -r $<
	@touch $@

$(VENV)/tests: tests/requirements.txt $(VENV)/runtime
	python -m pip install --quiet -r $<
	@touch $@

$(NOX): | $(VENV)/bin/python
	python -m venv .build/nox-venv
	.build/nox-venv/bin/python -m pip install --quiet 'antsibull-nox>=1.10,<2' 'nox>=2026.10'

.build/docs: docs/requirements.txt | $(VENV)/bin/python
	python -m venv .build/docs-venv
	.build/docs-venv/bin/python -m pip install --quiet -r $<
	@touch $@
