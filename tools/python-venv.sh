#!/usr/bin/env bash
# Make the virtual environment with a Python that is new enough, or say what is missing.
set -euo pipefail
venv=$1
[ -x "$venv/bin/python" ] && exit 0
for python in python3.13 python3.12 python3.11 python3; do
  if command -v "$python" >/dev/null && "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    echo "virtual environment in $venv with $("$python" --version)"
    "$python" -m venv "$venv" || { echo "the venv module is missing; on Debian: apt install python3-venv" >&2; exit 1; }
    exit 0
  fi
done
echo "Python 3.11 or newer is needed; found: $(python3 --version 2>&1 || echo none)" >&2
exit 1
