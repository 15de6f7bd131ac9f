#!/usr/bin/env bash
# `make preflight`: the playbook against Firefly itself where the environment names keys or an address, else against the
# embedded one.
set -u
playbook=(ansible-playbook firefly.platform.preflight)
keys="${FIREFLY_ACCESS_KEY:-}${FIREFLY_ACCESS_KEY_FILE:-}${FIREFLY_SECRET_KEY:-}${FIREFLY_SECRET_KEY_FILE:-}"
if [[ -n "$keys${FIREFLY_API_URL:-}" ]]; then
  what="${FIREFLY_API_URL:-https://api.firefly.ai}"
  "${playbook[@]}"
else
  what="the embedded Firefly (set FIREFLY_ACCESS_KEY and FIREFLY_SECRET_KEY to ask the real one)"
  python -m tests.fake_firefly -- "${playbook[@]}"
fi
status=$?
if [[ $status -eq 0 ]]; then
  echo "Preflight passed against $what."
else
  echo "Preflight FAILED against $what: the message above says what to do."
fi
exit $status
