#!/usr/bin/env bash
# Formats all C++ files in place; --check only reports those that are not formatted.
set -euo pipefail
source "$(dirname "$0")/lib.sh"
cd "$ROOT"
tools/setup.sh

mapfile -d '' -t files < <(project_files '*.h' '*.cc')
((${#files[@]})) || exit 0

formatter=$(echo "$(venv)"/lib/python3*/site-packages/clang_format/data/bin/clang-format)
each() { printf '%s\0' "${files[@]}" | xargs -0 -n 20 -P "$(jobs)" "$@"; }

if [[ ${1:-} != --check ]]; then
  each "$formatter" -i
  exit 0
fi
# shellcheck disable=SC2016 # the inner shell expands it
unformatted=$(each bash -c 'for file in "${@:2}"; do
    "$1" --dry-run --Werror "$file" 2> /dev/null || echo "$file"; done' sh "$formatter" | sort)
[[ -z $unformatted ]] && exit 0
echo "$unformatted" >&2
die "$(wc -l <<< "$unformatted") files are not formatted" "run ./dev format"
