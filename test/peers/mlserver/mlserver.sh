#!/usr/bin/env bash
# What tests with a real MLServer need, from pip.
#   mlserver.sh install               into the user's cache (about 350 MB)
#   mlserver.sh with <command...>     runs the command with MILLRACE_MLSERVER set to the program `mlserver`
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/../lib.sh"
home=$cache/mlserver-$(sha256sum "$here/requirements.txt" | cut -c1-16)

install() {
  [[ -e $home/complete ]] && return
  rm -rf "$home"
  mkdir -p "$home"
  "${PYTHON:-python3}" -m venv "$home/venv" || return
  "$home/venv/bin/pip" install -q --only-binary :all: --no-deps -r "$here/requirements.txt" 1>&2 || return
  touch "$home/complete"
}

install || skip "MLServer cannot be installed; see above, then try: test/peers/mlserver/mlserver.sh install"
case ${1:-} in
  install) ;;
  with)
    shift
    MILLRACE_MLSERVER=$home/venv/bin/mlserver exec "$@"
    ;;
  *)
    sed -n '2,4p' "$0"
    exit 2
    ;;
esac
