#!/usr/bin/env bash
# Runs the SQL scripts in the simulator: sim.sh [--seeds N] [--first-seed K] | [--barriers] [SCRIPT…]
set -euo pipefail
source "$(dirname "$0")/lib.sh"
cd "$ROOT"

usage() {
  cat << 'HELP'
usage: ./dev sim [--seeds N] [--first-seed K] [SCRIPT…]
       ./dev sim --barriers | --barrier K [SCRIPT…]

Runs each SQL script (default: all of test/sql) with N seeds (default 100) from K on (default 1).
A seed chooses everything that a script leaves open: who runs when, sizes of batches, parallelism,
moments of barriers and crashes, faults of disks, clocks, models and brokers. Each pair of script and
seed runs twice, and both runs must be the same. A failure comes with the command that repeats it.

--barriers runs each script once for each step that its jobs take: they crash with a checkpoint that
begins there, and go on at another parallelism. Hours for all scripts; --barrier K is the K-th alone.
HELP
}

seeds=100 barriers='' arguments=()
while (($#)); do
  case $1 in
    --help | -h) usage && exit 0 ;;
    --seeds=*) seeds=${1#*=} ;;
    --seeds) shift && seeds=${1:-} ;;
    --barriers) barriers=1 && arguments+=("$1") ;;
    --barrier) barriers=1 && arguments+=("$1" "${2:-}") && shift ;;
    --first-seed) arguments+=("$1" "${2:-}") && shift ;;
    -*) [[ $1 == --first-seed=* ]] || die "unknown option '$1'" "see ./dev sim --help"; arguments+=("$1") ;;
    *) arguments+=("$1") ;;
  esac
  shift
done
tools/build.sh release sql_scripts
[[ -n $barriers ]] || arguments+=(--seeds "$seeds")
exec build/release/sql_scripts "${arguments[@]}"
