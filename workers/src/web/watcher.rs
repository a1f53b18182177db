//! One reader of the board: what it is sent, and when.

use std::fmt::Write;
use std::sync::Arc;

use tokio::sync::watch;

use crate::web::board::Board;
use crate::web::board::News;

/// A reader of a market and length. While it exists, the processor shows the open windows of the market.
pub struct Watcher {
    board: Arc<Board>,
    changed: watch::Receiver<()>,
    market: Box<str>,
    interval: Box<str>,
    version: u64,
    partition: Option<i32>,
    is_first: bool,
}

impl Watcher {
    pub(super) fn new(board: Arc<Board>, changed: watch::Receiver<()>, market: &str, interval: &str) -> Self {
        let (market, interval) = (market.into(), interval.into());
        Self { board, changed, market, interval, version: 0, partition: None, is_first: true }
    }

    /// Waits for something that was not sent, and returns it: a JSON object with `candles` (an array of records, each replaces the
    /// one of its start), `progress` and `partition`, of which only those that changed are there. The first comes at once and has all;
    /// `None` when the board is gone.
    pub async fn next(&mut self) -> Option<String> {
        loop {
            if !self.is_first {
                self.changed.changed().await.ok()?;
            }
            let news = self.board.news(&self.market, &self.interval, self.version);
            if let Some(message) = self.message(&news) {
                return Some(message);
            }
        }
    }

    fn message(&mut self, news: &News) -> Option<String> {
        let mut parts = Vec::new();
        if self.is_first || !news.candles.is_empty() {
            parts.push(format!("\"candles\":[{}]", news.candles.join(",")));
        }
        if let Some(progress) = &news.progress {
            parts.push(format!("\"progress\":{progress}"));
        }
        if self.is_first || self.partition != news.partition {
            let mut part = "\"partition\":".to_owned();
            let _ = match news.partition {
                Some(partition) => write!(part, "{partition}"),
                None => write!(part, "null"),
            };
            parts.push(part);
        }
        (self.version, self.partition, self.is_first) = (news.version, news.partition, false);
        (!parts.is_empty()).then(|| format!("{{{}}}", parts.join(",")))
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.board.leave(&self.market);
    }
}
