"""Faults against `candles`, each to end with 0 wrong, 0 missing and 0 conflicting candles.

    target/venv/bin/python workers/bench/chaos.py --broker real --binaries target/release --fault kill --events 50

Faults: none, kill (kill -9), freeze (SIGSTOP beyond the session timeout), rebalance (replicas join and leave), broker (stopped,
killed and started), feeder (the producer starts again a thousand records back), skew (one source an hour ahead and one an hour behind), idle (one
partition has no trades for a third of the time), fence (exactly once on real Kafka: a frozen replica comes back when another has its transactional
id, and has to end with what it wrote invisible). Trades carry jitter, shuffled ties, duplicates, poison and now and then an hour of skew; one
partition has no pair at all. Exit code 1 when anything is wrong.
"""

import argparse
import json
import pathlib
import random
import signal
import sys
import tempfile
import threading
import time

import lab
import oracle


def inject(options, broker, workers, start, stop, counts):
    rng = random.Random(options.seed)
    pause = (0.3, 1.2) if options.fault == "kill" else (2.0, 4.0)
    if options.broker == "mock" and options.fault == "kill":
        # A group of the mock cluster waits for three seconds before it begins: whoever is killed sooner has done nothing, and shows nothing.
        pause = (4.5, 7.0)
    while not stop.is_set():
        stop.wait(rng.uniform(*pause))
        if stop.is_set() or counts["faults"] >= options.events:
            return
        counts["faults"] += 1
        place = rng.randrange(len(workers))
        if options.fault == "kill":
            workers[place].signal(signal.SIGKILL)
            workers[place].process.wait()
            workers[place] = start(place)
        elif options.fault == "freeze":
            workers[place].signal(signal.SIGSTOP)
            stop.wait(rng.uniform(12.0, 16.0))
            workers[place].signal(signal.SIGCONT)
        elif options.fault == "fence":
            old = workers[place]
            old.signal(signal.SIGSTOP)
            workers[place] = start(place)
            stop.wait(rng.uniform(12.0, 16.0))
            old.signal(signal.SIGCONT)
            counts["fenced"] += old.process.wait(60) == 1
        elif options.fault == "rebalance":
            workers[place].signal(signal.SIGTERM)
            workers[place].process.wait()
            if rng.random() < 0.5:
                time.sleep(rng.uniform(0, 2))
            workers[place] = start(place)
        elif options.fault == "broker":
            broker.down()
            stop.wait(rng.uniform(1.0, 4.0))
            broker.up()


def watch(workers, start, stop, counts):
    """What a kubelet does: starts what has ended."""
    while not stop.wait(0.5):
        for place, worker in enumerate(workers):
            if worker.process.poll() not in (None, -9, 0):
                counts["restarts"] += 1
                workers[place] = start(place)


