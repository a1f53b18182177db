//! A partition against a naive reading of the same trades, and against itself after a crash at any place.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use proptest::prelude::*;
use workers::candle::Status;
use workers::decimal::Amount;
use workers::partition::Beginning;
use workers::partition::CandleRecord;
use workers::partition::Effect;
use workers::partition::Partition;
use workers::settings::Emit;
use workers::settings::Guarantee;
use workers::settings::Settings;
use workers::trade::Trade;

const SECOND: i64 = 1_000_000;
/// A full hour, so that windows of any length begin here.
const START: i64 = 1_731_153_600 * SECOND;

fn settings(emit: Emit) -> Settings {
    Settings {
        seconds: vec![10, 30],
        grace_us: 2 * SECOND,
        horizon_us: 20 * SECOND,
        idle_us: 5 * SECOND,
        emit,
        guarantee: Guarantee::AtLeastOnce,
    }
}

/// The trade of an id: its pair and price follow from the id, as they do on an exchange.
fn trade(id: u64, ts_us: i64) -> Trade<'static> {
    let price = Amount::parse(&format!("{}.5", 1 + id * 7 % 23)).unwrap();
    let quantity = Amount::parse(&format!("0.{}", 1 + id * 5 % 17)).unwrap();
    let pair = if id.is_multiple_of(3) { "A/B" } else { "C/D" };
    Trade {
        exchange: "x".into(),
        pair: pair.into(),
        id,
        ts_us,
        price,
        quantity,
        notional: price.times(quantity).unwrap(),
    }
}

