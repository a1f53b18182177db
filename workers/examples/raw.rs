//! The yardstick of bench/bench.py: a bare consumer that parses the JSON of each record and does nothing with it.
//! `raw BROKERS TOPIC PARTITIONS COUNT` prints the records a second.

#![expect(clippy::print_stdout, reason = "the figure is what it is asked for")]

use std::time::Duration;
use std::time::Instant;

use rdkafka::ClientConfig;
use rdkafka::Message;
use rdkafka::Offset;
use rdkafka::TopicPartitionList;
use rdkafka::consumer::BaseConsumer;
use rdkafka::consumer::Consumer;
use serde::Deserialize;

#[derive(Deserialize)]
struct Fields<'a> {
    pair: &'a str,
    trade_id: u64,
    price: &'a str,
    quantity: &'a str,
    ts_us: i64,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, brokers, topic, partitions, count] = arguments.as_slice() else {
        return Err("raw BROKERS TOPIC PARTITIONS COUNT".into());
    };
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("group.id", "raw")
        .set("fetch.queue.backoff.ms", "10")
        .set("queued.max.messages.kbytes", "16384")
        .set("queued.min.messages", "20000")
        .create()?;
    let mut list = TopicPartitionList::new();
    for partition in 0..partitions.parse()? {
        list.add_partition_offset(topic, partition, Offset::Beginning)?;
    }
    let (began, count, mut read, mut bytes) = (Instant::now(), count.parse::<u64>()?, 0_u64, 0_u64);
    consumer.assign(&list)?;
    while read < count {
        let Some(message) = consumer.poll(Duration::from_secs(10)) else { return Err("nothing comes".into()) };
        let message = message?;
        let trade: Fields = serde_json::from_slice(message.payload().unwrap_or_default())?;
        bytes += trade.trade_id
            ^ trade.ts_us.unsigned_abs()
            ^ (trade.pair.len() + trade.price.len() + trade.quantity.len()) as u64;
        read += 1;
    }
    let seconds = began.elapsed().as_secs_f64();
    println!("{read} {seconds:.3} {bytes:x}");
    Ok(())
}
