# make preflight   the preflight playbook: against Firefly where FIREFLY_* has keys or an address, else a test run
# make test        lint, unit tests, playbooks and Molecule scenarios
# make certify     what Galaxy, Automation Hub and Red Hat's certification check
# make matrix      all tests, and ansible-test sanity, on every ansible-core
# make torture     faults, junk, load, kills and leaks
# make release     the tarball in dist/, tried out
# make docs, make bench, make mutants, make clean; and parts of these: make lint, make unit, make tests-2.16, ...
#
# PYTHON is the interpreter for .build/venv. ARGS go to the session's command. What a session needs is installed by uv:
# with NOX_DEFAULT_VENV_BACKEND=virtualenv by pip, which may know another package index.
PYTHON ?= python3
BIN := .build/venv/bin
VENV := .build/venv/made-by$(subst /,-,-$(PYTHON))
SESSIONS := test certify matrix torture release docs bench mutants lint unit unit-% playbooks molecule ee tests-% sanity-%
RUN := $(filter $(SESSIONS),$(MAKECMDGOALS))
UNKNOWN := $(filter-out help preflight clean $(RUN),$(MAKECMDGOALS))
$(if $(UNKNOWN),$(error There is no $(UNKNOWN). The targets are: help preflight clean $(SESSIONS)))
.PHONY: help preflight clean python clone nox $(RUN)

help:
	@sed -n '/^PYTHON/q; s/^# \?//p' Makefile

preflight: $(VENV)
	@tests/preflight.sh

$(RUN): nox; @:
nox: clone .build/venv/tests
	@rm -f .pytest_cache/failed_tests
	@tests/interruptible.sh $(BIN)/nox --sessions $(RUN) $(if $(ARGS),-- $(ARGS)) || \
	  { test ! -s .pytest_cache/failed_tests || { echo 'The tests that failed, each as the command that runs it again:'; \
	  cat .pytest_cache/failed_tests; }; exit 1; }

clean:
	rm -rf .build dist

python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo 'PYTHON=$(PYTHON) is not a Python 3.11 or newer that runs. Set PYTHON to one, as in make test PYTHON=python3.12.' >&2; exit 1; }

clone:
	@git --version >/dev/null && test -e .git || \
	  { echo 'make $(RUN) needs git and a clone. In a downloaded archive, only make preflight works.' >&2; exit 1; }

$(VENV): tests/unit/requirements.txt tests/fake_firefly/requirements.txt | python
	tests/interruptible.sh $(PYTHON) -m venv --clear .build/venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check ansible-core -r $<
	mkdir -p .build/collections/ansible_collections/firefly
	ln -sfn "$(CURDIR)" .build/collections/ansible_collections/firefly/platform
	@touch $@

.build/venv/tests: tests/requirements.txt $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@
