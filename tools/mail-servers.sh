#!/usr/bin/env bash
# Unpack mail servers (and rspamd) for the tests, beside each other and installed nowhere: Debian's Postfix, Exim and OpenSMTPD conflict, and
# none may take the place of the one that the machine uses. Prints the folder whose `usr` the tests lay over theirs (see mail_peers.py).
# Usage: tools/mail-servers.sh SERVER PACKAGE…   Without apt it says why on standard error and exits 1.
set -euo pipefail
server=$1
shift
command -v apt-get >/dev/null || { echo "no apt here" >&2; exit 1; }
release=$(. /etc/os-release && echo "$ID-${VERSION_ID:-rolling}")
folder=${XDG_CACHE_HOME:-$HOME/.cache}/fastemailnet/mail-servers/$release/$server
if [ ! -e "$folder/complete" ]; then
  sudo=()
  [ "$(id -u)" -eq 0 ] || sudo=(sudo -n)
  "${sudo[@]}" apt-get update -qq >&2
  rm -rf "$folder"
  mkdir -p "$folder/packages" "$folder/usr"
  cd "$folder/packages"
  # What an installation would fetch is what the machine lacks: the packages' dependencies. Nothing is installed.
  missing=$(apt-get install --print-uris -qq -y --no-install-recommends "$@" | sed -n "s/^'[^']*' \([^_ ]*\)_.*/\1/p")
  # shellcheck disable=SC2086 # one word a package
  apt-get download -qq $(printf '%s\n' "$@" $missing | sort -u) >&2
  for package in *.deb; do dpkg -x "$package" "$folder"; done
  rm -rf "$folder/packages"
  [ ! -d "$folder/lib" ] || cp -a "$folder/lib/." "$folder/usr/lib/"  # where /lib is /usr/lib, as the tests take it
  touch "$folder/complete"
fi
echo "$folder"
