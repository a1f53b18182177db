//! The programs as processes, on a broker: real Kafka where `scripts/kafka.sh` can start one, else librdkafka's mock cluster.
//!
//! `$KAFKA_TEST` says which: `real` (a fallback is a failure), `mock`, or nothing: real when `$KAFKA_TEST_BOOTSTRAP` is set.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::print_stdout, reason = "which broker was used belongs into the log")]

use std::collections::BTreeMap;
use std::io::BufRead;
use std::io::BufReader;
use std::process::Child;
use std::process::Command;
use std::process::Output;
use std::process::Stdio;
use std::time::Duration;
use std::time::Instant;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use rdkafka::ClientConfig;
use rdkafka::Message;
use rdkafka::Offset;
use rdkafka::TopicPartitionList;
use rdkafka::admin::AdminClient;
use rdkafka::admin::AdminOptions;
use rdkafka::admin::NewTopic;
use rdkafka::admin::TopicReplication;
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::BaseConsumer;
use rdkafka::consumer::Consumer;
use rdkafka::error::KafkaError;
use rdkafka::message::Headers;
use workers::decimal::Amount;
use workers::decimal::Sum;
use workers::trade::Trade;

/// A broker with topics of a name that nobody else has.
struct Broker {
    address: String,
    name: String,
    is_real: bool,
    mock: Option<Child>,
}

impl Broker {
    fn start(name: &str, partitions: i32) -> Self {
        let nanos = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos();
        let name = format!("{name}-{nanos}");
        let topics = [(name.clone(), partitions), (format!("{name}.out"), partitions)];
        let topics = [&topics[..], &[(format!("{name}.dlq"), 1), (format!("{name}.late"), 1)]].concat();
        match std::env::var("KAFKA_TEST_BOOTSTRAP") {
            Ok(address) if !address.is_empty() => {
                create(&address, &topics);
                println!("{name}: real Kafka at {address}");
                Self { address, name, is_real: true, mock: None }
            }
            _ => {
                assert_ne!(std::env::var("KAFKA_TEST").as_deref(), Ok("real"), "KAFKA_TEST_BOOTSTRAP names no broker");
                let arguments = topics.iter().map(|(topic, partitions)| format!("{topic}:{partitions}"));
                let mut mock = Command::new(env!("CARGO_BIN_EXE_mock-broker"))
                    .args(arguments)
                    .stdin(Stdio::piped())
                    .stdout(Stdio::piped())
                    .spawn()
                    .unwrap();
                let mut address = String::new();
                BufReader::new(mock.stdout.take().unwrap()).read_line(&mut address).unwrap();
                println!("{name}: librdkafka's mock cluster");
                Self { address: address.trim().to_owned(), name, is_real: false, mock: Some(mock) }
            }
        }
    }

    fn candles(&self, more: &[(&str, &str)]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_candles"));
        command
            .env("KAFKA_BROKER_ADDRESS", &self.address)
            .env("KAFKA_INPUT_TOPIC", &self.name)
            .env("KAFKA_OUTPUT_TOPIC", format!("{}.out", self.name))
            .env("KAFKA_CONSUMER_GROUP", &self.name)
            .env("KAFKA_GROUP_INSTANCE_ID", "one")
            .env("HTTP_ADDR", "127.0.0.1:0")
            .env("CANDLE_SECONDS", "10")
            .env("IDLE_CLOSE_MS", "2000")
            .env("COMMIT_INTERVAL_MS", "100")
            .envs(more.iter().copied())
            .stderr(Stdio::piped());
        command
    }

    /// Feeds synthetic trades with every disorder.
    fn feed(&self, count: u32, rate: u32) -> Child {
        Command::new(env!("CARGO_BIN_EXE_trades"))
            .env("KAFKA_BROKER_ADDRESS", &self.address)
            .env("KAFKA_TOPIC_NAME", &self.name)
            .env("SOURCE", "synthetic")
            .env("COUNT", count.to_string())
            .env("RATE", rate.to_string())
            .env("PAIRS", "A/B,C/D,E/F,G/H,I/J")
            .envs([("JITTER_MS", "3000"), ("DUPLICATES_PER_MILLE", "20"), ("POISON_PER_MILLE", "20")])
            .env("HTTP_ADDR", "127.0.0.1:0")
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }

