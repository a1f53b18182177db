//! Processes that die.

use std::process::Stdio;
use std::time::Duration;

use crate::broker::Broker;
use crate::broker::terminate;
use crate::broker::wait_for;
use crate::oracle::found;
use crate::oracle::oracle;

/// Kills `candles` in mid-window again and again while disordered trades come in, and compares with the log.
fn survives_kills(guarantee: &str) {
    let broker = Broker::start(guarantee, 3);
    if guarantee == "exactly_once" && !broker.is_real {
        println!("skipped: the mock cluster does not abort transactions");
        return;
    }
    let start = || broker.candles(&[("PROCESSING_GUARANTEE", guarantee)]).stderr(Stdio::null()).spawn().unwrap();
    let mut feeder = broker.feed(12_000, 1_500);
    let mut candles = start();
    while feeder.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_millis(1_300));
        candles.kill().unwrap();
        candles.wait().unwrap();
        candles = start();
    }
    let expected = oracle(&broker);
    assert!(expected.len() >= 5, "{} candles", expected.len());
    wait_for(|| found(&broker) == expected);
    let output = terminate(candles);
    assert!(output.status.success(), "SIGTERM drains: {:?}", output.status);
    assert_eq!(found(&broker), expected);
    let dead = broker.read(&format!("{}.dlq", broker.name));
    assert!(dead.len() >= 100 && dead.iter().all(|record| record.headers["x-reason"] == "syntax"), "{}", dead.len());
}

#[test]
fn kills_in_mid_window_change_no_candle() {
    survives_kills("at_least_once");
}

#[test]
fn kills_in_mid_transaction_change_no_candle() {
    survives_kills("exactly_once");
}
