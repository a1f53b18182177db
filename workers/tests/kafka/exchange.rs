//! `trades` and an exchange that cuts connections and skips trades, over TLS.

use std::collections::BTreeSet;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;

use workers::trade::Trade;

use crate::broker::Broker;
use crate::broker::terminate;
use crate::broker::wait_for;
use crate::played::Identity;
use crate::played::rest;
use crate::played::update;
use crate::played::websocket;

#[test]
fn trades_come_back_after_every_cut_with_growing_waits_and_nothing_missing() {
    let broker = Broker::start("exchange", 1);
    let identity = Identity::of("127.0.0.1");
    let played =
        vec![vec![], vec![], vec![update(&[3, 2, 1]), update(&[7, 8])], vec![update(&[12, 13]), update(&[13, 15])]];
    let mut trades = Command::new(env!("CARGO_BIN_EXE_trades"));
    trades
        .env("KAFKA_BROKER_ADDRESS", &broker.address)
        .env("KAFKA_TOPIC_NAME", &broker.name)
        .env("PAIRS", "BTC/USD")
        .env("KRAKEN_WS_URL", websocket(played, Some(&identity)))
        .env("KRAKEN_REST_URL", rest(20, Some(&identity)))
        .env("SSL_CERT_FILE", identity.authority.path())
        .env("HTTP_ADDR", "127.0.0.1:0")
        .stderr(Stdio::piped());
    let trades = trades.spawn().unwrap();
    let ids = || -> BTreeSet<u64> {
        broker.read(&broker.name).iter().map(|record| Trade::parse(Some(&record.value)).unwrap().id).collect()
    };
    let all: BTreeSet<u64> = (1..=15).collect();
    wait_for(|| ids() == all);
    let output = terminate(trades);
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "SIGTERM ends it while it waits: {log}");
    assert_eq!(ids(), all, "{log}");
    let lines = log.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let waits: Vec<u64> = lines
        .filter(|line| line["message"] == "connection ended")
        .filter_map(|line| line["wait_ms"].as_u64())
        .collect();
    assert!(waits.len() >= 4, "{log}");
    for (wait, bound) in waits.iter().zip([500, 1_000, 2_000, 4_000, 8_000, 16_000]) {
        assert!(*wait <= bound, "{waits:?}");
    }
}

/// Starts `trades` on an exchange that plays `messages`, with REST at `rest`.
pub(crate) fn start(broker: &Broker, messages: &[&[u64]], rest: &str, more: &[(&str, &str)]) -> Child {
    let played = vec![messages.iter().map(|ids| update(ids)).collect()];
    let mut trades = Command::new(env!("CARGO_BIN_EXE_trades"));
    trades
        .env("KAFKA_BROKER_ADDRESS", &broker.address)
        .env("KAFKA_TOPIC_NAME", &broker.name)
        .env("PAIRS", "BTC/USD")
        .env("KRAKEN_WS_URL", websocket(played, None))
        .env("KRAKEN_REST_URL", rest)
        .env("HTTP_ADDR", "127.0.0.1:0")
        .envs(more.iter().copied())
        .stderr(Stdio::piped());
    trades.spawn().unwrap()
}

/// Waits until the topic has exactly these trades, ends the program, and returns its log.
pub(crate) fn end(broker: &Broker, trades: Child, expected: &[u64]) -> String {
    let ids = || -> BTreeSet<u64> {
        broker.read(&broker.name).iter().map(|record| Trade::parse(Some(&record.value)).unwrap().id).collect()
    };
    let all: BTreeSet<u64> = expected.iter().copied().collect();
    wait_for(|| ids() == all);
    let output = terminate(trades);
    let log = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{log}");
    assert_eq!(ids(), all, "{log}");
    log
}

#[test]
fn what_was_traded_while_the_process_was_away_is_fetched_when_it_starts() {
    let broker = Broker::start("resume", 3);
    // REST is away: the process ends with a gap of its own.
    let first = start(&broker, &[&[1, 2, 3], &[6, 7]], "http://127.0.0.1:1", &[]);
    end(&broker, first, &[1, 2, 3, 6, 7]);
    let rest = rest(20, None);
    let deaf = start(&broker, &[&[11]], &rest, &[("RESUME_RECORDS", "0")]);
    end(&broker, deaf, &[1, 2, 3, 6, 7, 11]);
    let second = start(&broker, &[&[15, 16]], &rest, &[]);
    let log = end(&broker, second, &(1..=16).collect::<Vec<u64>>());
    assert!(log.contains("read the end of the topic") && log.contains("\"gaps\":2"), "{log}");
    // Of the last record alone nothing but the newest trade is known.
    let third = start(&broker, &[&[18]], &rest, &[("RESUME_RECORDS", "1")]);
    let log = end(&broker, third, &(1..=18).collect::<Vec<u64>>());
    assert!(log.contains("\"records\":1,") && log.contains("\"gaps\":0"), "{log}");
}
