//! What the programs read from their environment, and the values that they make of it.

mod connection;
mod resources;
mod trades;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use crate::environment::Mistakes;
use crate::environment::Presence;
use crate::environment::Program;
use crate::environment::Reader;
use crate::environment::SHUTDOWN_TIMEOUT_MS;
use crate::environment::Variable;
use crate::settings::Emit;
use crate::settings::Guarantee;
use crate::settings::Settings;

pub use crate::config::trades::Kraken;
pub use crate::config::trades::Source;
pub use crate::config::trades::Trades;
pub use crate::config::trades::trades;

const fn variable(
    name: &'static str,
    aliases: &'static [&'static str],
    presence: Presence,
    help: &'static str,
) -> Variable {
    Variable { name, aliases, presence, help }
}

/// How to reach Kafka: the same for every program.
const KAFKA: &[Variable] = &[
    variable(
        "KAFKA_BROKER_ADDRESS",
        &["KAFKA_BOOTSTRAP_SERVERS"],
        Presence::Required,
        "brokers as host:port, by commas",
    ),
    variable(
        "KAFKA_SECURITY_PROTOCOL",
        &[],
        Presence::Default("PLAINTEXT"),
        "PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL",
    ),
    variable("KAFKA_SASL_MECHANISM", &[], Presence::Optional, "SCRAM-SHA-512, SCRAM-SHA-256 or PLAIN"),
    variable("KAFKA_SASL_USERNAME", &[], Presence::Optional, "user of SASL"),
    variable("KAFKA_SASL_PASSWORD_FILE", &[], Presence::Optional, "file that holds the password of SASL"),
    variable("KAFKA_SSL_CA_FILE", &[], Presence::Optional, "certificates of the brokers' authority, PEM"),
    variable("KAFKA_SSL_CERTIFICATE_FILE", &[], Presence::Optional, "certificate of this client, PEM"),
    variable("KAFKA_SSL_KEY_FILE", &[], Presence::Optional, "key of this client, PEM"),
];

const OPERATION: &[Variable] = &[
    variable("HTTP_ADDR", &[], Presence::Default("0.0.0.0:9090"), "address of /livez, /readyz and /metrics"),
    variable(
        "SHUTDOWN_TIMEOUT_MS",
        &[],
        Presence::Default(SHUTDOWN_TIMEOUT_MS),
        "milliseconds to drain after SIGTERM; below the pod's grace period",
    ),
    variable("LOG_FORMAT", &[], Presence::Default("json"), "json or text"),
    variable("LOG_LEVEL", &[], Presence::Default("info"), "error, warn, info, debug or trace"),
];

const PAGE: &[Variable] = &[variable(
    "WEB_ADDRESS",
    &[],
    Presence::Optional,
    "address of the live page, as 127.0.0.1:8080; there is no page unless it is set",
)];

const CANDLES_OWN: &[Variable] = &[
    variable("KAFKA_INPUT_TOPIC", &[], Presence::Required, "topic of trades"),
    variable(
        "KAFKA_OUTPUT_TOPIC",
        &[],
        Presence::Required,
        "topic of candles, with as many partitions as that of trades",
    ),
    variable("KAFKA_CONSUMER_GROUP", &[], Presence::Required, "consumer group"),
    variable(
        "KAFKA_DEAD_LETTER_TOPIC",
        &[],
        Presence::Optional,
        "topic of records that are not trades; else the input's name and .dlq",
    ),
    variable(
        "KAFKA_LATE_TOPIC",
        &[],
        Presence::Optional,
        "topic of trades that are too late; else the input's name and .late",
    ),
    variable(
        "KAFKA_GROUP_INSTANCE_ID",
        &[],
        Presence::Optional,
        "static membership: a name that is stable across restarts",
    ),
    variable(
        "CANDLE_SECONDS",
        &["CANDLE_INTERVALS"],
        Presence::Default("60"),
        "lengths of windows: seconds, or 60s, 5m, 1h; by commas",
    ),
    variable(
        "EMIT",
        &["EMIT_INCOMPLETE_CANDLES", "EMIT_INTERMEDIATE_CANDLES"],
        Presence::Default("final"),
        "final: closed windows; current: each change too",
    ),
    variable(
        "GRACE_MS",
        &[],
        Presence::Default("2000"),
        "milliseconds of trade time that a window waits for late trades",
    ),
    variable(
        "CORRECTION_HORIZON_MS",
        &[],
        Presence::Default("600000"),
        "milliseconds after that in which a late trade corrects a candle",
    ),
    variable(
        "IDLE_CLOSE_MS",
        &[],
        Presence::Default("5000"),
        "milliseconds after which windows of an idle partition close",
    ),
    variable(
        "FUTURE_LIMIT_MS",
        &[],
        Presence::Default("60000"),
        "milliseconds that a trade may be ahead of its record's time",
    ),
    variable(
        "LINGER_MS",
        &[],
        Presence::Default("50"),
        "milliseconds that a candle may wait to be sent with others; fewer cost more of the processor",
    ),
    variable("COMMIT_INTERVAL_MS", &[], Presence::Default("1000"), "milliseconds between checkpoints"),
    variable("PROCESSING_GUARANTEE", &[], Presence::Default("at_least_once"), "at_least_once or exactly_once"),
    variable(
        "KAFKA_TRANSACTIONAL_ID",
        &[],
        Presence::Optional,
        "for exactly_once: a name of this replica alone; else group and instance",
    ),
];

