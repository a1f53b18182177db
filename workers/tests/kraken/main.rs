//! The client of the exchange, against local servers that play it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod played;

use std::net::TcpListener;
use std::time::Duration;
use std::time::Instant;

use workers::source::kraken::Gap;
use workers::source::kraken::KrakenTrade;
use workers::source::kraken::Rest;
use workers::source::kraken::Sequence;
use workers::source::kraken::Subscription;
use workers::source::kraken::read_message;
use workers::source::tls::Trust;
use workers::trade::Trade;

use crate::played::Identity;
use crate::played::SECOND_US;
use crate::played::START_US;
use crate::played::rest;
use crate::played::streamed;
use crate::played::update;
use crate::played::websocket;

fn pairs() -> Vec<String> {
    vec!["BTC/USD".to_owned()]
}

/// Follows two connections, the first of which skips 4 to 6 and is cut after 8; the second begins at 12.
fn follow_two_connections(identity: Option<&Identity>) -> Vec<KrakenTrade> {
    let url = websocket(vec![vec![update(&[3, 2, 1]), update(&[7, 8])], vec![update(&[12, 13])]], identity);
    let trust = Trust::load(identity.map(|identity| identity.authority.path())).unwrap();
    let rest = Rest::new(&rest(20, identity), &trust);
    let (mut sequence, mut seen) = (Sequence::default(), Vec::new());
    for _ in 0..2 {
        let mut subscription = Subscription::open(&url, &pairs(), &trust).unwrap();
        let deadline = Instant::now() + Duration::from_secs(10);
        while let Ok(trades) = subscription.read()
            && Instant::now() < deadline
        {
            for trade in trades {
                let gap = sequence.note(&trade.record.key, trade.id, trade.ts_us);
                seen.push(trade);
                seen.extend(gap.iter().flat_map(|gap| rest.fill(gap).unwrap().0));
            }
        }
    }
    seen
}

fn check(seen: &[KrakenTrade]) {
    let mut ids: Vec<u64> = seen.iter().map(|trade| trade.id).collect();
    ids.sort_unstable();
    assert_eq!(ids, (1..=13).collect::<Vec<u64>>());
    for trade in seen {
        let parsed = Trade::parse(Some(&trade.record.payload)).unwrap();
        assert_eq!(parsed.ts_us, START_US + i64::try_from(trade.id).unwrap() * SECOND_US + 250, "{}", trade.id);
        assert_eq!(parsed.price.to_string(), format!("{}.5", 1_000 + trade.id));
        assert_eq!((parsed.exchange.as_ref(), parsed.quantity.to_string().as_str()), ("kraken", "0.25"));
    }
}

#[test]
fn what_the_stream_drops_is_fetched_from_rest_and_is_the_same_trade() {
    check(&follow_two_connections(None));
}

#[test]
fn with_tls_it_is_the_same() {
    check(&follow_two_connections(Some(&Identity::of("127.0.0.1"))));
}

#[test]
fn an_exchange_that_nobody_vouches_for_is_not_believed() {
    let (identity, stranger) = (Identity::of("127.0.0.1"), Identity::of("127.0.0.1"));
    let trust = Trust::load(Some(stranger.authority.path())).unwrap();
    let url = websocket(vec![vec![]], Some(&identity));
    let error = Subscription::open(&url, &pairs(), &trust).err().unwrap().to_string();
    assert!(error.contains("UnknownIssuer") || error.contains("BadSignature"), "{error}");
    let gap = Gap { pair: "BTC/USD".to_owned(), ids: (1, 2), since_us: START_US };
    let error = Rest::new(&rest(5, Some(&identity)), &trust).fill(&gap).unwrap_err().to_string();
    assert!(error.contains("UnknownIssuer") || error.contains("BadSignature"), "{error}");
}

#[test]
fn a_certificate_of_another_name_is_not_believed() {
    let identity = Identity::of("exchange.example");
    let trust = Trust::load(Some(identity.authority.path())).unwrap();
    let url = websocket(vec![vec![]], Some(&identity));
    let error = Subscription::open(&url, &pairs(), &trust).err().unwrap().to_string();
    assert!(error.contains("not valid for name"), "{error}");
}

#[test]
fn a_server_that_takes_the_connection_and_says_nothing_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let trust = Trust::load(Some(Identity::of("127.0.0.1").authority.path())).unwrap();
    let began = Instant::now();
    let error =
        Subscription::open(&format!("wss://{}", listener.local_addr().unwrap()), &pairs(), &trust).err().unwrap();
    assert!(began.elapsed() < Duration::from_secs(15), "{error} after {:?}", began.elapsed());
}

#[test]
fn nobody_at_the_address_is_told_with_the_url() {
    let trust = Trust::load(Some(Identity::of("127.0.0.1").authority.path())).unwrap();
    let error = Subscription::open("wss://127.0.0.1:1/v2", &pairs(), &trust).err().unwrap().to_string();
    assert!(error.starts_with("no connection to `wss://127.0.0.1:1/v2`: Connection refused"), "{error}");
}

#[test]
fn a_gap_that_rest_does_not_have_either_ends() {
    let trust = Trust::load(Some(Identity::of("127.0.0.1").authority.path())).unwrap();
    let rest = Rest::new(&rest(5, None), &trust);
    let gap = Gap { pair: "BTC/USD".to_owned(), ids: (6, 9), since_us: START_US + 5 * SECOND_US + 250 };
    assert_eq!(rest.fill(&gap).unwrap(), (vec![], None));
}

#[test]
fn a_gap_of_many_pages_is_filled_in_parts_that_leave_time_for_signals() {
    let trust = Trust::load(Some(Identity::of("127.0.0.1").authority.path())).unwrap();
    let rest = Rest::new(&rest(20, None), &trust);
    let mut left = Some(Gap { pair: "BTC/USD".to_owned(), ids: (2, 20), since_us: START_US + SECOND_US + 250 });
    let (mut ids, mut parts) = (Vec::new(), 0);
    while let Some(gap) = left {
        let (trades, rest) = rest.fill(&gap).unwrap();
        ids.extend(trades.iter().map(|trade| trade.id));
        (left, parts) = (rest, parts + 1);
    }
    assert_eq!(ids, (2..=20).collect::<Vec<u64>>());
    assert_eq!(parts, 2);
}

#[test]
fn only_trades_are_taken_for_trades_and_a_refusal_is_told() {
    assert_eq!(read_message(r#"{"channel":"heartbeat"}"#).unwrap(), []);
    // The word alone makes nothing a heartbeat.
    let trade = streamed(7).replace("market", "heartbeat");
    assert_eq!(read_message(&format!(r#"{{"channel":"trade","type":"snapshot","data":[{trade}]}}"#)).unwrap().len(), 1);
    let refusal = r#"{"error":"Currency pair not supported A/B","method":"subscribe","success":false}"#;
    assert_eq!(read_message(refusal).unwrap_err().to_string(), "the exchange refused: Currency pair not supported A/B");
    for text in ["", "[]", r#"{"channel":"trade","data":[{"symbol":"A/B"}]}"#] {
        assert!(read_message(text).is_err(), "{text}");
    }
}
