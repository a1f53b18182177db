"""End-to-end latency of `candles`: from the moment at which a trade is due at its producer to the arrival of its candle at a consumer.

    target/venv/bin/python workers/bench/latency.py --binaries target/release --rate 10000

Trades are due at a steady rate, and lateness of the producer counts (no coordinated omission). Producer and consumer are processes of their own.
`current`: the record that a trade makes. `final`: from the end of the window and the grace. Producer and worker linger for 5 ms each.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import lab

PAIRS = 48
GRACE_MS = 100


def produce(address: str, rate: int, seconds: float, began: float):
    producer = lab.Feeder(address, 8, 0.0, 0.0, 1)
    sent, total = 0, int(rate * seconds)
    while sent < total:
        due = min(total, int((time.time() - began) * rate))
        for number in range(sent, due):
            pair = number % PAIRS
            at = int((began + number / rate) * 1e6)
            producer.send(lab.message((f"P{pair}/USD", number // PAIRS + 1, at, 100_00, 1_000)), f"P{pair}/USD")
        sent = max(sent, due)
        producer.producer.poll(0)
        time.sleep(0.001)
    producer.producer.flush(10)


def percentiles(values):
    values.sort()
    at = lambda share: values[min(len(values) - 1, int(len(values) * share))]
    return f"p50 {at(0.5):.1f} ms, p99 {at(0.99):.1f} ms, p99.9 {at(0.999):.1f} ms of {len(values):,}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--broker", choices=["real", "mock"], default="real")
    parser.add_argument("--binaries", type=pathlib.Path, default=lab.ROOT / "target/release")
    parser.add_argument("--rate", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--produce", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.produce:
        produce(options.produce[0], options.rate, options.seconds, float(options.produce[1]))
        return 0
    directory = pathlib.Path(tempfile.mkdtemp(prefix="latency-"))
    broker = lab.Broker(options.broker, options.binaries, {"trades": 8, "candles": 8, "trades.dlq": 1, "trades.late": 1})
    worker = lab.Worker(options.binaries / "candles", broker.address, directory, CANDLE_SECONDS="1", EMIT="current", LINGER_MS="5",
                        GRACE_MS=str(GRACE_MS), COMMIT_INTERVAL_MS="1000")
    while "assigned" not in pathlib.Path(worker.log.name).read_text():
        time.sleep(0.05)
    consumer = lab.Consumer({"bootstrap.servers": broker.address, "group.id": "latency", "enable.auto.commit": False,
                             "fetch.queue.backoff.ms": 10})
    consumer.assign([lab.TopicPartition("candles", number, 0) for number in range(8)])
    began = time.time() + 1
    producer = subprocess.Popen([sys.executable, __file__, "--rate", str(options.rate), "--seconds", str(options.seconds),
                                 "--produce", broker.address, str(began)])
    current, final = [], []
    while time.time() < began + options.seconds + 2:
        # The first is waited for, the others are what is there: `consume` waits until it has as many as it was asked for.
        records = consumer.consume(1, timeout=0.05) + consumer.consume(2_000, timeout=0)
        now = time.time()
        for record in records:
            value = json.loads(record.value())
            # The first seconds are those of connections and caches.
            if value["start_us"] < (began + 3) * 1e6:
                continue
            if value["status"] == "open":
                number = (value["last_trade_id"] - 1) * PAIRS + int(value["pair"][1:-4])
                current.append((now - began - number / options.rate) * 1e3)
            elif value["status"] == "final" and value["end_us"] < (began + options.seconds - 1) * 1e6:
                final.append((now * 1e6 - value["end_us"]) / 1e3 - GRACE_MS)
    producer.wait()
    memory = worker.rss_mb()
    worker.signal(15)
    worker.process.wait(30)
    print(f"{options.rate} trades a second, {options.broker} broker, load {os.getloadavg()[0]:.1f}, {memory:.0f} MB")
    print(f"current: {percentiles(current)}\nfinal, beyond the grace of {GRACE_MS} ms: {percentiles(final)}")
    broker.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
