"""Records a second of `candles`, of a bare consumer that parses JSON, and of quixstreams with the reducer of the course.

    target/venv/bin/python workers/bench/bench.py --binaries target/release --trades 1000000

One topic on one broker for all; the time from the start of the process to the last commit (candles), record (bare) or message
(quixstreams). The load of the machine is printed: ratios within a run are what counts.
"""

import argparse
import itertools
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import urllib.request

import lab

def candles(options, address, mode, guarantee) -> tuple[float, float]:
    group = f"bench-{mode}-{guarantee}-{time.time()}"
    with tempfile.TemporaryDirectory() as logs:
        worker = lab.Worker(options.binaries / "candles", address, pathlib.Path(logs), KAFKA_CONSUMER_GROUP=group, EMIT=mode,
                            CANDLE_SECONDS="60", PROCESSING_GUARANTEE=guarantee, KAFKA_TRANSACTIONAL_ID=group,
                            KAFKA_OUTPUT_TOPIC="candles", COMMIT_INTERVAL_MS="1000")
        log = pathlib.Path(worker.log.name)
        while "assigned" not in log.read_text():
            time.sleep(0.005)
        # From the assignment to the last trade, as the worker counts them.
        began = time.time()
        address = re.search(r"address=(\S+)", log.read_text()).group(1)
        counted = f"candles_trades_total {options.trades}\n"
        while counted not in urllib.request.urlopen(f"http://{address}/metrics").read().decode():
            time.sleep(0.02)
        seconds, memory = time.time() - began, worker.rss_mb()
        worker.signal(15)
        worker.process.wait(30)
    return seconds, memory


def raw_rate(options, address):
    out = subprocess.run([options.binaries / "examples/raw", address, "trades", "8", str(options.trades)],
                         check=True, capture_output=True, text=True).stdout.split()
    print(f"bare consumer: {int(out[0]) / float(out[1]):,.0f}/s", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--broker", choices=["real", "mock"], default="real")
    parser.add_argument("--binaries", type=pathlib.Path, default=lab.ROOT / "target/release")
    parser.add_argument("--trades", type=int, default=1_000_000)
    parser.add_argument("--pairs", type=int, default=48)
    parser.add_argument("--quix", type=int, default=100_000, help="trades for quixstreams, which is slower")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    directory = pathlib.Path(tempfile.mkdtemp(prefix="bench-"))
    rows = lab.make_trades(directory / "trades.csv", options.trades, 0, 0.0, 1, lab.Shape(pairs=options.pairs))
    topics = {"trades": 8, "candles": 8, "quix": 8, "trades.dlq": 1, "trades.late": 1}
    broker = lab.Broker(options.broker, options.binaries, topics)
    feeder = lab.Feeder(broker.address, 8, 0.0, 0.0, 1)
    feeder.feed(rows)
    feeder.producer.flush(120)
    print(f"{options.trades} trades, {options.pairs} pairs, 8 partitions, {options.broker} broker; load {os.getloadavg()[0]:.1f}", flush=True)
    for number in range(options.rounds):
        if not (options.binaries / "examples/raw").exists():
            print("bare consumer: not built (cargo build --release -p workers --example raw)", flush=True)
        else:
            raw_rate(options, broker.address)
        for mode, guarantee in itertools.product(["final", "current"], ["at_least_once", "exactly_once"]):
            if guarantee == "exactly_once" and options.broker == "mock":
                continue
            seconds, memory = candles(options, broker.address, mode, guarantee)
            print(f"candles {mode} {guarantee}: {options.trades / seconds:,.0f}/s, {memory:.0f} MB", flush=True)
    for mode in ["final", "current"] if options.quix else []:
        out = subprocess.run([sys.executable, pathlib.Path(__file__).with_name("quix.py"), broker.address, str(options.quix), mode,
                              str(directory / mode), "quix"], capture_output=True, text=True)
        if out.stdout.strip():
            count, seconds = out.stdout.split()[-2:]
            print(f"quixstreams {mode}: {int(count) / float(seconds):,.0f}/s", flush=True)
        else:
            print(out.stderr[-600:])
    print(f"load {os.getloadavg()[0]:.1f}")
    broker.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
