#!/usr/bin/env bash
# What tests with a real Apache Kafka need: the broker's jars (pom.xml) and a public client for Python.
#   kafka.sh install               into the user's cache (about 80 MB)
#   kafka.sh with <command...>     runs the command with MILLRACE_KAFKA_JARS set, and the client importable
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/../lib.sh"
client=confluent-kafka==2.16.1
home=$cache/kafka-$({
  cat "$here/pom.xml"
  echo "$client"
} | sha256sum | cut -c1-16)

install() {
  [[ -e $home/complete ]] && return
  rm -rf "$home"
  mkdir -p "$home"
  mvn -q -B -f "$here/pom.xml" dependency:copy-dependencies -DoutputDirectory="$home/jars" 1>&2 || return
  python3 -m pip install -q --only-binary :all: --no-deps --target "$home/python" "$client" 1>&2 || return
  touch "$home/complete"
}

command -v java > /dev/null || skip "java is missing: apt-get install default-jre-headless"
command -v mvn > /dev/null || skip "maven is missing: apt-get install maven"
install || skip "Kafka cannot be installed; see above, then try: test/peers/kafka/kafka.sh install"
case ${1:-} in
  install) ;;
  with)
    shift
    export MILLRACE_KAFKA_JARS=$home/jars PYTHONPATH=$home/python${PYTHONPATH:+:$PYTHONPATH}
    exec "$@"
    ;;
  *)
    sed -n '2,4p' "$0"
    exit 2
    ;;
esac
