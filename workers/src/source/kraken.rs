//! Kraken: the WebSocket API v2, channel `trade`, and the REST interface for what the WebSocket missed.
//!
//! Trades of a pair are numbered one by one, so that a jump is a gap; its trades are asked for over REST. Published twice is no harm:
//! who reads removes duplicates by id. Source: Kraken, "Spot WebSocket API v2: Trade", "Spot REST API: Get Recent Trades".

mod sequence;

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::net::TcpStream;
use std::net::ToSocketAddrs;
use std::time::Duration;
use std::time::Instant;

use serde::Deserialize;
use serde_json::value::RawValue;
use thiserror::Error;
use tungstenite::Connector;
use tungstenite::HandshakeError;
use tungstenite::Message;
use tungstenite::WebSocket;
use tungstenite::client::IntoClientRequest;
use tungstenite::stream::MaybeTlsStream;

use crate::source::TradeRecord;
use crate::source::replay::microseconds;
use crate::source::tls::Trust;
use crate::trade::TradeMessage;

pub use crate::source::kraken::sequence::Gap;
pub use crate::source::kraken::sequence::Sequence;

/// The exchange beats every second; so long a silence is a dead connection.
const SILENCE: Duration = Duration::from_secs(10);

/// Longest wait for a connection, its handshakes, and an answer of REST.
const PATIENCE: Duration = Duration::from_secs(10);

/// Longest wait for one read, so that a signal is seen.
const TICK: Duration = Duration::from_millis(200);

/// Time between two questions to REST: the exchange counts them.
pub(crate) const REST_PAUSE: Duration = Duration::from_secs(1);

/// Pages of REST that are asked for at once, before the caller looks at signals again.
const PAGES: u32 = 5;

/// The name of the exchange in trades.
pub const EXCHANGE: &str = "kraken";

/// Why a connection ended.
#[derive(Debug, Error)]
pub enum KrakenError {
    /// The network, or the protocol.
    #[error("{0}")]
    Stream(#[from] Box<tungstenite::Error>),
    /// Nobody is there.
    #[error("no connection to `{url}`: {reason}")]
    Unreachable {
        /// As configured.
        url: String,
        /// The cause.
        reason: String,
    },
    /// Nothing came for so long that the connection counts as lost.
    #[error("nothing came for {} seconds", SILENCE.as_secs())]
    Silent,
    /// The exchange says no.
    #[error("the exchange refused: {0}")]
    Refused(String),
    /// REST did not answer as it has to.
    #[error("REST: {0}")]
    Rest(String),
    /// A message is not what the exchange documents.
    #[error("not understood: {0}")]
    Syntax(String),
}

/// A trade of the exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KrakenTrade {
    /// Its number in the pair.
    pub id: u64,
    /// Microseconds since 1970.
    pub ts_us: i64,
    /// The record for the topic.
    pub record: TradeRecord,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    channel: Option<String>,
    method: Option<String>,
    success: Option<bool>,
    error: Option<String>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct StreamedTrade<'a> {
    symbol: String,
    side: String,
    #[serde(borrow)]
    price: &'a RawValue,
    #[serde(borrow)]
    qty: &'a RawValue,
    trade_id: u64,
    timestamp: String,
}

#[derive(Deserialize)]
struct Page<'a> {
    error: Vec<String>,
    #[serde(borrow)]
    result: Option<BTreeMap<String, &'a RawValue>>,
}

/// Returns the trades of a message of the stream; none of heartbeats and acknowledgements.
///
/// # Errors
/// When the exchange refuses a subscription, or the message cannot be read.
pub fn read_message(text: &str) -> Result<Vec<KrakenTrade>, KrakenError> {
    let syntax = |error: serde_json::Error| KrakenError::Syntax(error.to_string());
    let envelope: Envelope = serde_json::from_str(text).map_err(syntax)?;
    if envelope.method.is_some() && envelope.success == Some(false) {
        return Err(KrakenError::Refused(envelope.error.unwrap_or_else(|| text.to_owned())));
    }
    let (Some("trade"), Some(data)) = (envelope.channel.as_deref(), envelope.data) else { return Ok(Vec::new()) };
    let mut trades = Vec::new();
    // In the order of their ids, because a snapshot begins with the newest.
    let mut streamed: Vec<StreamedTrade> = serde_json::from_str(data.get()).map_err(syntax)?;
    streamed.sort_by_key(|trade| trade.trade_id);
    for trade in streamed {
        let ts_us =
            rfc3339(&trade.timestamp).ok_or_else(|| KrakenError::Syntax(format!("time `{}`", trade.timestamp)))?;
        let message = TradeMessage {
            v: 1,
            exchange: EXCHANGE,
            pair: &trade.symbol,
            trade_id: trade.trade_id,
            price: trade.price.get().trim_matches('"'),
            quantity: trade.qty.get().trim_matches('"'),
            side: Some(&trade.side),
            ts_us,
            src: "ws",
        };
        let record = TradeRecord { key: trade.symbol.clone(), payload: message.to_json() };
        trades.push(KrakenTrade { id: trade.trade_id, ts_us, record });
    }
    Ok(trades)
}

