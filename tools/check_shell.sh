#!/usr/bin/env bash
# Every script parses and stops at the first error; shellcheck as well, where it is there.
set -euo pipefail
source "$(dirname "$0")/lib.sh"
cd "$ROOT"

mapfile -d '' -t scripts < <(project_files dev .ci/run '*.sh')
failed=0
for script in "${scripts[@]}"; do
  bash -n "$script" || failed=1
  [[ $script == tools/lib.sh ]] || grep -q '^set -euo pipefail$' "$script" || {
    echo "$script: add 'set -euo pipefail' below the first line" >&2
    failed=1
  }
done
if command -v shellcheck > /dev/null; then
  shellcheck -x -P SCRIPTDIR "${scripts[@]}" || failed=1
fi
exit "$failed"
