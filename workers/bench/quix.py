"""The peer: quixstreams with the reducer of the course, as its users run it.

    python quix.py ADDRESS COUNT final|current STATE_DIRECTORY OUTPUT_TOPIC

Reads COUNT records of the topic `trades` and prints how many there were and the seconds that they took.
"""

import sys
import time
from datetime import timedelta

from quixstreams import Application

address, count, mode, state, output = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4], sys.argv[5]
app = Application(broker_address=address, consumer_group=f"quix-{mode}-{time.time()}", auto_offset_reset="earliest",
                  loglevel="ERROR", state_dir=state)
trades = app.topic("trades", value_deserializer="json", timestamp_extractor=lambda value, *_: value["ts_us"] // 1000)
candles = app.topic(output, value_serializer="json")


def init(trade):
    price = float(trade["price"])
    return {"open": price, "high": price, "low": price, "close": price, "volume": float(trade["quantity"]), "pair": trade["pair"]}


def update(candle, trade):
    price = float(trade["price"])
    candle["high"], candle["low"], candle["close"] = max(candle["high"], price), min(candle["low"], price), price
    candle["volume"] += float(trade["quantity"])
    return candle


seen, began = 0, None


def note(_):
    global seen, began
    began = began or time.time()
    seen += 1
    if seen == count:
        print(seen, round(time.time() - began, 3), flush=True)
        app.stop()


window = app.dataframe(trades).update(note).tumbling_window(timedelta(seconds=60)).reduce(reducer=update, initializer=init)
(window.final() if mode == "final" else window.current()).to_topic(candles)
app.run()
