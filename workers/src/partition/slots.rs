//! The candles of one window of time.

use crate::candle::Candle;
use crate::candle::ClosedBy;
use crate::candle::Market;
use crate::candle::Standing;
use crate::candle::Status;
use crate::candle::Window;
use crate::candle::write_json;
use crate::candle::write_key;
use crate::partition::CandleRecord;
use crate::partition::MarketNumber;
use crate::settings::Settings;
use crate::trade::Trade;

/// The candles of one window of time.
pub(super) struct Slots {
    pub(super) window: Window,
    /// Smallest offset of a trade in it.
    pub(super) low: i64,
    pub(super) closed_by: Option<ClosedBy>,
    /// By market; boxed, because few markets trade in most windows.
    candles: Vec<Option<Box<Slot>>>,
}

struct Slot {
    candle: Candle,
    revision: u32,
}

impl Slots {
    /// Returns the window without a candle, whose first trade is at `offset`.
    pub(super) fn new(window: Window, offset: i64, closed_by: Option<ClosedBy>) -> Self {
        Self { window, low: offset, closed_by, candles: Vec::new() }
    }

    /// Adds the trade at `offset`; returns whether it is new.
    pub(super) fn add(&mut self, offset: i64, market: MarketNumber, trade: &Trade) -> bool {
        self.low = self.low.min(offset);
        if self.candles.len() <= market {
            self.candles.resize_with(market + 1, || None);
        }
        let Some(slot) = &mut self.candles[market] else {
            // The first trade of a closed window comes late, as every other.
            let revision = u32::from(self.closed_by.is_some());
            self.candles[market] = Some(Box::new(Slot { candle: Candle::new(trade), revision }));
            return true;
        };
        let is_new = slot.candle.add(trade);
        if is_new && self.closed_by.is_some() {
            slot.revision += 1;
        }
        is_new
    }

    /// Returns the markets that have a candle.
    pub(super) fn markets(&self) -> impl Iterator<Item = MarketNumber> {
        self.candles.iter().enumerate().filter_map(|(market, slot)| slot.as_ref().map(|_| market))
    }

    /// Returns the watermark at which something becomes of the window: it is closed, or forgotten.
    pub(super) fn due_us(&self, settings: &Settings) -> i64 {
        let wait = if self.closed_by.is_none() { settings.grace_us } else { settings.kept_us() };
        self.window.end_us.saturating_add(wait)
    }

    /// Returns the record of a candle as it stands; `None` when `market` has none here. A candle is complete in a window that begins at
    /// `complete_from_us` or later. The memory is that of `spare`, where there is one.
    pub(super) fn record(
        &self,
        markets: &[Market],
        market: MarketNumber,
        complete_from_us: Option<i64>,
        spare: Option<CandleRecord>,
    ) -> Option<CandleRecord> {
        let slot = self.candles.get(market)?.as_ref()?;
        let status = match self.closed_by {
            None => Status::Open,
            Some(_) if slot.revision == 0 => Status::Final,
            Some(_) => Status::Corrected,
        };
        let complete = complete_from_us.is_some_and(|from| self.window.start_us >= from);
        let standing = Standing { status, revision: slot.revision, closed_by: self.closed_by, complete };
        let (mut key, mut value) = spare.map_or_else(Default::default, |spare| (spare.key, spare.value));
        write_key(&markets[market], &self.window, &mut key);
        write_json(&markets[market], &self.window, (&slot.candle, standing), &mut value);
        Some(CandleRecord { key, value, status, missing: slot.candle.missing() })
    }
}