/// Reads `2023-09-25T07:49:37.708706Z`, in microseconds.
fn rfc3339(text: &str) -> Option<i64> {
    let timestamp: jiff::Timestamp = text.parse().ok()?;
    Some(timestamp.as_microsecond())
}

/// Returns the trades of a page of REST, and the time, in nanoseconds, at which the next page begins.
fn read_page(text: &str, pair: &str) -> Result<(Vec<KrakenTrade>, String), KrakenError> {
    let wrong = |error: &dyn std::fmt::Display| KrakenError::Rest(error.to_string());
    let page: Page = serde_json::from_str(text).map_err(|error| wrong(&error))?;
    if !page.error.is_empty() {
        return Err(KrakenError::Rest(page.error.join(", ")));
    }
    let (mut trades, mut last) = (Vec::new(), String::new());
    for (name, value) in page.result.unwrap_or_default() {
        if name == "last" {
            // Nanoseconds: kept as text, because a floating-point number would lose the last digits.
            value.get().trim_matches('"').clone_into(&mut last);
            continue;
        }
        let rows: Vec<Vec<&RawValue>> = serde_json::from_str(value.get()).map_err(|error| wrong(&error))?;
        for row in rows {
            let cell = |index: usize| {
                row.get(index).map(|cell| cell.get().trim_matches('"')).ok_or_else(|| wrong(&"a short row"))
            };
            let ts_us = microseconds(cell(2)?).map_err(|error| wrong(&error))?;
            let id = cell(6)?.parse().map_err(|_| wrong(&"an id is not a number"))?;
            let message = TradeMessage {
                v: 1,
                exchange: EXCHANGE,
                pair,
                trade_id: id,
                price: cell(0)?,
                quantity: cell(1)?,
                side: Some(if cell(3)? == "b" { "buy" } else { "sell" }),
                ts_us,
                src: "rest",
            };
            trades.push(KrakenTrade {
                id,
                ts_us,
                record: TradeRecord { key: pair.to_owned(), payload: message.to_json() },
            });
        }
    }
    Ok((trades, last))
}

/// The REST interface.
pub struct Rest {
    url: String,
    agent: ureq::Agent,
}

impl Rest {
    /// Returns a client of the interface at `url`, without asking it anything.
    pub fn new(url: &str, trust: &Trust) -> Self {
        let config = ureq::Agent::config_builder().timeout_global(Some(PATIENCE)).tls_config(trust.of_rest());
        Self { url: url.trim_end_matches('/').to_owned(), agent: config.build().into() }
    }

    /// Asks for the trades of a gap, and returns what is left of it when they were too many for a few pages. Fewer than were asked for is
    /// an answer too: the exchange skips ids at times.
    ///
    /// # Errors
    /// When REST does not answer, or not as it has to.
    pub fn fill(&self, gap: &Gap) -> Result<(Vec<KrakenTrade>, Option<Gap>), KrakenError> {
        let failed = |error: ureq::Error| KrakenError::Rest(error.to_string());
        let mut since = (gap.since_us.saturating_sub(1) * 1_000).to_string();
        let mut found: BTreeMap<u64, KrakenTrade> = BTreeMap::new();
        for page in 0..PAGES {
            if page > 0 {
                std::thread::sleep(REST_PAUSE);
            }
            let url = format!("{}/0/public/Trades?pair={}&since={since}", self.url, rest_name(&gap.pair));
            let text = self.agent.get(&url).call().map_err(failed)?.body_mut().read_to_string().map_err(failed)?;
            let (trades, last) = read_page(&text, &gap.pair)?;
            let newest = trades.iter().map(|trade| trade.id).max();
            let wanted = trades.into_iter().filter(|trade| (gap.ids.0..=gap.ids.1).contains(&trade.id));
            found.extend(wanted.map(|trade| (trade.id, trade)));
            if newest.is_none_or(|newest| newest >= gap.ids.1) || last == since {
                return Ok((found.into_values().collect(), None));
            }
            since = last;
        }
        let left = found.last_key_value().filter(|(id, _)| **id < gap.ids.1);
        let left = left.map(|(id, trade)| Gap { ids: (id + 1, gap.ids.1), since_us: trade.ts_us, ..gap.clone() });
        Ok((found.into_values().collect(), left))
    }
}

