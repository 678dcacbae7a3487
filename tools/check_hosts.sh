#!/usr/bin/env bash
# No file of the project names a package registry or mirror: which one is used is the
# machine's own configuration (apt sources, pip.conf, Maven settings, .npmrc).
set -euo pipefail
source "$(dirname "$0")/lib.sh"
cd "$ROOT"

# Brackets, so that this file does not find itself. Lock files of npm name where each
# package was resolved unless omit-lockfile-registry-resolved is set.
hosts='pypi[.]org|pythonhosted[.]org|deb[.]debian[.]org|ftp[.][a-z.]*debian[.]org|archive[.]ubuntu[.]com'
hosts+='|repo[.]maven[.]apache[.]org|repo1[.]maven[.]org|registry[.]npmjs[.]org|registry[.]yarnpkg[.]com'
hosts+='|crates[.]io|proxy[.]golang[.]org|conda[.]anaconda[.]org|index-url|extra-index-url|find-links'
found=$(project_files ':!tools/check_hosts.sh' | (xargs -0 --no-run-if-empty grep -nIE -e "$hosts" -- || true))
[[ -z $found ]] && exit 0
cut -c1-200 <<< "$found" >&2
die "these lines name a package registry" \
  "remove the address: the machine's own apt, pip, Maven or npm configuration decides"
