//! What `trades` reads.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use crate::config::Kafka;
use crate::config::Operation;
use crate::config::TRADES;
use crate::config::connection;
use crate::environment::Mistakes;
use crate::environment::Reader;
use crate::source::synthetic::Disorder;
use crate::source::tls::Trust;

/// Everything `trades` has to know.
#[derive(Clone, PartialEq)]
pub struct Trades {
    /// Where Kafka is.
    pub kafka: Kafka,
    /// Topic of trades.
    pub topic: String,
    /// What is traded.
    pub pairs: Vec<String>,
    /// Where trades come from.
    pub source: Source,
    /// How it runs.
    pub operation: Operation,
}

/// Where trades come from.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// The exchange.
    Kraken(Kraken),
    /// A file.
    Replay {
        /// CSV.
        file: PathBuf,
        /// Times the speed of the trades; `None` is as fast as it goes.
        speed: Option<f64>,
    },
    /// Made up.
    Synthetic {
        /// What the trades are like.
        disorder: Disorder,
        /// Trades a second; 0 is as fast as it goes.
        rate: u64,
        /// Trades in all; 0 is without end.
        count: u64,
        /// Time before the start whose trades come at once.
        history: Duration,
    },
}

/// How the exchange is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kraken {
    /// URL of the WebSocket.
    pub stream: String,
    /// URL of the REST interface.
    pub rest: String,
    /// Certificates of the authorities that vouch for both, PEM; `None` for those of the machine.
    pub authorities: Option<PathBuf>,
    /// Records at the end of each partition of the topic that are read at the start; 0 for none.
    pub resume_records: i64,
}

#[derive(Clone, Copy)]
enum Kind {
    Kraken,
    Replay,
    Synthetic,
}

/// Reads the configuration of `trades`.
///
/// # Errors
/// With every mistake in the environment.
pub fn trades(environment: &BTreeMap<String, String>) -> Result<Trades, Mistakes> {
    let mut reader = Reader::new(&TRADES, environment);
    let kinds = [("kraken", Kind::Kraken), ("replay", Kind::Replay), ("synthetic", Kind::Synthetic)];
    let source = match reader.choice("SOURCE", &kinds) {
        Some(Kind::Replay) => replay(&mut reader),
        Some(Kind::Kraken) => kraken(&mut reader),
        // Of a word that is no source: nothing else is asked about it.
        Some(Kind::Synthetic) | None => synthetic(&mut reader),
    };
    let trades = Trades {
        kafka: connection::kafka(&mut reader),
        topic: reader.text("KAFKA_TOPIC_NAME"),
        pairs: pairs(&mut reader),
        source,
        operation: connection::operation(&mut reader),
    };
    reader.finish(Some(trades))
}

fn kraken(reader: &mut Reader) -> Source {
    let (stream, rest) = (reader.text("KRAKEN_WS_URL"), reader.text("KRAKEN_REST_URL"));
    let mut encrypted = false;
    for (name, url, schemes) in
        [("KRAKEN_WS_URL", &stream, ["ws://", "wss://"]), ("KRAKEN_REST_URL", &rest, ["http://", "https://"])]
    {
        if !schemes.iter().any(|scheme| url.starts_with(scheme)) {
            reader.mistake(format!("{name} is `{url}`: it begins with {} or {}", schemes[0], schemes[1]));
        }
        encrypted |= url.starts_with(schemes[1]);
    }
    let found = reader.found("SSL_CERT_FILE");
    let authorities = found.as_ref().map(|(_, path)| PathBuf::from(path));
    if encrypted && let Err(error) = Trust::load(authorities.as_deref()) {
        reader.mistake(found.map_or_else(
            || format!("this machine has no certificates of authorities ({error}): set SSL_CERT_FILE"),
            |(name, path)| format!("{name} is `{path}`: {error}"),
        ));
    }
    let resume_records = reader.number("RESUME_RECORDS", 0, 1_000_000);
    Source::Kraken(Kraken { stream, rest, authorities, resume_records })
}

fn replay(reader: &mut Reader) -> Source {
    let file = PathBuf::from(reader.text("REPLAY_FILE"));
    if file.as_os_str().is_empty() {
        reader.mistake("SOURCE is `replay`, and REPLAY_FILE is not set".to_owned());
    } else if let Err(error) = std::fs::metadata(&file) {
        reader.mistake(format!("REPLAY_FILE is `{}`: {error}", file.display()));
    }
    let text = reader.text("REPLAY_SPEED");
    let speed = match text.trim_end_matches('x').parse::<f64>() {
        _ if text == "max" => None,
        Ok(speed) if speed.is_finite() && speed > 0.0 => Some(speed),
        _ => {
            reader.mistake(format!("REPLAY_SPEED is `{text}`, neither `max` nor a factor"));
            None
        }
    };
    Source::Replay { file, speed }
}

fn synthetic(reader: &mut Reader) -> Source {
    let disorder = Disorder {
        seed: reader.number("SEED", 0, u64::MAX),
        jitter_us: reader.number("JITTER_MS", 0, 86_400_000) * 1_000,
        duplicates_per_mille: reader.number("DUPLICATES_PER_MILLE", 0, 1_000),
        poison_per_mille: reader.number("POISON_PER_MILLE", 0, 1_000),
    };
    Source::Synthetic {
        disorder,
        rate: reader.number("RATE", 0, 10_000_000),
        count: reader.number("COUNT", 0, u64::MAX),
        history: Duration::from_secs(reader.number("HISTORY_SECONDS", 0, 86_400)),
    }
}

/// Reads a list of pairs, by commas or as JSON.
fn pairs(reader: &mut Reader) -> Vec<String> {
    let Some((found, value)) = reader.found("PAIRS") else { return Vec::new() };
    let pairs: Vec<String> = if value.trim_start().starts_with('[') {
        serde_json::from_str(&value).unwrap_or_default()
    } else {
        value.split(',').map(|pair| pair.trim().to_owned()).collect()
    };
    let is_name =
        |pair: &String| !pair.is_empty() && pair.len() <= 64 && !pair.contains(|c: char| c.is_control() || c == '|');
    if pairs.is_empty() || !pairs.iter().all(is_name) {
        reader.mistake(format!("{found} is `{value}`, not a list of pairs as BTC/USD,ETH/USD"));
    }
    pairs
}
