#!/usr/bin/env bash
# Runs the tests of a built preset: ctest.sh <preset> [ctest arguments]. Names what was
# skipped and why, and leaves "<passed> <failed>" in build/<preset>/totals.
set -euo pipefail
source "$(dirname "$0")/lib.sh"
cd "$ROOT/build/$1"
shift

# gcc's thread sanitizer cannot map its shadow memory when addresses are too random.
plain=()
[[ $PWD != */tsan ]] || plain=(setarch -R)

status=0
"${plain[@]}" ctest -j "$(jobs)" --output-on-failure --output-junit junit.xml "$@" || status=$?

attribute() { sed -n "s/^.*[[:space:]]$1=\"\([0-9]*\)\".*/\1/p" <<< "$summary" | head -n 1; }
summary=$(sed -n '/<testsuite/,/>/p' junit.xml | tr '\n' ' ')
tests=$(attribute tests) failures=$(attribute failures) skipped=$(attribute skipped)
disabled=$(attribute disabled)
echo "$((${tests:-0} - ${failures:-0} - ${skipped:-0} - ${disabled:-0})) ${failures:-0}" > totals
((${tests:-0})) || echo "no test matches"

# Skipped: whole tests ("SKIPPED: why"), and single cases of GoogleTest (": Skipped", why).
log=Testing/Temporary/LastTest.log
if [[ -e $log ]]; then
  awk '/^SKIPPED: / { print "  " $0 }
       why { print "  SKIPPED: " $0; why = 0 }
       /: Skipped$/ { why = 1 }' "$log" | sort | uniq -c | sed 's/^ *\([0-9]*\)  */  \1 x /'
fi
exit "$status"