const TRADES_OWN: &[Variable] = &[
    variable("KAFKA_TOPIC_NAME", &["KAFKA_TOPIC", "KAFKA_OUTPUT_TOPIC"], Presence::Required, "topic of trades"),
    variable("SOURCE", &["DATA_SOURCE"], Presence::Default("kraken"), "kraken, replay or synthetic"),
    variable(
        "PAIRS",
        &["PRODUCT_IDS"],
        Presence::Default("BTC/USD,ETH/USD,SOL/USD,XRP/USD"),
        "pairs, by commas or as a JSON list",
    ),
    variable("KRAKEN_WS_URL", &[], Presence::Default("wss://ws.kraken.com/v2"), "WebSocket of the exchange"),
    variable("KRAKEN_REST_URL", &[], Presence::Default("https://api.kraken.com"), "REST interface of the exchange"),
    variable(
        "SSL_CERT_FILE",
        &[],
        Presence::Optional,
        "certificates of the authorities that vouch for the exchange, PEM; else the machine's",
    ),
    variable(
        "RESUME_RECORDS",
        &[],
        Presence::Default("20000"),
        "records at the end of each partition that are read at the start, to fetch what was traded since; 0 is none",
    ),
    variable(
        "REPLAY_FILE",
        &[],
        Presence::Optional,
        "CSV of timestamp, price, volume; `id` and `pair` where the header names them",
    ),
    variable("REPLAY_SPEED", &[], Presence::Default("max"), "max, or a factor of the time between trades"),
    variable("RATE", &[], Presence::Default("100"), "synthetic trades a second; 0 is as fast as it goes"),
    variable("COUNT", &[], Presence::Default("0"), "synthetic trades in all; 0 is without end"),
    variable(
        "HISTORY_SECONDS",
        &[],
        Presence::Default("0"),
        "synthetic trades of so many seconds before the start come first, at once",
    ),
    variable("SEED", &[], Presence::Default("1"), "seed of synthetic trades"),
    variable("JITTER_MS", &[], Presence::Default("0"), "synthetic trades come up to so many milliseconds late"),
    variable("DUPLICATES_PER_MILLE", &[], Presence::Default("0"), "synthetic trades that come twice, of a thousand"),
    variable("POISON_PER_MILLE", &[], Presence::Default("0"), "synthetic records that are no trades, of a thousand"),
];

/// The program `candles`.
pub const CANDLES: Program =
    Program { name: "candles", variables: &[KAFKA, CANDLES_OWN, PAGE, OPERATION], resources: resources::CANDLES };

/// The program `trades`.
pub const TRADES: Program =
    Program { name: "trades", variables: &[KAFKA, TRADES_OWN, OPERATION], resources: resources::TRADES };

/// Where Kafka is; the properties are librdkafka's.
#[derive(Clone, PartialEq, Eq)]
pub struct Kafka {
    /// Name and value of each property.
    pub properties: Vec<(&'static str, String)>,
}

/// How a program runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// Address of the web server.
    pub http: SocketAddr,
    /// Time to drain.
    pub shutdown: Duration,
    /// JSON, or text for people.
    pub log_format: LogFormat,
    /// A level of the crate tracing.
    pub log_level: String,
}

/// The form of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// An object a line.
    Json,
    /// For people.
    Text,
}

/// Everything `candles` has to know.
#[derive(Clone, PartialEq, Eq)]
pub struct Candles {
    /// Where Kafka is.
    pub kafka: Kafka,
    /// Topic of trades.
    pub input: String,
    /// Topic of candles.
    pub output: String,
    /// Topic of records that are no trades.
    pub dead_letters: String,
    /// Topic of trades that are too late.
    pub late: String,
    /// Consumer group.
    pub group: String,
    /// Static membership.
    pub instance: Option<String>,
    /// The windows.
    pub settings: Settings,
    /// How far a trade may be ahead of its record, in microseconds.
    pub future_limit_us: i64,
    /// Time that a candle may wait to be sent with others.
    pub linger: Duration,
    /// Time between checkpoints.
    pub commit_interval: Duration,
    /// Of the producer, when there are transactions.
    pub transactional_id: String,
    /// Address of the live page.
    pub page: Option<SocketAddr>,
    /// How it runs.
    pub operation: Operation,
}

