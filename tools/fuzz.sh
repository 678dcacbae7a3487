#!/usr/bin/env bash
# Runs the fuzzers: fuzz.sh [--time=SECONDS] [--seed=N] [name]. New inputs stay in build/fuzz/corpus/.
set -euo pipefail
source "$(dirname "$0")/lib.sh"
cd "$ROOT"

seconds=60 seed=0 name=''
for argument in "$@"; do
  case $argument in
    --time=*) seconds=${argument#*=} ;;
    --seed=*) seed=${argument#*=} ;; # the same inputs in every run; 0: others each time
    -*) die "unknown option '$argument'" "usage: ./dev fuzz [--time=SECONDS] [--seed=N] [name]" ;;
    *) name=$argument ;;
  esac
done
tools/build.sh fuzz > build/fuzz-build.log 2>&1 || {
  cat build/fuzz-build.log >&2
  die "the fuzz preset does not build"
}

run_fuzzer() { # <executable>
  local fuzzer=${1##*/} options=()
  local new=build/fuzz/corpus/$fuzzer seeds=test/fuzz/corpus/$fuzzer log=build/fuzz/$fuzzer.log
  mkdir -p "$new" build/fuzz/crashes
  [[ ! -d $seeds ]] || options+=("$seeds")
  [[ ! -e test/fuzz/$fuzzer.dict ]] || options+=("-dict=test/fuzz/$fuzzer.dict")
  if "$1" -max_total_time="$seconds" -seed="$seed" -timeout=10 -rss_limit_mb=2048 -verbosity=1 \
    -artifact_prefix="build/fuzz/crashes/$fuzzer-" "$new" "${options[@]}" > "$log" 2>&1; then
    echo "  ok      $fuzzer: $(sed -n 's/^Done \([0-9]* runs\).*/\1/p' "$log"), $(find "$new" -type f | wc -l) inputs"
    return 0
  fi
  echo "  FAILED  $fuzzer"
  tail -n 40 "$log"
  echo "the input is named above; run it again with: $1 <input>"
  echo "once it is mended, keep the input in $seeds/"
  return 1
}
export -f run_fuzzer
ASAN_SYMBOLIZER_PATH=$(type -P llvm-symbolizer-16) && export ASAN_SYMBOLIZER_PATH
export UBSAN_OPTIONS=print_stacktrace=1
export seconds seed

mapfile -t fuzzers < <(find build/fuzz -maxdepth 1 -name "*${name%_fuzz}*_fuzz" -type f -executable | sort)
((${#fuzzers[@]})) || [[ -z $name ]] || die "no fuzzer matches '$name'"
passed=0 failed=0
# shellcheck disable=SC2016 # the inner shell expands it
while IFS= read -r line; do
  [[ $line != "fuzzer "* ]] || { [[ $line == *ok ]] && passed=$((passed + 1)) || failed=$((failed + 1)); continue; }
  echo "$line"
done < <(printf '%s\0' "${fuzzers[@]}" | xargs -0 -r -n 1 -P "$(jobs)" bash -c \
  'output=$(run_fuzzer "$1") && end=ok || end=failed; printf "%s\nfuzzer %s\n" "$output" "$end"' sh)
echo "$passed $failed" > build/fuzz/totals
((failed == 0))
