//! Records that are no trades.

use std::process::Command;
use std::process::Stdio;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::producer::BaseProducer;
use rdkafka::producer::BaseRecord;
use rdkafka::producer::Producer;

use crate::broker::Broker;
use crate::broker::terminate;
use crate::broker::wait_for;

/// A trade whose price and time are as given.
fn trade(price: &str, ts_us: &str) -> String {
    format!(r#"{{"pair":"A/B","trade_id":1,"price":{price},"quantity":"1","ts_us":{ts_us}}}"#)
}

#[test]
fn each_record_that_is_no_trade_goes_to_the_dead_letters_with_its_reason_and_place() {
    let broker = Broker::start("poison", 1);
    let now_us = "1731155565415951";
    let cases = [
        (trade("\"-76395.0\"", now_us).into_bytes(), "invalid-field", "`price` is negative: `\"-76395.0\"`"),
        (trade("\"NaN\"", now_us).into_bytes(), "invalid-field", "`price` is not a decimal number: `\"NaN\"`"),
        (
            trade("NaN", now_us).into_bytes(),
            "syntax",
            "not a JSON object of a trade: expected value at line 1 column 36",
        ),
        (
            trade("1", "1731155565").into_bytes(),
            "invalid-field",
            "`ts_us` is in seconds, not in microseconds: `1731155565`",
        ),
        (
            trade("1", "1731155565").replace("ts_us", "timestamp_ms").into_bytes(),
            "invalid-field",
            "`timestamp_ms` is in seconds, not in milliseconds: `1731155565`",
        ),
        (
            trade("1", "4100000000000000").into_bytes(),
            "future",
            "ms ahead of the time at which its record was appended",
        ),
        (vec![b' '; 2_000_000], "too-large", "the record has 2000000 bytes, more than 1000000"),
        (
            b"\xff\xfe".to_vec(),
            "syntax",
            "not a JSON object of a trade: invalid utf-8 sequence of 1 bytes from index 0",
        ),
        (Vec::new(), "empty", "the record has no value"),
    ];
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", &broker.address)
        .set("message.max.bytes", "4000000")
        .create()
        .unwrap();
    for (payload, ..) in &cases {
        producer.send(BaseRecord::<str, [u8]>::to(&broker.name).key("A/B").payload(payload).partition(0)).unwrap();
    }
    producer.flush(Duration::from_secs(20)).unwrap();

    let candles = broker.candles(&[]).spawn().unwrap();
    let letters = || broker.read(&format!("{}.dlq", broker.name));
    wait_for(|| letters().len() == cases.len());
    let output = terminate(candles);
    assert!(output.status.success(), "a few of them stop nothing: {}", String::from_utf8_lossy(&output.stderr));
    let letters = letters();
    assert_eq!(letters.len(), cases.len());
    for (offset, (letter, (payload, reason, error))) in letters.iter().zip(&cases).enumerate() {
        let header = |name: &str| letter.headers[name].as_str();
        assert_eq!(header("x-reason"), *reason, "{}", header("x-error"));
        assert!(header("x-error").contains(error), "{}", header("x-error"));
        assert_eq!((header("x-origin-topic"), header("x-origin-partition")), (broker.name.as_str(), "0"));
        assert_eq!(header("x-origin-offset"), offset.to_string());
        if payload.len() > 1_000_000 {
            assert_eq!((letter.value.len(), header("x-truncated-from-bytes")), (65_536, "2000000"));
        } else {
            assert_eq!(&letter.value, payload);
        }
    }
}

#[test]
fn a_flood_of_dead_letters_stops_the_worker() {
    let broker = Broker::start("flood", 1);
    let mut feeder = Command::new(env!("CARGO_BIN_EXE_trades"))
        .env("KAFKA_BROKER_ADDRESS", &broker.address)
        .env("KAFKA_TOPIC_NAME", &broker.name)
        .envs([("SOURCE", "synthetic"), ("COUNT", "2000"), ("RATE", "0"), ("POISON_PER_MILLE", "1000")])
        // Every trade is poison, and every trade is there as well: half of the records, and one more.
        .envs([("JITTER_MS", "100000"), ("HTTP_ADDR", "127.0.0.1:0")])
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    feeder.wait().unwrap();
    let output = broker.candles(&[]).output().unwrap();
    let log = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{log}");
    assert!(
        log.contains("records of") && log.contains("are no trades: this is the wrong topic, or another schema"),
        "{log}"
    );
}