/// Reads the configuration of `candles`.
///
/// # Errors
/// With every mistake in the environment.
pub fn candles(environment: &BTreeMap<String, String>) -> Result<Candles, Mistakes> {
    let mut reader = Reader::new(&CANDLES, environment);
    let day_ms = 24 * 60 * 60 * 1_000;
    let input = reader.text("KAFKA_INPUT_TOPIC");
    let group = reader.text("KAFKA_CONSUMER_GROUP");
    let instance = reader.found("KAFKA_GROUP_INSTANCE_ID").map(|(_, value)| value);
    let guarantees = [("at_least_once", Guarantee::AtLeastOnce), ("exactly_once", Guarantee::ExactlyOnce)];
    let guarantee = reader.choice("PROCESSING_GUARANTEE", &guarantees).unwrap_or(Guarantee::AtLeastOnce);
    let settings = Settings {
        seconds: lengths(&mut reader),
        grace_us: reader.number("GRACE_MS", 0, day_ms) * 1_000,
        horizon_us: reader.number("CORRECTION_HORIZON_MS", 0, 7 * day_ms) * 1_000,
        idle_us: reader.number("IDLE_CLOSE_MS", 100, day_ms) * 1_000,
        emit: emit(&mut reader).unwrap_or(Emit::Final),
        guarantee,
    };
    let transactional_id = transactional_id(&mut reader, guarantee, instance.as_deref(), &group);
    let topic = |reader: &mut Reader, name: &str, end: &str| {
        reader.found(name).map_or_else(|| format!("{input}.{end}"), |(_, value)| value)
    };
    let candles = Candles {
        kafka: connection::kafka(&mut reader),
        output: reader.text("KAFKA_OUTPUT_TOPIC"),
        dead_letters: topic(&mut reader, "KAFKA_DEAD_LETTER_TOPIC", "dlq"),
        late: topic(&mut reader, "KAFKA_LATE_TOPIC", "late"),
        group,
        instance,
        settings,
        future_limit_us: reader.number("FUTURE_LIMIT_MS", 0, 365 * day_ms) * 1_000,
        linger: Duration::from_millis(reader.number("LINGER_MS", 0, 1_000)),
        commit_interval: Duration::from_millis(reader.number("COMMIT_INTERVAL_MS", 10, 60_000)),
        transactional_id,
        page: connection::page(&mut reader),
        operation: connection::operation(&mut reader),
        input,
    };
    if candles.input == candles.output && !candles.input.is_empty() {
        reader.mistake("KAFKA_INPUT_TOPIC and KAFKA_OUTPUT_TOPIC are the same topic".to_owned());
    }
    reader.finish(Some(candles))
}

fn transactional_id(reader: &mut Reader, guarantee: Guarantee, instance: Option<&str>, group: &str) -> String {
    let own = reader.found("KAFKA_TRANSACTIONAL_ID").map(|(_, value)| value);
    match (guarantee, own, instance) {
        (_, Some(own), _) => own,
        (_, None, Some(instance)) => format!("{group}-{instance}"),
        (Guarantee::AtLeastOnce, None, None) => String::new(),
        (Guarantee::ExactlyOnce, None, None) => {
            let text =
                "exactly_once needs KAFKA_TRANSACTIONAL_ID or KAFKA_GROUP_INSTANCE_ID: a name of this replica alone";
            reader.mistake(text.to_owned());
            String::new()
        }
    }
}

/// Reads the lengths of windows, in seconds.
fn lengths(reader: &mut Reader) -> Vec<u32> {
    let Some((found, value)) = reader.found("CANDLE_SECONDS") else { return Vec::new() };
    let mut seconds: Vec<u32> = Vec::new();
    for word in value.split(',').map(str::trim) {
        let (digits, unit) = match word.strip_suffix(['s', 'm', 'h']) {
            Some(digits) if word.ends_with('m') => (digits, 60),
            Some(digits) if word.ends_with('h') => (digits, 3_600),
            Some(digits) => (digits, 1),
            None => (word, 1),
        };
        match digits.parse::<u32>().ok().and_then(|number| number.checked_mul(unit)) {
            Some(length) if (1..=604_800).contains(&length) && !seconds.contains(&length) => seconds.push(length),
            Some(length) if seconds.contains(&length) => {
                reader.mistake(format!("{found} names {length} seconds twice"));
            }
            _ => reader.mistake(format!("{found} has `{word}`, not a length from 1 second to a week")),
        }
    }
    seconds.sort_unstable();
    seconds
}

/// Reads which records are written; the other spellings of the variable are questions.
fn emit(reader: &mut Reader) -> Option<Emit> {
    let answers = [("final", Emit::Final), ("current", Emit::Current), ("false", Emit::Final), ("true", Emit::Current)];
    reader.choice("EMIT", &answers)
}
