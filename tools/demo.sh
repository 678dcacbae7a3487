#!/usr/bin/env bash
# Builds release and runs the demonstration, examples/demo/run.sh.
set -euo pipefail
source "$(dirname "$0")/lib.sh"
cd "$ROOT"

[[ -x examples/demo/run.sh ]] || die "there is no examples/demo/run.sh yet"
tools/build.sh release
exec examples/demo/run.sh "$@"
