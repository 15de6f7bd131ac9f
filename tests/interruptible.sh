#!/usr/bin/env bash
# Runs a command that asks for nothing, and ends with one line at Ctrl-C. The command has a process group of its own, which
# a terminal's SIGINT does not reach: many Python programs print a traceback at it. SIGTERM ends them in silence.
set -m
"$@" &
trap 'kill -TERM -- "-$!"; wait 2>/dev/null; echo "Interrupted." >&2; exit 130' INT TERM HUP
wait "$!"
