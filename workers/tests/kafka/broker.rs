//! A broker, and the programs as its clients.

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

/// A broker with topics of a name that nobody else has.
pub(crate) struct Broker {
    pub(crate) address: String,
    /// Of the topic of trades, and the beginning of the others.
    pub(crate) name: String,
    pub(crate) is_real: bool,
    mock: Option<Child>,
}

/// A record of a topic.
pub(crate) struct Record {
    pub(crate) value: Vec<u8>,
    pub(crate) headers: BTreeMap<String, String>,
}

impl Broker {
    pub(crate) fn start(name: &str, partitions: i32) -> Self {
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

    pub(crate) fn candles(&self, more: &[(&str, &str)]) -> Command {
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
    pub(crate) fn feed(&self, count: u32, rate: u32) -> Child {
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

    /// Returns the records of a topic that are there now, as a consumer of transactions sees them.
    pub(crate) fn read(&self, topic: &str) -> Vec<Record> {
        self.read_as(topic, "read_committed")
    }

    /// Returns the records of a topic that are there now; `read_uncommitted` shows those of aborted transactions too.
    pub(crate) fn read_as(&self, topic: &str, isolation: &str) -> Vec<Record> {
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", &self.address)
            .set("group.id", "reader")
            .set("enable.partition.eof", "true")
            .set("isolation.level", isolation)
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
                    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
                    let headers = headers.map(|header| (header.key.to_owned(), text(header.value.unwrap_or_default())));
                    records.push(Record {
                        value: message.payload().unwrap_or_default().to_vec(),
                        headers: headers.collect(),
                    });
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

pub(crate) fn create(address: &str, topics: &[(String, i32)]) {
    let admin: AdminClient<DefaultClientContext> =
        ClientConfig::new().set("bootstrap.servers", address).create().unwrap();
    let new = topics.iter().map(|(name, count)| {
        NewTopic::new(name, *count, TopicReplication::Fixed(1)).set("max.message.bytes", "4000000")
    });
    let new: Vec<NewTopic> = new.collect();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    for result in runtime.block_on(admin.create_topics(&new, &AdminOptions::new())).unwrap() {
        result.unwrap();
    }
    // The controller has them; a broker learns of them a moment later.
    let knows = |name: &str| {
        let metadata = admin.inner().fetch_metadata(Some(name), Duration::from_secs(10)).unwrap();
        metadata.topics().iter().any(|topic| topic.name() == name && !topic.partitions().is_empty())
    };
    wait_for(|| topics.iter().all(|(name, _)| knows(name)));
}

/// Waits until it is done, or a minute is up.
pub(crate) fn wait_for(mut is_done: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_mins(1);
    while !is_done() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(500));
    }
}

/// Sends a signal.
pub(crate) fn send(signal: &str, child: &Child) {
    assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
}

/// Sends SIGTERM, and waits for the end as a kubelet does.
pub(crate) fn terminate(mut child: Child) -> Output {
    send("-TERM", &child);
    let deadline = Instant::now() + Duration::from_secs(20);
    while child.try_wait().unwrap().is_none() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(50));
    }
    let _ = child.kill();
    child.wait_with_output().unwrap()
}