/// Returns the name by which REST knows a pair: without the slash, and with the exchange's own names of two currencies.
fn rest_name(pair: &str) -> String {
    let names = |currency: &str| match currency {
        "BTC" => "XBT".to_owned(),
        "DOGE" => "XDG".to_owned(),
        other => other.to_owned(),
    };
    pair.split('/').map(names).collect()
}

fn unreachable_at(url: &str, reason: &dyn std::fmt::Display) -> KrakenError {
    KrakenError::Unreachable { url: url.to_owned(), reason: reason.to_string() }
}

/// Returns a connection to the host of `url`, on which nothing was said yet, and whose reads and writes end in time.
fn connect(url: &str) -> Result<TcpStream, KrakenError> {
    let request = url.into_client_request().map_err(Box::new)?;
    let uri = request.uri();
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("wss") { 443 } else { 80 });
    let mut reason = "the name has no address".to_owned();
    for address in (host, port).to_socket_addrs().map_err(|error| unreachable_at(url, &error))? {
        match TcpStream::connect_timeout(&address, PATIENCE) {
            Ok(stream) => {
                let patient = stream.set_read_timeout(Some(PATIENCE));
                let patient = patient.and_then(|()| stream.set_write_timeout(Some(PATIENCE)));
                return patient.map(|()| stream).map_err(|error| unreachable_at(url, &error));
            }
            Err(error) => reason = error.to_string(),
        }
    }
    Err(unreachable_at(url, &reason))
}

/// An open subscription.
pub struct Subscription {
    socket: WebSocket<MaybeTlsStream<TcpStream>>,
    last_message: Instant,
}

impl Subscription {
    /// Connects and subscribes to the trades of `pairs`.
    ///
    /// # Errors
    /// When the exchange cannot be reached, or is not who it says it is.
    pub fn open(url: &str, pairs: &[String], trust: &Trust) -> Result<Self, KrakenError> {
        let stream = connect(url)?;
        let connector = Some(Connector::Rustls(trust.of_stream()));
        let opened = tungstenite::client_tls_with_config(url, stream, None, connector);
        let (mut socket, _) = opened.map_err(|error| match error {
            HandshakeError::Failure(error) => KrakenError::from(Box::new(error)),
            HandshakeError::Interrupted(_) => unreachable_at(url, &"the handshake takes too long"),
        })?;
        let stream = match socket.get_mut() {
            MaybeTlsStream::Plain(stream) => Some(&*stream),
            MaybeTlsStream::Rustls(stream) => Some(stream.get_ref()),
            _ => None,
        };
        if let Some(stream) = stream {
            stream.set_read_timeout(Some(TICK)).map_err(|error| unreachable_at(url, &error))?;
        }
        // The snapshot of the newest trades heals short gaps.
        let request = serde_json::json!({
            "method": "subscribe", "params": {"channel": "trade", "symbol": pairs, "snapshot": true},
        });
        socket.send(Message::text(request.to_string())).map_err(Box::new)?;
        Ok(Self { socket, last_message: Instant::now() })
    }

    /// Returns the trades of the next message; none when nothing came for a moment.
    ///
    /// # Errors
    /// When the connection is to be opened again.
    pub fn read(&mut self) -> Result<Vec<KrakenTrade>, KrakenError> {
        match self.socket.read() {
            Ok(Message::Text(text)) => {
                self.last_message = Instant::now();
                read_message(&text)
            }
            Ok(_) => {
                self.last_message = Instant::now();
                Ok(Vec::new())
            }
            Err(tungstenite::Error::Io(error))
                if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
            {
                if self.last_message.elapsed() >= SILENCE { Err(KrakenError::Silent) } else { Ok(Vec::new()) }
            }
            Err(error) => Err(Box::new(error).into()),
        }
    }
}
