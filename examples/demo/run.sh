#!/usr/bin/env bash
# The demonstration: run.sh [--quick]. About 20 seconds; --quick does not wait for live rows.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
export LC_ALL=C.UTF-8

millrace=${MILLRACE_BUILD:-build/release}/millrace
rate=8 rows=80 many=200000
if [[ ${1:-} == --quick ]]; then
  rate=0 many=20000
elif (($# > 0)); then
  echo "usage: examples/demo/run.sh [--quick]" >&2
  exit 2
fi
[[ -x $millrace ]] || { echo "error: there is no $millrace: run ./dev build" >&2 && exit 1; }

work=$(mktemp -d)
server=''
finish() {
  if [[ -n $server ]]; then
    kill "$server" 2> /dev/null || true
    wait "$server" 2> /dev/null || true
  fi
  rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM

bold='' dim='' red='' yellow='' off=''
if [[ -t 1 && -z ${NO_COLOR:-} ]]; then
  bold=$'\e[1m' dim=$'\e[2m' red=$'\e[31m' yellow=$'\e[33m' off=$'\e[0m'
fi
title() { printf '\n%s%s%s\n' "$bold" "$*" "$off"; }
note() { printf '%s%s%s\n' "$dim" "$*" "$off"; }

onnx="CREATE MODEL wear INPUT (t FLOAT, v FLOAT, i FLOAT, condition_level FLOAT) OUTPUT (wear FLOAT)
  WITH ('provider' = 'onnx', 'path' = 'examples/demo/models/wear/1/model.onnx');"

# A script: the sensors, a model, the scores, then a job.
script() { # <model> <job>
  printf '%s\n' "$(< examples/demo/sensors.sql)" "$1" "$(< examples/demo/scores.sql)" "$2"
}
ticks() { # <rows per second> <rows>
  echo "ALTER TABLE ticks SET ('rows-per-second' = '$1', 'number-of-rows' = '$2');"
}
run() { "$millrace" run --progress "${progress:-off}" "$@" 2> "$work/log" || stop $?; }
stop() { # <exit status>
  (($1 == 130)) || cat "$work/log" >&2
  exit "$1"
}

title "1. Four presses, scored live by a model in the process"
note "sensors.sql makes the readings, scores.sql calls the model as a function: wear(t, v, i, condition_level)"
printf '%s%-8s %6s %6s %6s  %-8s %5s%s\n' "$bold" machine temp vibr amps working wear "$off"
script "$onnx" "$(ticks $rate $rows)
  SELECT machine, temperature, vibration, amps, working, ROUND(CAST(wear AS DOUBLE), 2) AS wear, state
  FROM scores;" > "$work/live.sql"
bar='####################'
run --output csv "$work/live.sql" | while IFS=, read -r machine temperature vibration amps working wear state; do
  colour=''
  [[ $state != watch ]] || colour=$yellow
  [[ $state != ALERT ]] || colour=$red
  length=$(printf '%.0f' "${wear}e1")
  printf '%-8s %6.1f %6.2f %6.1f  %-8s %5.2f %s%-20s %s%s\n' "$machine" "$temperature" "$vibration" "$amps" \
    "$working" "$wear" "$colour" "${bar:0:length * 2}" "$state" "${colour:+$off}"
done

title "2. The alerts of each machine, and the plan of that query at parallelism 2"
alerts="SELECT machine, COUNT(*) AS readings, COUNT(*) FILTER (WHERE state = 'ALERT') AS alerts,
    ROUND(MAX(CAST(wear AS DOUBLE)), 2) AS worst
  FROM scores GROUP BY machine;"
script "$onnx" "$(ticks 0 $rows) SET 'parallelism.default' = '2'; $alerts" > "$work/alerts.sql"
run "$work/alerts.sql"
"$millrace" explain "$work/alerts.sql" |
  awk 'length($0) > 118 { $0 = substr($0, 1, 115) "..." } { print }'

title "3. The same model behind a server, the same rows: $many of them, both ways"
to_file() { # <file>
  echo "$(ticks 0 $many)
  CREATE TABLE score_file (n BIGINT, machine STRING, wear FLOAT, state STRING)
    WITH ('connector' = 'filesystem', 'path' = '$1', 'format' = 'csv');
  INSERT INTO score_file SELECT n, machine, wear, state FROM scores;"
}
"$millrace" model-server --repository examples/demo/models --port 0 > "$work/server" 2>&1 &
server=$!
port=''
for ((i = 0; i < 100 && ${#port} == 0; ++i)); do
  sleep 0.1
  port=$(sed -nE 's|.* at http://[^ ]*:([0-9]+) .*|\1|p' "$work/server")
  kill -0 "$server" 2> /dev/null || break
done
[[ -n $port ]] || { echo "error: the model server did not start" >&2 && cat "$work/server" >&2 && exit 1; }
triton="CREATE MODEL wear INPUT (t FLOAT, v FLOAT, i FLOAT, condition_level FLOAT) OUTPUT (wear FLOAT)
  WITH ('provider' = 'triton', 'endpoint' = 'http://127.0.0.1:$port', 'model-name' = 'wear');"

script "$onnx" "$(to_file "$work/process.csv")" > "$work/process.sql"
script "$triton" "$(to_file "$work/server.csv")" > "$work/server.sql"
for where in process server; do
  printf '%-10s' "$where"
  progress=on run --save-plan "$work/$where.json" "$work/$where.sql"
  grep ' in .*rows/s' "$work/log" | tail -n 1
done
cmp "$work/process.csv" "$work/server.csv"
note "The scores are the same, byte for byte; the server got whole batches, not one row a request."

title "4. The plan is a document: saved by step 3 as JSON, run again from that alone"
mv "$work/process.csv" "$work/first.csv"
run --plan "$work/process.json"
cmp "$work/first.csv" "$work/process.csv"
note "$(wc -c < "$work/process.json") bytes of JSON; the same $(wc -l < "$work/process.csv") scores."

title "What to try next"
cat << 'NEXT'
  build/release/millrace sql                   a shell: completion, EXPLAIN, SHOW JOBS
  build/release/millrace functions substring   what is built in, with examples; also connectors, providers
  docs/guide/quick-start.md                    from a file to scores, step by step
  docs/guide/models.md                         models in the process and on servers
NEXT
