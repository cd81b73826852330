#!/usr/bin/env bash
# Install Haraka for the tests with npm, once, in a cache outside the tree; print its folder. Its own dependencies are what its ranges say.
# Without node and npm it says why on standard error and exits 1.
set -euo pipefail
version=3.1.1  # the newest that runs on the node of Debian 12
for program in node npm; do
  command -v "$program" >/dev/null || { echo "$program is not installed" >&2; exit 1; }
done
cache=${XDG_CACHE_HOME:-$HOME/.cache}/fastemailnet
folder=$cache/haraka-$version
if [ ! -d "$folder" ]; then
  mkdir -p "$cache"
  part=$(mktemp -d "$cache/haraka.XXXXXX")
  trap 'rm -rf "$part"' EXIT
  npm install --prefix "$part" --omit=optional --ignore-scripts --no-audit --no-fund --silent "Haraka@$version" >&2
  mv "$part" "$folder"
fi
echo "$folder"
