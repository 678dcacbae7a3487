# shellcheck shell=bash
# Sourced by ./dev and the scripts in tools/: where things are, and how to talk.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# A bare container may have neither HOME nor a UTF-8 locale.
if [[ -z ${HOME:-} ]]; then
  HOME=$(getent passwd "$(id -u)" | cut -d: -f6 || true)
  export HOME="${HOME:-/tmp}"
fi
export LC_ALL=C.UTF-8

export MILLRACE_CACHE=${MILLRACE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/millrace}

say() { printf '\033[1m==>\033[0m %s\n' "$*"; }
die() {
  printf 'error: %s\n' "$1" >&2
  shift
  for line in "$@"; do printf '       %s\n' "$line" >&2; done
  exit 1
}

# The key of a virtual environment: cmake/Dependencies.cmake computes the same.
venv_dir() { # <requirements file> <prefix>
  local sum
  sum=$(sha256sum "$ROOT/tools/$1")
  echo "$MILLRACE_CACHE/$2-${sum:0:16}"
}
venv() { venv_dir requirements.txt venv; }
test_venv() { venv_dir requirements-test.txt venv-test; }

jobs() { echo "${MILLRACE_JOBS:-$(nproc)}"; }

# Every file of the project that matches the patterns, NUL-separated; not what git ignores.
project_files() {
  # The checkout may belong to another user (a container's bind mount).
  git -C "$ROOT" -c safe.directory="$ROOT" ls-files -z --cached --others --exclude-standard --deduplicate -- "$@" |
    while IFS= read -r -d '' file; do [[ ! -e $ROOT/$file ]] || printf '%s\0' "$file"; done
}

# Seconds since $1 (a value of EPOCHREALTIME), with one digit.
seconds_since() {
  local us=$((${EPOCHREALTIME/[.,]/} - ${1/[.,]/}))
  printf '%d.%d' $((us / 1000000)) $((us / 100000 % 10))
}
