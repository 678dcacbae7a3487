#!/usr/bin/env bash
# Builds release and runs the benchmarks whose name contains the filter.
set -euo pipefail
source "$(dirname "$0")/lib.sh"
cd "$ROOT"

filter=${1:-}
tools/build.sh release
tools/build.sh release benchmarks
mapfile -t benches < <(find build/release -maxdepth 1 -name "*$filter*_bench" -type f -executable | sort)
((${#benches[@]})) || die "no benchmark matches '$filter'" "micro-benchmarks are the files src/**/*_bench.cc"
for bench in "${benches[@]}"; do
  say "${bench##*/}"
  "$bench" --benchmark_min_time="${MILLRACE_BENCH_TIME:-0.2}"
done