    /// Returns the records of a topic that are there now: partition, offset, value, and the header `x-reason`.
    fn read(&self, topic: &str) -> Vec<(i32, i64, Vec<u8>, Option<String>)> {
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", &self.address)
            .set("group.id", "reader")
            .set("enable.partition.eof", "true")
            .set("isolation.level", "read_committed")
            .create()
            .unwrap();
        let metadata = consumer.fetch_metadata(Some(topic), Duration::from_secs(10)).unwrap();
        let count = metadata.topics()[0].partitions().len();
        let mut list = TopicPartitionList::new();
        for id in 0..i32::try_from(count).unwrap() {
            list.add_partition_offset(topic, id, Offset::Beginning).unwrap();
        }
        consumer.assign(&list).unwrap();
        let (mut records, mut ended) = (Vec::new(), 0);
        while ended < count {
            match consumer.poll(Duration::from_secs(10)) {
                Some(Ok(message)) => {
                    let headers = message.headers().into_iter().flat_map(Headers::iter);
                    let reason = headers
                        .filter(|header| header.key == "x-reason")
                        .find_map(|header| Some(String::from_utf8_lossy(header.value?).into_owned()));
                    let value = message.payload().unwrap_or_default().to_vec();
                    records.push((message.partition(), message.offset(), value, reason));
                }
                Some(Err(KafkaError::PartitionEOF(_))) => ended += 1,
                Some(Err(error)) => panic!("{error}"),
                None => panic!("no answer from the broker"),
            }
        }
        records
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        if let Some(mock) = &mut self.mock {
            drop(mock.stdin.take());
            let _ = mock.wait();
        }
    }
}

fn create(address: &str, topics: &[(String, i32)]) {
    let admin: AdminClient<DefaultClientContext> =
        ClientConfig::new().set("bootstrap.servers", address).create().unwrap();
    let new = topics.iter().map(|(name, count)| NewTopic::new(name, *count, TopicReplication::Fixed(1)));
    let new: Vec<NewTopic> = new.collect();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    for result in runtime.block_on(admin.create_topics(&new, &AdminOptions::new())).unwrap() {
        result.unwrap();
    }
}

/// Waits until as many candles as expected are there, or time is up.
fn wait_for(mut is_done: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_mins(1);
    while !is_done() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(500));
    }
}

/// What the log says: by pair and start, the open, high, low, close, volume and count of its trades.
type Expected = BTreeMap<(String, i64), (String, String, String, String, String, usize)>;

fn oracle(broker: &Broker) -> Expected {
    /// By id: time, id, price and quantity.
    type Trades = BTreeMap<u64, (i64, u64, Amount, Amount)>;
    let mut windows: BTreeMap<(String, i64), Trades> = BTreeMap::new();
    for (_, _, value, _) in broker.read(&broker.name) {
        if let Ok(trade) = Trade::parse(Some(&value)) {
            let window = (trade.pair.to_string(), trade.ts_us - trade.ts_us % 10_000_000);
            windows.entry(window).or_default().insert(trade.id, (trade.ts_us, trade.id, trade.price, trade.quantity));
        }
    }
    let summed = windows.into_iter().map(|(window, trades)| {
        let mut trades: Vec<_> = trades.into_values().collect();
        trades.sort_unstable();
        let mut volume = Sum::default();
        for trade in &trades {
            volume.add(trade.3);
        }
        let prices = || trades.iter().map(|trade| trade.2);
        let (open, close) = (trades[0].2.to_string(), trades[trades.len() - 1].2.to_string());
        let (high, low) = (prices().max().unwrap().to_string(), prices().min().unwrap().to_string());
        (window, (open, high, low, close, volume.to_string(), trades.len()))
    });
    summed.collect()
}

