#!/usr/bin/env bash
# Records what a real Flink answers: record.sh [QUERY…]. Needs a JDK 17 and Maven; the jars stay in the cache.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
version="$(sed -n 's:.*<flink.version>\(.*\)</flink.version>.*:\1:p' "$here/pom.xml")"
jars="${MILLRACE_CACHE:-$HOME/.cache/millrace}/flink-$version"
[ -d "$jars" ] || mvn -B -q -f "$here/pom.xml" dependency:copy-dependencies -DoutputDirectory="$jars"
# Flink on Java 17 reads inside these packages.
opens=()
for package in lang net io nio lang.reflect text time util util.concurrent util.concurrent.atomic util.concurrent.locks; do
  opens+=("--add-opens=java.base/java.$package=ALL-UNNAMED")
done
exec nice java "${opens[@]}" -Xmx1g -Duser.timezone=UTC -Dorg.slf4j.simpleLogger.defaultLogLevel=error \
  -cp "$jars/*" "$here/Recorder.java" "$here" "$@"
