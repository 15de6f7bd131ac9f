# make preflight   the preflight playbook: against Firefly where FIREFLY_* has keys or an address, else a test run
# make test        lint, unit, playbooks and molecule
# make certify     what Galaxy, Automation Hub and Red Hat's certification check
# make matrix      all tests, and ansible-test sanity, on every ansible-core
# make torture     faults, junk, load, kills and leaks
# make release     the tarball in dist/, tried out
# make docs, make bench, make mutants, make tests-2.16, make sanity-2.16, ...: any session of `.build/venv/bin/nox -l`
#
# PYTHON is the interpreter for .build/venv. ARGS go to the session's command. What a session needs is installed by uv:
# with NOX_DEFAULT_VENV_BACKEND=virtualenv by pip, which may know another package index.
PYTHON ?= python3
BIN := $(CURDIR)/.build/venv/bin
RUNTIME := .build/venv/made-by-$(notdir $(PYTHON))
SESSIONS := $(filter-out help preflight clean,$(MAKECMDGOALS))
.PHONY: help preflight clean python nox $(SESSIONS)

help:
	@sed -n '/^PYTHON/q; s/^# \?//p' Makefile

preflight: $(RUNTIME)
	@tests/preflight.sh

$(SESSIONS): nox; @:
nox: .build/venv/tests
	@$(BIN)/nox --sessions $(SESSIONS) $(if $(ARGS),-- $(ARGS))

clean:
	rm -rf .build dist

python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo 'PYTHON=$(PYTHON) is not a Python 3.11 or newer that runs. Set PYTHON to one, as in make test PYTHON=python3.12.' >&2; exit 1; }

$(RUNTIME): tests/fake_firefly/requirements.txt | python
	$(PYTHON) -m venv --clear .build/venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check ansible-core requests -r $<
	mkdir -p .build/collections/ansible_collections/firefly
	ln -sfn $(CURDIR) .build/collections/ansible_collections/firefly/platform
	@touch $@

.build/venv/tests: tests/requirements.txt tests/unit/requirements.txt $(RUNTIME)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@
