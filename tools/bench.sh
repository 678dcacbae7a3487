#!/usr/bin/env bash
# Builds release and runs the benchmarks; see --help.
set -euo pipefail
source "$(dirname "$0")/lib.sh"
cd "$ROOT"

usage() {
  cat << 'HELP'
usage: ./dev bench [--quick] [--runs=N] [topic]    the end-to-end benchmarks of bench/
       ./dev bench --micro [filter]                Google Benchmark's of the layers, src/**/*_bench.cc
HELP
}

case ${1:-} in
  --help | -h) usage ;;
  --micro)
    filter=${2:-}
    tools/build.sh release benchmarks
    mapfile -t benches < <(find build/release -maxdepth 1 -name "*$filter*_bench" -type f -executable | sort)
    ((${#benches[@]})) || die "no benchmark matches '$filter'" "micro-benchmarks are the files src/**/*_bench.cc"
    for bench in "${benches[@]}"; do
      say "${bench##*/}"
      "$bench" --benchmark_min_time="${MILLRACE_BENCH_TIME:-0.2}"
    done
    ;;
  *)
    tools/build.sh release millrace bench_limits
    exec "$(test_venv)/bin/python" bench/bench.py "$@"
    ;;
esac
