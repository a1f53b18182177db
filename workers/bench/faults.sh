#!/usr/bin/env bash
# Every fault of chaos.py, one after the other, on a broker of its own: workers/bench/faults.sh mock|real [FAULT...]
# $BINARIES (target/release) has candles and mock-broker, $PYTHON (target/venv/bin/python) polars and confluent-kafka.
# The last fault, `control`, takes candles from $CONTROL, built with the feature `control`, and has to fail.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit
broker=${1:?mock or real}
shift
python=${PYTHON:-target/venv/bin/python}
binaries=${BINARIES:-target/release}
faults=("$@")
[ ${#faults[@]} -gt 0 ] || faults=(none jitter kill freeze rebalance broker feeder skew idle)
bad=0
# Kills have to fall while trades come, and the mock cluster's groups are slow.
storm=60
[ "$broker" = real ] || storm=290

run() {
  if [ "$broker" = real ]; then
    scripts/kafka.sh stop
    KAFKA_FRESH=1 scripts/kafka.sh start >/dev/null 2>&1
  fi
  nice "$python" workers/bench/chaos.py --broker "$broker" --binaries "$binaries" "$@"
}

for fault in "${faults[@]}"; do
  case $fault in
    none) run --fault none ;;
    jitter) run --fault none --jitter-ms 10000 ;;
    kill) run --fault kill --events 50 --trades 150000 --seconds "$storm" ;;
    freeze) run --fault freeze --events 3 --seconds 50 ;;
    rebalance) run --fault rebalance --events 12 --seconds 50 ;;
    broker) run --fault broker --events 5 --seconds 50 ;;
    feeder) run --fault feeder --events 10 --seconds 40 ;;
    skew) run --fault skew --seconds 30 ;;
    idle) run --fault idle --seconds 45 ;;
    once) run --fault kill --events 20 --guarantee exactly_once ;;
    fence) run --fault fence --events 3 --seconds 60 --guarantee exactly_once ;;
    control) binaries=${CONTROL:?candles built with the feature control} run --fault kill --events 20 --seconds $((storm / 2)) && fault=passed ;;
    *) echo "no such fault: $fault" >&2; exit 64 ;;
  esac
  code=$?
  case $fault in
    control) ;;
    passed) echo "the control passed: these runs show nothing" >&2; bad=1 ;;
    *) [ $code = 0 ] || bad=1 ;;
  esac
done
exit $bad
