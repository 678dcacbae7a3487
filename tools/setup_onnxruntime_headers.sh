#!/usr/bin/env bash
# ONNX Runtime's wheel has the library but no headers; those come from a Debian
# trixie package, unpacked into the cache. Nothing of trixie is installed: apt runs
# on a source list and folders of its own, with the mirror that this machine uses.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

target=$MILLRACE_CACHE/onnxruntime-headers
[[ -e $target/onnxruntime_c_api.h ]] && exit 0
say "fetching the headers of ONNX Runtime"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# shellcheck disable=SC2016 # apt-get fills these in
mirror=$(apt-get indextargets --format '$(ORIGIN) $(CODENAME) $(REPO_URI)' 'Created-By: Packages' |
  sed -n 's/^Debian [a-z]* \(.*\)$/\1/p' | grep -v -e security | head -n 1 || true)
[[ -n $mirror ]] || die "apt has no Debian source to take libonnxruntime-dev from" \
  "add one (or run apt-get update), or put ONNX Runtime's headers into $target"

mkdir -p "$work"/{lists/partial,cache/archives/partial,unpacked}
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror trixie main" > "$work/sources.list"
private_apt=(apt-get -q -o "Dir::Etc::SourceList=$work/sources.list" -o Dir::Etc::SourceParts=/dev/null
  -o Dir::Etc::Preferences=/dev/null -o Dir::Etc::PreferencesParts=/dev/null
  -o "Dir::State::Lists=$work/lists" -o "Dir::Cache=$work/cache" -o APT::Default-Release=
  -o Acquire::Languages=none -o Acquire::Retries=3 -o APT::Sandbox::User=root)
{
  "${private_apt[@]}" update
  (cd "$work" && "${private_apt[@]}" download libonnxruntime-dev)
} > "$work/log" 2>&1 || {
  tail -n 20 "$work/log" >&2
  die "apt could not fetch libonnxruntime-dev of Debian trixie" \
    "mend what the lines above say, or put ONNX Runtime's headers (1.21 or newer) into $target"
}
dpkg-deb -x "$work"/libonnxruntime-dev_*.deb "$work/unpacked"
header=$(find "$work/unpacked" -name onnxruntime_c_api.h | head -n 1)
rm -rf "$target"
cp -r "$(dirname "$header")" "$target.partial"
mv "$target.partial" "$target"
