#!/usr/bin/env bash
# Records what JPMML-Evaluator answers: record.sh [NAME…], of models/; record.sh wine FOLDER, the wine models;
# record.sh bench FOLDER, its speed on the documents of a folder over its rows.csv. Needs a JDK 17 and Maven.
# JPMML-Evaluator is AGPL-3.0: it is fetched into the cache and run as a program of its own, here only; nothing of it
# is in Millrace, is linked with it or comes with it.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
version="$(sed -n 's:.*<jpmml.version>\(.*\)</jpmml.version>.*:\1:p' "$here/pom.xml")"
jars="${MILLRACE_CACHE:-$HOME/.cache/millrace}/jpmml-$version"
[ -d "$jars" ] || mvn -B -q -f "$here/pom.xml" dependency:copy-dependencies -DoutputDirectory="$jars"
recorder=(nice java -Xmx1g -cp "$jars/*" "$here/Recorder.java")
case "${1:-}" in
  wine)
    names="fixed acidity,volatile acidity,citric acid,residual sugar,chlorides,free sulfur dioxide,total sulfur dioxide"
    names="$names,density,pH,sulphates,alcohol,graded"
    for model in "$2"/*.pmml; do
      out="$here/recorded/$(basename "$model" .pmml).csv"
      "${recorder[@]}" record "$2/winequality_red.csv" "$model" "$out" ";" "$names"
      cut -d, -f1 "$out" > "$out.quality" && mv "$out.quality" "$out"
    done
    ;;
  bench) for model in "$2"/*.pmml; do "${recorder[@]}" bench "$2/rows.csv" "$model"; done ;;
  *) "${recorder[@]}" all "$here/rows.csv" "$here/models" "$here/recorded" "$@" ;;
esac
