#!/usr/bin/env bash
# Installs the Debian packages of tools/apt-packages.txt that are missing.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

command -v apt-get > /dev/null || die "this machine has no apt-get" \
  "./dev setup supports Debian bookworm; elsewhere install what docs/dependencies.md lists."

mapfile -t wanted < <(sed -e 's/#.*//' -e '/^\s*$/d' "$ROOT/tools/apt-packages.txt")
installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "${wanted[@]}" 2> /dev/null |
  sed -n 's/^installed //p' || true)
missing=()
for package in "${wanted[@]}"; do
  grep -qxF -- "$package" <<< "$installed" || missing+=("$package")
done
((${#missing[@]})) || exit 0

as_root=()
if (($(id -u) != 0)); then
  as_root=(sudo -n)
  sudo -n true 2> /dev/null || die "these Debian packages are missing, and sudo wants a password:" \
    "${missing[*]}" "run this yourself, then ./dev setup again:" \
    "sudo apt-get update && sudo apt-get install --no-install-recommends ${missing[*]}"
fi

say "installing ${#missing[@]} Debian packages"
apt() { "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o Dpkg::Use-Pty=0 -o Acquire::Retries=3 -q "$@"; }
log=$(mktemp)
trap 'rm -f "$log"' EXIT
{ apt update && apt install -y --no-install-recommends "${missing[@]}"; } > "$log" 2>&1 9>&- || {
  tail -n 20 "$log" >&2
  die "apt-get could not install: ${missing[*]}" "the lines above say why; mend that and run ./dev setup again"
}
