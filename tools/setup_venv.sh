#!/usr/bin/env bash
# Two virtual environments in the user's cache, keyed by the hash of their pins:
# one with the wheels that the build links (Arrow, ONNX Runtime) and clang-format,
# one with what only tests use; the second sees the first through a .pth file.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

# Debian's own Python first: one from pyenv may be of any version or lack venv.
python=/usr/bin/python3
[[ -x $python ]] || python=$(command -v python3) || die "python3 is missing" "run ./dev setup"

make_venv() { # <folder> <requirements file>
  [[ -e $1/complete ]] && return
  say "installing $2 into $1"
  rm -rf "$1"
  "$python" -m venv "$1" || die "python3 cannot make a virtual environment" "install python3-venv"
  [[ -z ${3:-} ]] || echo "$3" > "$(site_packages "$1")/millrace.pth"
  "$1/bin/python" -m pip install --quiet --disable-pip-version-check --no-input --retries 5 \
    --only-binary :all: --no-deps -r "$ROOT/tools/$2" ||
    die "pip could not install tools/$2" "check the network and pip's configuration (pip config list)"
  touch "$1/complete"
}
site_packages() { echo "$1"/lib/python3*/site-packages; }

make_venv "$(venv)" requirements.txt
[[ ! -e $ROOT/tools/requirements-test.txt ]] ||
  make_venv "$(test_venv)" requirements-test.txt "$(site_packages "$(venv)")"
