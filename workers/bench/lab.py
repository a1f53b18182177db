"""What chaos.py and bench.py share: brokers, topics, trades with every disorder, workers as processes, and the comparison."""

import dataclasses
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import time
import urllib.request
from decimal import Decimal

import numpy
import polars as pl
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCALE = {"open": 2, "high": 2, "low": 2, "close": 2, "volume": 8, "quote_volume": 10}
COUNTS = ["trade_count", "first_trade_id", "last_trade_id", "missing_trades"]


class Broker:
    """Real Kafka by scripts/kafka.sh, or librdkafka's mock cluster as a child process."""

    def __init__(self, kind: str, binaries: pathlib.Path, topics: dict[str, int]):
        self.kind, self.child = kind, None
        if kind == "real":
            out = subprocess.run([ROOT / "scripts/kafka.sh", "start"], check=True, capture_output=True, text=True)
            self.address = out.stdout.split()[-1]
            admin = AdminClient({"bootstrap.servers": self.address})
            new = [NewTopic(name, count, 1, config={"max.message.bytes": "4000000"}) for name, count in topics.items()]
            for future in admin.create_topics(new).values():
                future.result()
        else:
            arguments = [f"{name}:{count}" for name, count in topics.items()]
            self.child = subprocess.Popen([binaries / "mock-broker", *arguments], stdin=subprocess.PIPE,
                                          stdout=subprocess.PIPE, text=True)
            self.address = self.child.stdout.readline().strip()

    def down(self):
        if self.child:
            print("down", file=self.child.stdin, flush=True)
        else:
            subprocess.run([ROOT / "scripts/kafka.sh", random.choice(["stop", "kill"])], check=True)

    def up(self):
        if self.child:
            print("up", file=self.child.stdin, flush=True)
        else:
            subprocess.run([ROOT / "scripts/kafka.sh", "start"], check=True, capture_output=True)

    def close(self):
        if self.child:
            self.child.stdin.close()
            self.child.wait()


@dataclasses.dataclass
class Shape:
    """Of trades: how many pairs there are, how far apart the trades, which share has the millisecond of the one before, and whether such come in
    any order."""

    pairs: int = 48
    step_us: int = 2_000
    ties: float = 0.1
    shuffled: bool = True


def make_trades(path: pathlib.Path, count: int, jitter_ms: int, duplicates: float, seed: int, shape: Shape):
    """Writes the trade file and returns the records in their order of arrival: (pair, id, ts_us, price, quantity)."""
    rng = numpy.random.default_rng(seed)
    end_us = int(time.time() * 1e6) - 60_000_000
    # One order is often matched by several: the same pair, the same millisecond.
    tie = rng.random(count) < shape.ties
    tie[0] = False
    moments = numpy.where(tie, 0, 1).cumsum()
    ts_us = end_us - (moments[-1] - moments) * shape.step_us
    ts_us -= ts_us % 1_000
    pair = rng.integers(0, shape.pairs, count)
    pair = pair[numpy.maximum.accumulate(numpy.where(tie, 0, numpy.arange(count)))]
    price = numpy.maximum(100_000 * (1 + pair) + rng.integers(-50, 51, count).cumsum() % 40_000, 1)
    quantity = rng.integers(1, 300_000_000, count)
    ids = numpy.zeros(count, dtype=numpy.int64)
    order = numpy.argsort(pair, kind="stable")
    counts = numpy.bincount(pair, minlength=shape.pairs)
    ids[order] = numpy.arange(count) - numpy.repeat(counts.cumsum() - counts, counts) + 1
    frame = pl.DataFrame({"pair": pair, "trade_id": ids, "ts_us": ts_us, "price": price, "quantity": quantity})
    frame = frame.with_columns(pair=pl.format("P{}/USD", "pair"))
    frame.write_csv(path)
    again = frame.sample(fraction=duplicates, seed=seed) if duplicates else frame.head(0)
    arrivals = pl.concat([frame, again])
    delay = rng.integers(0, jitter_ms * 1_000 + 1, len(arrivals))
    # A duplicate comes at once behind its trade, ties in any order or in that of their ids.
    last = rng.random(len(arrivals)) if shape.shuffled else arrivals["trade_id"].to_numpy()
    order = numpy.lexsort((last, arrivals["ts_us"].to_numpy() + delay))
    return arrivals[order].rows()


def message(row) -> bytes:
    pair, trade_id, ts_us, price, quantity = row
    return (f'{{"v":1,"pair":"{pair}","trade_id":{trade_id},"price":"{price // 100}.{price % 100:02}",'
            f'"quantity":"{quantity // 10**8}.{quantity % 10**8:08}","ts_us":{ts_us}}}').encode()


def partition_of(pair: str, partitions: int) -> int:
    return int(pair[1:pair.index("/")]) % partitions


