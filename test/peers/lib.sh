# shellcheck shell=bash
set -euo pipefail
# Sourced by what installs a peer: where downloads are kept, and how a test says what it lacks.
# shellcheck disable=SC2034
cache=${MILLRACE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/millrace}

skip() {
  echo "SKIPPED: $1"
  exit 77
}
