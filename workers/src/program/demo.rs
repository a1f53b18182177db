//! `workers demo`: a broker, trades, candles and the page in one process, so that there is something to see before anything is
//! installed. The parts are the programs' own, configured by the same variables.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use clap::Args;
use clap::Parser;
use clap::Subcommand;
use rdkafka::mocking::MockCluster;

use crate::config;
use crate::config::LogFormat;
use crate::environment::Mistakes;
use crate::http;
use crate::http::Health;
use crate::ingest::Ingest;
use crate::kafka::WorkError;
use crate::metrics::CandleMetrics;
use crate::metrics::TradeMetrics;
use crate::processor::Processor;
use crate::program::start_logs;
use crate::program::stop_signal;
use crate::web;
use crate::web::board::Board;

/// Of trades and of candles.
const PARTITIONS: i32 = 4;

/// Topics and their partitions.
const TOPICS: [(&str, i32); 4] =
    [("trades", PARTITIONS), ("candles", PARTITIONS), ("trades.dlq", 1), ("trades.late", 1)];

/// Pairs that people know; more of them are numbered.
const PAIRS: [&str; 8] = ["ADA/USD", "BTC/USD", "DOGE/USD", "DOT/USD", "ETH/USD", "LTC/USD", "SOL/USD", "XRP/USD"];

/// Trades of the past with which the page begins: ten minutes at the default rate.
const PAST_TRADES: u32 = 60_000;

/// What the page says of itself.
const NOTICE: &str = "Demo: made-up trades, on a broker inside this process. Nothing is kept.";

/// Kafka stream processors
#[derive(Parser)]
#[command(name = "workers", version, disable_help_subcommand = true)]
struct Workers {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Try it: a broker, made-up trades, candles and the live page in this process
    Demo(Demo),
}

#[derive(Args)]
struct Demo {
    /// Address of the page
    #[arg(long, default_value = "127.0.0.1:8080")]
    address: SocketAddr,
    /// Number of pairs
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pairs: u32,
    /// Trades a second, of all pairs together
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=50_000))]
    rate: u32,
    /// Lengths of candles, by commas
    #[arg(long, value_name = "LENGTHS", default_value = "5s,1m")]
    candles: String,
    /// End after so many seconds; else by Ctrl-C
    #[arg(long, value_name = "N")]
    seconds: Option<u32>,
}

/// Runs the command line.
pub(super) fn workers() -> ExitCode {
    let Command::Demo(demo) = Workers::parse().command;
    match demo.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("workers demo: {error}\n"));
            ExitCode::FAILURE
        }
    }
}

/// Tells a person.
fn say(text: &str) {
    // Nobody reads it any more: then nobody misses it.
    let _ = std::io::stderr().write_all(text.as_bytes());
}

fn misconfigured(mistakes: &Mistakes) -> WorkError {
    WorkError::Other { doing: "configure the programs", reason: mistakes.0.join("; ") }
}

impl Demo {
    fn run(&self) -> Result<(), WorkError> {
        start_logs(LogFormat::Text, "warn");
        // Before anything else starts: the address and the lengths are what may be wrong.
        let mut candles =
            config::candles(&self.candles_environment("nowhere:1")).map_err(|told| misconfigured(&told))?;
        let (metrics, health) = (Arc::<CandleMetrics>::default(), Arc::<Health>::default());
        let board = Arc::new(Board::new(&candles.settings.seconds).with_notice(NOTICE));
        let pages = http::with_probes(Arc::clone(&health), Arc::clone(&metrics) as _, web::pages(Arc::clone(&board)));
        let page = http::serve_pages("serve the page at --address", self.address, pages)?;
        let stop = stop_signal(candles.operation.shutdown)?;

        let cluster = MockCluster::new(1).map_err(WorkError::when("start the demo broker"))?;
        for (topic, partitions) in TOPICS {
            cluster.create_topic(topic, partitions, 1).map_err(WorkError::when("create a topic"))?;
        }
        let broker = cluster.bootstrap_servers();
        candles = config::candles(&self.candles_environment(&broker)).map_err(|told| misconfigured(&told))?;
        let trades = config::trades(&self.trades_environment(&broker)).map_err(|told| misconfigured(&told))?;
        say(&greeting(page, &broker, self.seconds));

        let ingest = Ingest::new(&trades.kafka, &trades.topic, Arc::<TradeMetrics>::default())?;
        thread::scope(|scope| {
            let feeder = scope.spawn(|| {
                let result = ingest.run(&trades, &Health::default(), &stop);
                stop.store(true, Ordering::Relaxed);
                result
            });
            scope.spawn(|| self.stop_in_time(&stop));
            let made = Processor::new(candles, metrics, health).map(|processor| processor.with_page(board));
            let result = made.and_then(|mut processor| processor.run(&stop));
            stop.store(true, Ordering::Relaxed);
            let fed = feeder.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            result.and(fed)
        })?;
        say("Ended: what was read is written.\n");
        Ok(())
    }

