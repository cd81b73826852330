#!/usr/bin/env bash
# Build an S3 server for the tests (versitygw, Apache-2.0) with Go, once, in a cache outside the tree; print its path.
# Without Go or the module proxy it says why on standard error and exits 1.
set -euo pipefail
version=v1.8.0
cache=${XDG_CACHE_HOME:-$HOME/.cache}/fastemailnet
program=$cache/versitygw-$version
if [ ! -x "$program" ]; then
  command -v go >/dev/null || { echo "Go is not installed" >&2; exit 1; }
  mkdir -p "$cache"
  part=$(mktemp -d "$cache/versitygw.XXXXXX")
  trap 'rm -rf "$part"' EXIT
  GOBIN=$part go install "github.com/versity/versitygw/cmd/versitygw@$version" >&2
  mv "$part/versitygw" "$program"
fi
echo "$program"
