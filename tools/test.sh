#!/usr/bin/env bash
# Builds and runs the tests, stage by stage; see --help.
set -euo pipefail
source "$(dirname "$0")/lib.sh"
cd "$ROOT"

usage() {
  cat << 'HELP'
usage: ./dev test [options] [filter]

Builds and runs, in this order:
  release   unit tests, SQL scripts and end-to-end tests
  asan      unit tests and SQL scripts, with address and undefined-behaviour sanitizers
  fuzz      every fuzzer, for a short time, with a fixed seed; ./dev fuzz looks further

  filter            only tests whose name matches this regular expression, in release
  --quick           only the release part
  --all             all parts, also with a filter
  --fuzz-time=N     seconds for each fuzzer (default 10; or MILLRACE_FUZZ_TIME)
  --jobs=N          compile and run with N processes (default: the cores; or MILLRACE_JOBS)
  --list            only list the tests
HELP
}

quick='' all='' list='' filter='' fuzz_time=${MILLRACE_FUZZ_TIME:-10}
for argument in "$@"; do
  case $argument in
    --quick) quick=1 ;;
    --all) all=1 ;;
    --list) list=1 ;;
    --fuzz-time=*) fuzz_time=${argument#*=} ;;
    --jobs=*) export MILLRACE_JOBS=${argument#*=} ;;
    --help | -h) usage && exit 0 ;;
    -*) usage >&2 && die "unknown option '$argument'" ;;
    *) filter=$argument ;;
  esac
done
[[ -z $filter || -n $all ]] || quick=1

passed=0 failed=0 broken='' table=''

# Runs one stage; a failure is remembered, and what does not depend on it goes on.
stage() { # <name> <command...>
  local name=$1 start=$EPOCHREALTIME outcome=ok
  shift
  say "$name"
  "$@" || outcome=FAILED
  [[ $outcome == ok ]] || broken=1
  table+=$(printf '  %-16s %8s s   %s' "$name" "$(seconds_since "$start")" "$outcome")$'\n'
  [[ $outcome == ok ]]
}

# Adds a line "<passed> <failed>" of a finished run to the totals.
count() { # <file>
  local p f
  [[ -e $1 ]] || return 0
  read -r p f < "$1"
  passed=$((passed + p)) failed=$((failed + f))
}

run_tests() { # <preset> [ctest arguments]
  tools/ctest.sh "$@" ${filter:+-R "$filter"}
}

if [[ -n $list ]]; then
  tools/build.sh release
  exec ctest --test-dir build/release -N ${filter:+-R "$filter"}
fi

rm -f build/{release,asan,fuzz}/totals
stage "setup" tools/setup.sh || die "setup failed"
if stage "build release" tools/build.sh release; then
  stage "test release" run_tests release || true
  count build/release/totals
fi
if [[ -z $quick ]]; then
  if stage "build asan" tools/build.sh asan; then
    stage "test asan" run_tests asan -L '^(unit|sql)$' || true
    count build/asan/totals
  fi
  if stage "build fuzz" tools/build.sh fuzz; then
    stage "fuzz" tools/fuzz.sh --time="$fuzz_time" --seed=1 || true
    count build/fuzz/totals
  fi
fi

printf '\n%s' "$table"
[[ -z $broken || $failed != 0 ]] || echo "a stage failed: see above"
[[ -n $broken || -z $filter || $passed != 0 ]] || die "no test matches '$filter'" "./dev test --list lists them"
echo "$passed passed, $failed failed"
[[ -z $broken && $failed == 0 ]]