/// The last record of each candle, after checking that no two of a revision differ.
fn found(broker: &Broker) -> Expected {
    let (mut last, mut versions): (Expected, BTreeMap<String, Vec<u8>>) = (BTreeMap::new(), BTreeMap::new());
    for (_, _, value, _) in broker.read(&format!("{}.out", broker.name)) {
        let candle: serde_json::Value = serde_json::from_slice(&value).unwrap();
        let version = format!("{} {} {} {}", candle["pair"], candle["start_us"], candle["status"], candle["revision"]);
        let before = versions.entry(version).or_insert_with(|| value.clone());
        assert_eq!(
            String::from_utf8_lossy(before),
            String::from_utf8_lossy(&value),
            "two records of a revision differ"
        );
        let text = |name: &str| candle[name].as_str().unwrap().to_owned();
        let count = usize::try_from(candle["trade_count"].as_u64().unwrap()).unwrap();
        let fields = (text("open"), text("high"), text("low"), text("close"), text("volume"), count);
        last.insert((text("pair"), candle["start_us"].as_i64().unwrap()), fields);
    }
    last
}

fn terminate(mut child: Child) -> Output {
    Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    while child.try_wait().unwrap().is_none() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(50));
    }
    let _ = child.kill();
    child.wait_with_output().unwrap()
}

/// Kills `candles` in mid-window again and again while disordered trades come in, and compares with the log.
fn survives_kills(guarantee: &str) {
    let broker = Broker::start(guarantee, 3);
    if guarantee == "exactly_once" && !broker.is_real {
        println!("skipped: the mock cluster does not abort transactions");
        return;
    }
    let start = || broker.candles(&[("PROCESSING_GUARANTEE", guarantee)]).stderr(Stdio::null()).spawn().unwrap();
    let mut feeder = broker.feed(12_000, 1_500);
    let mut candles = start();
    while feeder.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_millis(1_300));
        candles.kill().unwrap();
        candles.wait().unwrap();
        candles = start();
    }
    let expected = oracle(&broker);
    assert!(expected.len() >= 5, "{} candles", expected.len());
    wait_for(|| found(&broker) == expected);
    let output = terminate(candles);
    assert!(output.status.success(), "SIGTERM drains: {:?}", output.status);
    assert_eq!(found(&broker), expected);
    let dead = broker.read(&format!("{}.dlq", broker.name));
    assert!(
        dead.len() >= 100 && dead.iter().all(|(_, _, _, reason)| reason.as_deref() == Some("syntax")),
        "{}",
        dead.len()
    );
}

#[test]
fn kills_in_mid_window_change_no_candle() {
    survives_kills("at_least_once");
}

#[test]
fn kills_in_mid_transaction_change_no_candle() {
    survives_kills("exactly_once");
}

#[test]
fn a_flood_of_dead_letters_stops_the_worker() {
    let broker = Broker::start("flood", 1);
    let mut feeder = Command::new(env!("CARGO_BIN_EXE_trades"))
        .env("KAFKA_BROKER_ADDRESS", &broker.address)
        .env("KAFKA_TOPIC_NAME", &broker.name)
        .envs([("SOURCE", "synthetic"), ("COUNT", "2000"), ("RATE", "0"), ("POISON_PER_MILLE", "1000")])
        // Every trade is poison, and every trade is there as well: half of the records, and one more.
        .envs([("JITTER_MS", "100000"), ("HTTP_ADDR", "127.0.0.1:0")])
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    feeder.wait().unwrap();
    let output = broker.candles(&[]).output().unwrap();
    let log = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{log}");
    assert!(
        log.contains("records of") && log.contains("are no trades: this is the wrong topic, or another schema"),
        "{log}"
    );
}

#[test]
fn what_is_missing_at_the_start_is_said() {
    let broker = Broker::start("missing", 2);
    let check = |more: &[(&str, &str)]| {
        let output = broker.candles(more).arg("--check").output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    assert_eq!(check(&[]).0, Some(0));
    let (code, log) = check(&[("KAFKA_BROKER_ADDRESS", "127.0.0.1:1")]);
    assert!(code == Some(1) && log.contains("no answer from Kafka at `127.0.0.1:1`"), "{log}");
    let late = format!("{}.late", broker.name);
    let (code, log) = check(&[("KAFKA_OUTPUT_TOPIC", &late)]);
    assert!(code == Some(1) && log.contains("has 1 partitions, fewer than the 2 of"), "{log}");
    if broker.is_real {
        let (code, log) = check(&[("KAFKA_INPUT_TOPIC", "nowhere")]);
        assert!(code == Some(1) && log.contains("topic `nowhere` does not exist"), "{log}");
    }
}
