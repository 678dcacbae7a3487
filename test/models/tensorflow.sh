#!/usr/bin/env bash
# TensorFlow's library from its pip package, without the rest that Python needs.
#   tensorflow.sh with <command...>   runs the command with MILLRACE_TENSORFLOW set to the library; installs it into
#                                     the user's cache first (850 MB)
#   tensorflow.sh make                writes this folder's TensorFlow models anew
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
pin=tensorflow-cpu==2.21.0
cache=${MILLRACE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/millrace}
home=$cache/${pin/==/-}

install() {
  [[ -e $home/complete ]] && return
  [[ $(uname -m) == x86_64 ]] || { echo "SKIPPED: $pin is for x86-64, this is $(uname -m)"; exit 77; }
  mkdir -p "$home"
  exec 9> "$home/lock"
  flock 9
  [[ -e $home/complete ]] && return
  python3 -m venv "$home/venv"
  "$home/venv/bin/pip" install -q --no-compile --only-binary :all: --no-deps "$pin" 1>&2
  touch "$home/complete"
}

case ${1:-} in
  with)
    shift
    install
    MILLRACE_TENSORFLOW=$(echo "$home"/venv/lib/python3*/site-packages/tensorflow/libtensorflow_cc.so.2)
    export MILLRACE_TENSORFLOW
    "$@" 9>&-
    ;;
  make)
    venv=$(mktemp -d)
    trap 'rm -rf "$venv"' EXIT
    python3 -m venv "$venv"
    "$venv/bin/pip" install -q "$pin"
    "$venv/bin/python" "$here/make_tensorflow_models.py"
    ;;
  *)
    sed -n '2,5s/^# //p' "${BASH_SOURCE[0]}" >&2
    exit 2
    ;;
esac
