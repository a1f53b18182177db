"""Wrong candles of quixstreams with the reducer of the course, and of `candles`, on the same topics under the same disorder.

    KAFKA_FRESH=1 target/venv/bin/python workers/bench/wrong.py --binaries target/release

About five trades a candle, a fifth of them in the same millisecond as the one before, because one order is often matched by several. A candle of
quixstreams is the last message of its window; it counts as wrong when a price or the volume differs from the oracle's (a volume by more than
floating point explains), and as missing when there is none. It needs the real broker: the peer creates topics.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import lab
import oracle

# Name, jitter, share of duplicates, whether ties come in any order.
CASES = [
    ("in order", 0, 0.0, False),
    ("ties shuffled", 0, 0.0, True),
    ("2 s of jitter", 2_000, 0.0, True),
    ("10 s of jitter", 10_000, 0.0, True),
    ("1 % duplicates", 0, 0.01, False),
    ("all at once", 10_000, 0.01, True),
]


def peer(options, address, count, directory, expected) -> dict[str, int]:
    run = subprocess.run([sys.executable, pathlib.Path(__file__).with_name("quix.py"), address, str(count), "current", directory / "state",
                          "quix"], capture_output=True, text=True, timeout=600)
    if not run.stdout.strip():
        raise RuntimeError(run.stderr[-2000:])
    found = {}
    for record in lab.read_topic(address, "quix"):
        value = json.loads(record.value())
        found[value["value"]["pair"] if "value" in value else value["pair"], value["start"] * 1_000] = value.get("value", value)
    wrong = missing = 0
    for row in expected.iter_rows(named=True):
        value = found.get((row["pair"], row["start_us"]))
        if value is None:
            missing += 1
            continue
        prices = all(round(value[name] * 100) == row[name] for name in ("open", "high", "low", "close"))
        wrong += not prices or abs(value["volume"] * 1e8 - row["volume"]) > 1
    return {"wrong": wrong, "missing": missing}


def ours(options, address, directory, expected) -> dict[str, int]:
    worker = lab.Worker(options.binaries / "candles", address, directory, CANDLE_SECONDS="60")
    if not lab.wait_for_end(address, [worker], 120):
        raise RuntimeError("not everything was read")
    worker.signal(15)
    worker.process.wait(30)
    return lab.compare(address, expected, 60)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binaries", type=pathlib.Path, default=lab.ROOT / "target/release")
    parser.add_argument("--trades", type=int, default=12_500)
    options = parser.parse_args()
    bad = 0
    print("| disorder | candles | quixstreams wrong | missing | `candles` wrong | missing |\n|---|---|---|---|---|---|", flush=True)
    for name, jitter, duplicates, shuffled in CASES:
        subprocess.run([lab.ROOT / "scripts/kafka.sh", "stop"], check=True)
        os.environ["KAFKA_FRESH"] = "1"
        directory = pathlib.Path(tempfile.mkdtemp(prefix="wrong-"))
        shape = lab.Shape(pairs=8, step_us=1_500_000, ties=0.2, shuffled=shuffled)
        rows = lab.make_trades(directory / "trades.csv", options.trades, jitter, duplicates, 1, shape)
        broker = lab.Broker("real", options.binaries, {"trades": 8, "candles": 8, "quix": 8, "trades.dlq": 1, "trades.late": 1})
        feeder = lab.Feeder(broker.address, 8, 0.0, 0.0, 1)
        feeder.feed(rows)
        feeder.producer.flush(60)
        expected = oracle.candles(directory / "trades.csv", 60)
        theirs = peer(options, broker.address, len(rows), directory, expected)
        mine = ours(options, broker.address, directory, expected)
        share = 100 * (theirs["wrong"] + theirs["missing"]) / len(expected)
        print(f"| {name} | {len(expected):,} | {theirs['wrong']} ({share:.1f} %) | {theirs['missing']} | {mine['wrong']} | {mine['missing']} |",
              flush=True)
        bad += mine["wrong"] + mine["missing"] + mine["extra"] + mine["conflicting"]
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
