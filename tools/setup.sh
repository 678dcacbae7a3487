#!/usr/bin/env bash
# Brings a Debian machine to the point where everything builds and all tests run.
# Does nothing, quickly, when that was done already for this list of dependencies.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

key=$(cat "$ROOT"/tools/apt-packages.txt "$ROOT"/tools/requirements*.txt "$ROOT"/tools/setup*.sh | sha256sum)
stamp=$MILLRACE_CACHE/setup-${key:0:16}
# The cache may be of a home folder shared with another machine: look at the tools, too.
if [[ -e $stamp && -e $(venv)/complete && -e $(test_venv)/complete && ${1:-} != --force ]] &&
  type -P g++ cmake ninja ccache ld.lld clang++-16 > /dev/null; then
  exit 0
fi

mkdir -p "$MILLRACE_CACHE"
exec 9> "$MILLRACE_CACHE/lock"
flock -n 9 || { say "waiting for another ./dev setup"; flock 9; }

"$ROOT/tools/setup_apt.sh"
"$ROOT/tools/setup_onnxruntime_headers.sh" 9>&- &
headers=$!
"$ROOT/tools/setup_venv.sh"
wait "$headers" || die "setup is not complete: ONNX Runtime's headers are missing" "the lines above say why"
touch "$stamp"
say "setup is complete (downloads are kept in $MILLRACE_CACHE)"