/// What happens to a partition.
#[derive(Clone, Debug)]
enum Event {
    Trade(Trade<'static>),
    Poison,
    /// The end of the partition at a time.
    Idle(i64),
}

/// Lets `event` happen at the partition's position.
fn happen(partition: &mut Partition, event: &Event, out: &mut Vec<CandleRecord>) -> Effect {
    let offset = partition.next();
    match event {
        Event::Trade(trade) => return partition.add(offset, trade, out),
        Event::Poison => partition.skip(offset, out),
        Event::Idle(now_us) => {
            if let Some(mark) = partition.idle_mark(*now_us) {
                partition.close(mark, out);
            }
        }
    }
    Effect::default()
}

fn text(record: &CandleRecord) -> String {
    format!("{} {}", record.key, String::from_utf8_lossy(&record.value))
}

/// Trades in steps of up to six seconds, disordered by up to forty seconds: on time, late, too late; repeated; with poison and
/// with pauses.
fn events() -> impl Strategy<Value = Vec<Event>> {
    let step = (0..6_i64, 0..40_i64, 0..12_u8, any::<prop::sample::Index>());
    prop::collection::vec(step, 1..120).prop_map(|steps| {
        let mut now = START;
        let mut events: Vec<Event> = Vec::new();
        for (id, (step, delay, kind, again)) in (0_u64..).zip(steps) {
            now += step * SECOND;
            let event = match kind {
                0 => Event::Poison,
                1 => Event::Idle(now + 20 * SECOND),
                2 if !events.is_empty() => again.get(&events).clone(),
                3..=6 => Event::Trade(trade(id, now - delay * SECOND)),
                _ => Event::Trade(trade(id, now)),
            };
            events.push(event);
        }
        events
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    /// The records that follow a checkpoint are the same whether the partition lived on or was computed again from it.
    #[test]
    fn a_partition_restored_from_any_checkpoint_goes_on_with_the_same_records(
        events in events(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 1..4),
        current in any::<bool>(),
    ) {
        let settings = settings(if current { Emit::Current } else { Emit::Final });
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(events.len())).collect();
        cuts.sort_unstable();

        let mut whole = Partition::new(settings.clone(), Beginning::Origin, 0);
        let mut restored = Partition::new(settings.clone(), Beginning::Origin, 0);
        let mut log: Vec<Event> = Vec::new();
        for (index, event) in events.iter().enumerate() {
            let (mut expected, mut found) = (Vec::new(), Vec::new());
            // What is stored before the windows of a mark are closed.
            let stored = match event {
                Event::Idle(now_us) => restored.idle_mark(*now_us).map(|mark| restored.checkpoint().with_mark(mark)),
                Event::Trade(_) | Event::Poison => None,
            };
            happen(&mut whole, event, &mut expected);
            happen(&mut restored, event, &mut found);
            if !matches!(event, Event::Idle(_)) {
                log.push(event.clone());
            }
            prop_assert_eq!(
                expected.iter().map(text).collect::<Vec<_>>(),
                found.iter().map(text).collect::<Vec<_>>(),
                "after event {}", index
            );
            prop_assert_eq!(whole.checkpoint(), restored.checkpoint());
            if cuts.contains(&index) {
                // The crash: what is left is the committed position, its metadata, and the log.
                let next = restored.next();
                let checkpoint = stored.unwrap_or_else(|| restored.checkpoint()).to_string().parse().unwrap();
                restored = Partition::new(settings.clone(), Beginning::Checkpoint(checkpoint), next);
                let mut replayed = Vec::new();
                while restored.is_replaying() {
                    let offset = usize::try_from(restored.next()).unwrap();
                    happen(&mut restored, &log[offset], &mut replayed);
                }
                prop_assert_eq!(replayed.len(), 0, "the replay is silent");
                restored.reach(next, &mut replayed);
                if matches!(event, Event::Idle(_)) {
                    // Stored before it was written: so it is written again.
                    prop_assert!(expected.iter().all(|record| replayed.contains(record)));
                }
            }
        }
    }

    /// The last record of a key is the candle of all trades but those that came too late, whatever their order.
    #[test]
    fn the_last_record_of_a_candle_is_a_function_of_the_set_of_its_trades(events in events()) {
        let mut partition = Partition::new(settings(Emit::Final), Beginning::Origin, 0);
        let mut records = Vec::new();
        let mut accepted: BTreeMap<(String, i64), BTreeMap<u64, Trade>> = BTreeMap::new();
        for event in &events {
            let effect = happen(&mut partition, event, &mut records);
            if let Event::Trade(trade) = event
                // Too late for ten seconds may still be in time for thirty: this looks at the former alone.
                && !effect.too_late
            {
                let start = trade.ts_us - trade.ts_us.rem_euclid(10 * SECOND);
                accepted.entry((trade.pair.to_string(), start)).or_default().insert(trade.id, trade.clone());
            }
        }
        while let Some(mark) = partition.idle_mark(i64::MAX / 2) {
            partition.close(mark, &mut records);
        }
        let mut last: BTreeMap<String, String> = BTreeMap::new();
        for record in records {
            last.insert(record.key.clone(), String::from_utf8(record.value).unwrap());
        }
        let expected: BTreeMap<String, Vec<String>> = accepted
            .into_iter()
            .map(|((pair, start), trades)| (format!("x|{pair}|10s|{start}"), fields(trades.into_values().collect())))
            .collect();
        for (key, fields) in &expected {
            let found = last.get(key).unwrap_or_else(|| panic!("no record of {key}"));
            for field in fields {
                prop_assert!(found.contains(field), "{found} has no {field}");
            }
        }
        prop_assert_eq!(last.keys().filter(|key| key.contains("|10s|")).count(), expected.len());
    }
}

/// The naive candle: sort, then look at the ends.
fn fields(mut trades: Vec<Trade>) -> Vec<String> {
    trades.sort_by_key(|trade| (trade.ts_us, trade.id));
    let prices = || trades.iter().map(|trade| trade.price);
    vec![
        format!(r#""open":"{}""#, trades[0].price),
        format!(r#""high":"{}""#, prices().max().unwrap()),
        format!(r#""low":"{}""#, prices().min().unwrap()),
        format!(r#""close":"{}""#, trades[trades.len() - 1].price),
        format!(r#""trade_count":{},"#, trades.len()),
        format!(r#""first_trade_id":{},"#, trades.iter().map(|trade| trade.id).min().unwrap()),
        format!(r#""last_trade_id":{},"#, trades.iter().map(|trade| trade.id).max().unwrap()),
    ]
}

fn run(partition: &mut Partition, trades: &[(u64, i64)]) -> Vec<(Status, String)> {
    let mut out = Vec::new();
    for (id, seconds) in trades {
        let offset = partition.next();
        partition.add(offset, &trade(*id, START + seconds * SECOND), &mut out);
    }
    out.into_iter().filter(|record| record.key.contains("|10s|")).map(|record| (record.status, record.key)).collect()
}

fn key(pair: &str, seconds: i64) -> String {
    format!("x|{pair}|10s|{}", START + seconds * SECOND)
}

#[test]
fn a_window_closes_when_the_grace_is_over_for_every_pair_of_the_partition() {
    let mut partition = Partition::new(settings(Emit::Final), Beginning::Origin, 0);
    assert_eq!(run(&mut partition, &[(1, 0), (3, 1), (4, 11)]), []);
    // The pair C/D moves the watermark to 12 s; the quiet A/B closes with it.
    let closed = run(&mut partition, &[(5, 12)]);
    assert_eq!(closed, [(Status::Final, key("A/B", 0)), (Status::Final, key("C/D", 0))]);
}

#[test]
fn a_late_trade_corrects_its_candle_until_the_horizon_is_over() {
    let mut partition = Partition::new(settings(Emit::Final), Beginning::Origin, 0);
    run(&mut partition, &[(1, 0), (4, 12)]);
    assert_eq!(run(&mut partition, &[(2, 5)]), [(Status::Corrected, key("C/D", 0))]);
    // A repetition corrects nothing.
    assert_eq!(run(&mut partition, &[(2, 5)]), []);
    run(&mut partition, &[(7, 32)]);
    let mut out = Vec::new();
    let effect = partition.add(partition.next(), &trade(8, START + 6 * SECOND), &mut out);
    assert!(effect.too_late && !effect.duplicate, "{effect:?}");
}

#[test]
fn windows_that_may_have_begun_before_the_first_record_are_not_complete() {
    let mut partition = Partition::new(settings(Emit::Current), Beginning::Unknown, 7);
    let mut out = Vec::new();
    partition.add(7, &trade(1, START + 5 * SECOND), &mut out);
    partition.add(8, &trade(2, START + 10 * SECOND), &mut out);
    let complete: Vec<bool> = out.iter().map(|record| text(record).contains(r#""complete":true"#)).collect();
    // 10 s and 30 s of the first trade, then of the second: only the second window of 10 s began in our sight.
    assert_eq!(complete, [false, false, true, false]);
}

#[test]
fn other_settings_do_not_claim_windows_whose_trades_they_did_not_keep() {
    let mut partition = Partition::new(settings(Emit::Final), Beginning::Origin, 0);
    run(&mut partition, &[(1, 0), (2, 65)]);
    let checkpoint = partition.checkpoint();
    let wider = Settings { seconds: vec![60], ..settings(Emit::Current) };
    let mut partition = Partition::new(wider, Beginning::Checkpoint(checkpoint), 2);
    let mut out = Vec::new();
    partition.add(2, &trade(3, START + 59 * SECOND), &mut out);
    partition.add(3, &trade(4, START + 66 * SECOND), &mut out);
    let complete: Vec<bool> = out.iter().map(|record| text(record).contains(r#""complete":true"#)).collect();
    // The window of the first, the next one, and the first again, closed by the second trade.
    assert_eq!(complete, [false, true, false]);
}
