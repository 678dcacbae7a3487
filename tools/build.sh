#!/usr/bin/env bash
# Configures (when needed) and builds one preset: build.sh [preset] [ninja arguments]
set -euo pipefail
source "$(dirname "$0")/lib.sh"
cd "$ROOT"

preset=${1:-release}
shift || true
[[ $preset =~ ^(release|debug|asan|tsan|fuzz)$ ]] ||
  die "no preset '$preset'" "there are: release, debug, asan, tsan, fuzz"
tools/setup.sh
if [[ ! -e build/$preset/build.ninja ]]; then
  mkdir -p "build/$preset"
  cmake --preset "$preset" > "build/$preset/configure.log" 2>&1 || {
    cat "build/$preset/configure.log" >&2
    die "cmake could not configure the preset '$preset'" "the lines above say why"
  }
fi
export NINJA_STATUS="[%f/%t %es] "
exec cmake --build "build/$preset" -j "$(jobs)" -- "$@"