    /// Sets `stop` after `--seconds`; returns when it is set.
    fn stop_in_time(&self, stop: &AtomicBool) {
        let end = self.seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds.into()));
        while !stop.load(Ordering::Relaxed) {
            if end.is_some_and(|end| Instant::now() >= end) {
                stop.store(true, Ordering::Relaxed);
            }
            thread::sleep(Duration::from_millis(50));
        }
    }

    fn candles_environment(&self, broker: &str) -> BTreeMap<String, String> {
        environment(&[
            ("KAFKA_BROKER_ADDRESS", broker),
            ("KAFKA_INPUT_TOPIC", TOPICS[0].0),
            ("KAFKA_OUTPUT_TOPIC", TOPICS[1].0),
            ("KAFKA_CONSUMER_GROUP", "demo"),
            ("CANDLE_SECONDS", &self.candles),
            ("SHUTDOWN_TIMEOUT_MS", "5000"),
        ])
    }

    /// Some of everything that goes wrong in life, so that the counters of the page have something to count.
    fn trades_environment(&self, broker: &str) -> BTreeMap<String, String> {
        environment(&[
            ("KAFKA_BROKER_ADDRESS", broker),
            ("KAFKA_TOPIC_NAME", TOPICS[0].0),
            ("SOURCE", "synthetic"),
            ("PAIRS", &self.pairs().join(",")),
            ("RATE", &self.rate.to_string()),
            ("HISTORY_SECONDS", &(PAST_TRADES / self.rate).to_string()),
            ("JITTER_MS", "2200"),
            ("DUPLICATES_PER_MILLE", "5"),
            ("POISON_PER_MILLE", "1"),
            ("SHUTDOWN_TIMEOUT_MS", "5000"),
        ])
    }

    fn pairs(&self) -> Vec<String> {
        let known = PAIRS.iter().map(|pair| (*pair).to_owned());
        known.chain((PAIRS.len()..).map(|number| format!("X{number:04}/USD"))).take(self.pairs as usize).collect()
    }
}

fn environment(variables: &[(&str, &str)]) -> BTreeMap<String, String> {
    variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn greeting(page: SocketAddr, broker: &str, seconds: Option<u32>) -> String {
    let end = seconds.map_or_else(|| "Ctrl-C ends it.".to_owned(), |seconds| format!("It ends in {seconds} s."));
    format!(
        "The page is at http://{page}/\n\n\
        This is a demo: the broker at {broker} is librdkafka's mock cluster inside this process, the trades\n\
        are made up, and nothing is kept. With a broker of your own and the topics {topics}:\n\n\
        \x20 export KAFKA_BROKER_ADDRESS=broker:9092\n\
        \x20 KAFKA_TOPIC_NAME=trades SOURCE=synthetic HTTP_ADDR=127.0.0.1:9091 trades\n\
        \x20 KAFKA_INPUT_TOPIC=trades KAFKA_OUTPUT_TOPIC=candles KAFKA_CONSUMER_GROUP=candles candles --web\n\n\
        {end}\n",
        topics = TOPICS.map(|(topic, _)| topic).join(", "),
    )
}
