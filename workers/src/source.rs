//! Where trades come from.

pub mod backoff;
pub mod kraken;
pub mod replay;
pub mod synthetic;
pub mod tls;

/// A record for the topic of trades.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TradeRecord {
    /// The pair: all trades of a pair are in one partition.
    pub key: String,
    /// JSON.
    pub payload: Vec<u8>,
}