class Feeder:
    """Produces records at a rate; a share of poison and of trades from the future goes along."""

    def __init__(self, address: str, partitions: int, poison: float, future: float, seed: int):
        self.producer = Producer({"bootstrap.servers": address, "enable.idempotence": True, "linger.ms": 5,
                                  "compression.type": "lz4", "queue.buffering.max.messages": 500_000})
        self.partitions, self.poison, self.future = partitions, poison, future
        self.random, self.sent_poison, self.sent_future = random.Random(seed), 0, 0
        # One source whose clock is an hour ahead, and one an hour behind: how many trades each has sent.
        self.skewed, self.behind = False, 0

    def send(self, value: bytes, pair: str):
        while True:
            try:
                self.producer.produce("trades", value, pair.encode(), partition_of(pair, self.partitions))
                return
            except BufferError:
                self.producer.poll(0.1)

    def feed(self, rows, stop=lambda: False):
        for number, row in enumerate(rows):
            if number % 1_000 == 0:
                self.producer.poll(0)
                if stop():
                    return number
            self.send(message(row), row[0])
            if self.poison and self.random.random() < self.poison:
                self.sent_poison += 1
                self.send(self.random.choice([b"{", b"\xff\xfe", b'{"pair":"P0/USD","price":"NaN"}', b""]), row[0])
            if self.future and self.random.random() < self.future:
                self.sent_future += 1
                ahead = int((time.time() + 3_600) * 1e6)
                self.send(message((row[0], 10**12 + number, ahead, 1, 1)), row[0])
            if self.skewed and number % 50 == 0:
                self.skew(row)
        return len(rows)

    def skew(self, row):
        """A trade of each of the sources with wrong clocks, on a partition of others."""
        self.behind += 1
        self.sent_future += 1
        ahead = int((time.time() + 3_600) * 1e6)
        self.send(message(("P0/AHEAD", self.behind, ahead, 1, 1)), "P0/AHEAD")
        self.send(message(("P0/BEHIND", self.behind, row[2] - 3_600_000_000, 1, 1)), "P0/BEHIND")


class Worker:
    """One `candles` process."""

    count = 0

    def __init__(self, binary: pathlib.Path, address: str, logs: pathlib.Path, **environment):
        Worker.count += 1
        self.log = open(logs / f"candles-{Worker.count}.log", "w")
        variables = {
            "KAFKA_BROKER_ADDRESS": address, "KAFKA_INPUT_TOPIC": "trades", "KAFKA_OUTPUT_TOPIC": "candles",
            "KAFKA_CONSUMER_GROUP": "candles", "HTTP_ADDR": "127.0.0.1:0", "IDLE_CLOSE_MS": "3000", "LOG_FORMAT": "text",
            "COMMIT_INTERVAL_MS": "300", **environment,
        }
        self.process = subprocess.Popen([binary], env={**os.environ, **variables}, stderr=self.log)

    def signal(self, number: int):
        if self.process.poll() is None:
            self.process.send_signal(number)

    def rss_mb(self) -> float:
        try:
            status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
            return int(status.split("VmHWM:")[1].split()[0]) / 1024
        except (FileNotFoundError, IndexError):
            return 0.0


def read_topic(address: str, topic: str, isolation: str = "read_committed"):
    """Yields the records of a topic from its start to its end."""
    consumer = Consumer({"bootstrap.servers": address, "group.id": "lab-reader", "enable.auto.commit": False,
                         "auto.offset.reset": "earliest", "enable.partition.eof": True, "isolation.level": isolation,
                         "fetch.queue.backoff.ms": 10})
    partitions = consumer.list_topics(topic, timeout=10).topics[topic].partitions
    consumer.assign([TopicPartition(topic, number, 0) for number in partitions])
    ended = set()
    while len(ended) < len(partitions):
        for record in consumer.consume(5_000, timeout=2):
            if record.error():
                if record.error().name() == "_PARTITION_EOF":
                    ended.add(record.partition())
                else:
                    raise KafkaException(record.error())
            else:
                ended.discard(record.partition())
                yield record
    consumer.close()


def lag(address: str, group: str = "candles", topic: str = "trades") -> int:
    consumer = Consumer({"bootstrap.servers": address, "group.id": group, "enable.auto.commit": False})
    try:
        partitions = consumer.list_topics(topic, timeout=10).topics[topic].partitions
        committed = consumer.committed([TopicPartition(topic, number) for number in partitions], timeout=10)
        ends = {number: consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=10)[1] for number in partitions}
        return sum(ends[element.partition] - max(element.offset, 0) for element in committed)
    finally:
        consumer.close()


def compare(address: str, expected: pl.DataFrame, seconds: int) -> dict[str, int]:
    """Compares the last final or corrected record of each candle, in every field."""
    found, seen, result = {}, {}, {"records": 0, "repeated": 0, "conflicting": 0, "incomplete": 0, "closed_by_idle": 0}
    for record in read_topic(address, "candles"):
        value = json.loads(record.value())
        if value["status"] == "open" or value["interval"] != f"{seconds}s":
            continue
        result["records"] += 1
        version = (record.key(), value["status"], value["revision"])
        before = seen.setdefault(version, record.value())
        if before is not record.value():
            result["repeated" if before == record.value() else "conflicting"] += 1
        result["incomplete"] += not value["complete"]
        result["closed_by_idle"] += value.get("closed_by") == "idle"
        key = (value["pair"], value["start_us"])
        if key not in found or found[key]["revision"] <= value["revision"]:
            found[key] = value
    # Of the source whose clock is behind: how many trades are in candles.
    result["behind_counted"] = sum(found.pop(key)["trade_count"] for key in [key for key in found if key[0] == "P0/BEHIND"])
    wrong = missing = 0
    for row in expected.iter_rows(named=True):
        value = found.pop((row["pair"], row["start_us"]), None)
        if value is None:
            missing += 1
        elif any(Decimal(value[name]) != Decimal(row[name]).scaleb(-scale) for name, scale in SCALE.items()) or any(
                value[name] != row[name] for name in COUNTS):
            wrong += 1
    return {"candles": len(expected), "wrong": wrong, "missing": missing, "extra": len(found), **result}


def wait_for_end(address: str, workers, timeout: float) -> bool:
    """Waits until the group has read everything and the idle windows are closed."""
    deadline = time.time() + timeout
    while time.time() < deadline:
        if lag(address) == 0:
            time.sleep(7)
            return True
        time.sleep(1)
    return False