def feed(options, rows, broker, feeder):
    began = time.time()
    position, chunk = 0, max(1, len(rows) // int(max(1, options.seconds) * 10))
    restarts = 0
    while position < len(rows):
        feeder.feed(rows[position:position + chunk])
        position += chunk
        if options.fault == "feeder" and random.random() < 0.05 and restarts < options.events:
            restarts += 1
            position = max(0, position - 1_000)
        time.sleep(max(0.0, began + position / len(rows) * options.seconds - time.time()))
    feeder.producer.flush(120)
    return restarts


def without_trades_for_a_while(path, rows, partitions):
    """Takes the trades of one partition out of the middle third of the records, and of the file."""
    third = len(rows) // 3
    gone = {row[:2] for row in rows[third:2 * third] if lab.partition_of(row[0], partitions) == 1}
    frame = lab.pl.read_csv(path)
    kept = [(pair, number) not in gone for pair, number in zip(frame["pair"], frame["trade_id"])]
    frame.filter(kept).write_csv(path)
    return [row for row in rows if row[:2] not in gone]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--broker", choices=["real", "mock"], default="mock")
    parser.add_argument("--binaries", type=pathlib.Path, default=lab.ROOT / "target/debug")
    parser.add_argument("--fault", default="none")
    parser.add_argument("--events", type=int, default=20)
    parser.add_argument("--trades", type=int, default=100_000)
    parser.add_argument("--pairs", type=int, default=49)
    parser.add_argument("--seconds", type=float, default=30, help="time over which the trades arrive")
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--jitter-ms", type=int, default=2_000)
    parser.add_argument("--duplicates", type=float, default=0.01)
    parser.add_argument("--poison", type=float, default=0.05)
    parser.add_argument("--future", type=float, default=0.001)
    parser.add_argument("--candle-seconds", type=int, default=10)
    parser.add_argument("--guarantee", default="at_least_once")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    random.seed(options.seed)

    directory = pathlib.Path(tempfile.mkdtemp(prefix="chaos-"))
    # The pairs leave partition 7 of 8 idle.
    partitions = 8
    rows = lab.make_trades(directory / "trades.csv", options.trades, options.jitter_ms, options.duplicates, options.seed,
                           lab.Shape(pairs=options.pairs))
    lab.partition_of = lambda pair, count: int(pair[1:pair.index("/")]) % (count - 1)
    if options.fault == "idle":
        rows = without_trades_for_a_while(directory / "trades.csv", rows, partitions)
    broker = lab.Broker(options.broker, options.binaries, {"trades": 8, "candles": 8, "trades.dlq": 1, "trades.late": 1})

    def start(place):
        environment = {"CANDLE_SECONDS": str(options.candle_seconds), "PROCESSING_GUARANTEE": options.guarantee}
        if options.fault in ("kill", "none", "freeze", "skew", "idle"):
            # Static membership, as in a StatefulSet: the next process of the same name has the same partitions at once.
            environment["KAFKA_GROUP_INSTANCE_ID"] = f"candles-{place}"
        if options.guarantee == "exactly_once":
            environment["KAFKA_TRANSACTIONAL_ID"] = f"candles-{place}"
        if options.fault == "fence":
            # So that a frozen replica has written something that it has not committed.
            environment["COMMIT_INTERVAL_MS"] = "2000"
        return lab.Worker(options.binaries / "candles", broker.address, directory, **environment)

    workers = [start(place) for place in range(options.workers)]
    counts, stop = {"faults": 0, "restarts": 0, "fenced": 0}, threading.Event()
    threads = [threading.Thread(target=watch, args=(workers, start, stop, counts))]
    quiet = ("none", "feeder", "skew", "idle")
    if options.fault not in quiet:
        threads.append(threading.Thread(target=inject, args=(options, broker, workers, start, stop, counts)))
    for thread in threads:
        thread.start()
    feeder = lab.Feeder(broker.address, partitions, options.poison, options.future, options.seed)
    feeder.skewed = options.fault == "skew"
    feeder_restarts = feed(options, rows, broker, feeder)
    counts["faults"] += feeder_restarts
    while options.fault not in quiet and threads[-1].is_alive() and counts["faults"] < options.events:
        time.sleep(0.5)
    if options.fault == "broker":
        threads[-1].join()
    ended = lab.wait_for_end(broker.address, workers, 180)
    stop.set()
    for thread in threads:
        thread.join()
    memory = max(worker.rss_mb() for worker in workers)
    for worker in workers:
        worker.signal(signal.SIGTERM)
    exits = [worker.process.wait(30) for worker in workers]
    result = lab.compare(broker.address, oracle.candles(directory / "trades.csv", options.candle_seconds), options.candle_seconds)
    dead = {(record.headers() and dict(record.headers())["x-origin-partition"], dict(record.headers())["x-origin-offset"])
            for record in lab.read_topic(broker.address, "trades.dlq")}
    result["dead_letters_missing"] = feeder.sent_poison + feeder.sent_future - len(dead)
    late = {json.loads(record.value())["trade_id"] for record in lab.read_topic(broker.address, "trades.late")
            if b"BEHIND" in record.value()}
    result["behind_lost"] = feeder.behind - len(late) - result.pop("behind_counted")
    bad = sum(result[name] for name in ("wrong", "missing", "extra", "conflicting", "dead_letters_missing", "behind_lost"))
    if options.fault == "fence":
        hidden = sum(1 for _ in lab.read_topic(broker.address, "candles", "read_uncommitted"))
        result["invisible"] = hidden - sum(1 for _ in lab.read_topic(broker.address, "candles"))
        result["fenced"] = counts["fenced"]
        bad += (result["invisible"] == 0) + (counts["fenced"] != counts["faults"])
    if options.fault == "idle":
        bad += result["closed_by_idle"] == 0
    broker.close()
    print(f"{options.broker} {options.guarantee} {options.fault}: faults {counts['faults']}, restarts {counts['restarts']}, "
          f"exits {exits}, {memory:.0f} MB, all read {ended}, " + ", ".join(f"{name} {value}" for name, value in result.items()))
    return int(bad > 0 or not ended)


if __name__ == "__main__":
    sys.exit(main())
