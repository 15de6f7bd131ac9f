#!/usr/bin/env bash
# Runs a command that Ctrl-C ends with one line. The command has a process group of its own, which the terminal's SIGINT
# does not reach: many Python programs would answer it with a traceback. SIGTERM ends them without one.
set -m
"$@" &
trap 'kill -TERM -- "-$!"; wait 2>/dev/null; echo "Interrupted." >&2; exit 130' INT TERM HUP
wait "$!"
