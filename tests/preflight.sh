#!/usr/bin/env bash
# `make preflight`: the playbook against Firefly where the environment names keys or an address, else against the embedded
# Firefly of the tests. An API that is down is waited for ten seconds.
set -u
trap 'exit 130' INT
root=$(cd "$(dirname "$0")/.." && pwd)
export PATH="$root/.build/venv/bin:$PATH" ANSIBLE_COLLECTIONS_PATH="$root/.build/collections"
export ANSIBLE_LOCALHOST_WARNING=False ANSIBLE_INVENTORY_UNPARSED_WARNING=False
playbook=(ansible-playbook firefly.platform.preflight --extra-vars '{"preflight_wait_timeout": 10}')
if [[ -n "${!FIREFLY_ACCESS_KEY*}${!FIREFLY_SECRET_KEY*}${FIREFLY_API_URL+x}" ]]; then
  what="Preflight against ${FIREFLY_API_URL:-https://api.firefly.ai}"
  "${playbook[@]}"
else
  what='TEST RUN: against an embedded test server, NOT Firefly'
  echo "$what. Set FIREFLY_ACCESS_KEY and FIREFLY_SECRET_KEY to ask Firefly."
  cd "$root" && tests/interruptible.sh python -m tests.fake_firefly -- "${playbook[@]}"
fi
status=$?
if [[ $status -eq 0 ]]; then
  echo "$what: passed."
else
  echo "$what: FAILED. The message above says what to do."
fi
exit $status
