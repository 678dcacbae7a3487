#!/usr/bin/env bash
# The rules of the project that need no build. All run, so that one round shows everything.
set -euo pipefail
source "$(dirname "$0")/lib.sh"
cd "$ROOT"
tools/setup.sh

failed=()
check() { # <name> <command...>
  local name=$1
  shift
  if "$@"; then
    printf '  ok      %s\n' "$name"
  else
    printf '  FAILED  %s\n' "$name"
    failed+=("$name")
  fi
}
check "formatting (.clang-format)" tools/format.sh --check
check "layers (cmake/layers.txt)" tools/check_layers.py
check "banned symbols (tools/banned.txt)" tools/check_banned.py
check "no registry addresses" tools/check_hosts.sh
check "shell scripts" tools/check_shell.sh
((${#failed[@]} == 0)) || die "${#failed[@]} checks failed" "the lines above say where and what to do"
