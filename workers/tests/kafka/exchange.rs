//! `trades` and an exchange that cuts connections and skips trades, over TLS.

use std::collections::BTreeSet;
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
