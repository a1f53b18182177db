//! The environment: the contract with the manifests, and every mistake at once.

use std::collections::BTreeMap;

use snapbox::assert_data_eq;
use snapbox::file;
use workers::config;
use workers::settings::Emit;

fn environment(variables: &[(&str, &str)]) -> BTreeMap<String, String> {
    variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// What the manifests set.
const CANDLES: &[(&str, &str)] = &[
    ("KAFKA_BROKER_ADDRESS", "events-kafka-bootstrap:9092"),
    ("KAFKA_INPUT_TOPIC", "trades"),
    ("KAFKA_OUTPUT_TOPIC", "candles"),
    ("KAFKA_CONSUMER_GROUP", "candles"),
    ("CANDLE_SECONDS", "60"),
];

fn mistakes(program: &str, changes: &[(&str, &str)]) -> String {
    let all = environment(&[if program == "candles" { CANDLES } else { &[] }, changes].concat());
    match program {
        "candles" => config::candles(&all).err().map_or_else(String::new, |mistakes| mistakes.to_string()),
        _ => config::trades(&all).err().map_or_else(String::new, |mistakes| mistakes.to_string()),
    }
}

#[test]
fn the_contract_file_says_what_the_programs_read() {
    let head = "# What the programs read and where they answer: printed by `trades --print-env` and `candles --print-env`, checked by the\n\
        # tests of both sides. Written by SNAPSHOTS=overwrite cargo test -p workers --test configuration.\n";
    let contract = format!("{head}{}{}", config::CANDLES.contract(), config::TRADES.contract());
    assert_data_eq!(contract, file!["../contract.yaml"].raw());
}

#[test]
fn the_manifests_variables_are_enough() {
    let candles = config::candles(&environment(CANDLES)).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    assert_eq!((candles.settings.seconds, candles.page), (vec![60], None), "no page unless asked for");
    assert_eq!((candles.dead_letters.as_str(), candles.late.as_str()), ("trades.dlq", "trades.late"));
    let trades =
        environment(&[("KAFKA_BROKER_ADDRESS", "k:9092"), ("KAFKA_TOPIC_NAME", "trades"), ("SOURCE", "synthetic")]);
    assert_eq!(config::trades(&trades).unwrap_or_else(|mistakes| panic!("{mistakes}")).pairs.len(), 4);
}

#[test]
fn other_programs_spellings_are_understood() {
    let renamed = environment(&[
        ("KAFKA_BOOTSTRAP_SERVERS", "k:9092"),
        ("KAFKA_INPUT_TOPIC", "trades"),
        ("KAFKA_OUTPUT_TOPIC", "candles"),
        ("KAFKA_CONSUMER_GROUP", "candles"),
        ("CANDLE_INTERVALS", "1h, 60s,5m"),
        ("EMIT_INCOMPLETE_CANDLES", "True"),
    ]);
    let candles = config::candles(&renamed).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    assert_eq!((candles.settings.seconds, candles.settings.emit), (vec![60, 300, 3_600], Emit::Current));
    for name in ["KAFKA_TOPIC_NAME", "KAFKA_TOPIC", "KAFKA_OUTPUT_TOPIC"] {
        let all = environment(&[
            ("KAFKA_BROKER_ADDRESS", "k"),
            (name, "t"),
            ("SOURCE", "synthetic"),
            ("PRODUCT_IDS", r#"["A/B"]"#),
        ]);
        let trades = config::trades(&all).unwrap_or_else(|mistakes| panic!("{mistakes}"));
        assert_eq!((trades.topic.as_str(), trades.pairs), ("t", vec!["A/B".to_owned()]));
    }
}

#[test]
fn every_mistake_is_told_at_once() {
    let found = mistakes(
        "candles",
        &[
            ("KAFKA_INPUT_TOPIC", ""),
            ("CANDLE_SECONDS", "0"),
            ("EMIT", "sometimes"),
            ("GRACE_MS", "soon"),
            ("KAFKA_BOOTSTRAP_SERVERS", "elsewhere:9092"),
            ("PROCESSING_GUARANTEE", "exactly_once"),
            ("HTTP_ADDR", "9090"),
            ("WEB_ADDRESS", "localhost"),
        ],
    );
    for expected in [
        "KAFKA_INPUT_TOPIC is not set: topic of trades",
        "CANDLE_SECONDS has `0`, not a length from 1 second to a week",
        "EMIT is `sometimes`, not one of final, current, false, true",
        "GRACE_MS is `soon`, not a number from 0 to 86400000",
        "KAFKA_BOOTSTRAP_SERVERS and KAFKA_BROKER_ADDRESS say different things: keep one of them",
        "exactly_once needs KAFKA_TRANSACTIONAL_ID or KAFKA_GROUP_INSTANCE_ID: a name of this replica alone",
        "HTTP_ADDR is `9090`, not an address and a port, as 0.0.0.0:9090",
        "WEB_ADDRESS is `localhost`, not an address and a port, as 127.0.0.1:8080",
    ] {
        assert!(found.lines().any(|line| line == expected), "`{expected}` is not in\n{found}");
    }
    assert_eq!(found.lines().count(), 8, "{found}");
}

#[test]
fn each_mistake_has_its_sentence() {
    for (changes, expected) in [
        (&[("CANDLE_SECONDS", "a minute")][..], "CANDLE_SECONDS has `a minute`, not a length from 1 second to a week"),
        (&[("CANDLE_SECONDS", "60,1m")], "CANDLE_SECONDS names 60 seconds twice"),
        (&[("KAFKA_OUTPUT_TOPIC", "trades")], "KAFKA_INPUT_TOPIC and KAFKA_OUTPUT_TOPIC are the same topic"),
        (
            &[
                ("KAFKA_SECURITY_PROTOCOL", "SASL_PLAINTEXT"),
                ("KAFKA_SASL_USERNAME", "u"),
                ("KAFKA_SASL_MECHANISM", "PLAIN"),
            ],
            "SASL needs KAFKA_SASL_PASSWORD_FILE",
        ),
        (
            &[("KAFKA_SSL_CA_FILE", "/nowhere")],
            "KAFKA_SSL_CA_FILE is `/nowhere`: No such file or directory (os error 2)",
        ),
    ] {
        assert_eq!(mistakes("candles", changes), expected);
    }
    let basis = [("KAFKA_BROKER_ADDRESS", "k"), ("KAFKA_TOPIC", "t")];
    for (changes, expected) in [
        (&[("SOURCE", "replay")][..], "SOURCE is `replay`, and REPLAY_FILE is not set"),
        (&[("SOURCE", "binance")], "SOURCE is `binance`, not one of kraken, replay, synthetic"),
        (
            &[("SOURCE", "synthetic"), ("PAIRS", "A/B,,C/D")],
            "PAIRS is `A/B,,C/D`, not a list of pairs as BTC/USD,ETH/USD",
        ),
    ] {
        assert_eq!(mistakes("trades", &[&basis[..], changes].concat()), expected);
    }
}

#[test]
fn a_password_is_read_from_its_file_alone() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "secret\n").unwrap();
    let path = file.path().to_str().unwrap();
    let sasl = [
        ("KAFKA_SECURITY_PROTOCOL", "SASL_PLAINTEXT"),
        ("KAFKA_SASL_MECHANISM", "PLAIN"),
        ("KAFKA_SASL_USERNAME", "candles"),
        ("KAFKA_SASL_PASSWORD_FILE", path),
    ];
    let candles =
        config::candles(&environment(&[CANDLES, &sasl].concat())).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let properties: BTreeMap<_, _> = candles.kafka.properties.into_iter().collect();
    assert_eq!(properties["sasl.password"], "secret");
    assert_eq!(properties["sasl.mechanism"], "PLAIN");
}

#[test]
fn what_a_build_without_tls_cannot_do_is_told_at_the_start() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let sasl = [
        ("KAFKA_SECURITY_PROTOCOL", "SASL_SSL"),
        ("KAFKA_SASL_MECHANISM", "SCRAM-SHA-512"),
        ("KAFKA_SASL_USERNAME", "candles"),
        ("KAFKA_SASL_PASSWORD_FILE", file.path().to_str().unwrap()),
    ];
    let expected = "KAFKA_SECURITY_PROTOCOL is `sasl_ssl`, and this program was built without the feature tls\n\
        KAFKA_SASL_MECHANISM is `scram-sha-512`, and this program was built without the feature tls";
    assert_eq!(mistakes("candles", &sasl), if cfg!(feature = "tls") { "" } else { expected });
}

#[test]
fn the_exchange_is_reached_by_tls_in_every_build() {
    let basis = environment(&[("KAFKA_BROKER_ADDRESS", "k"), ("KAFKA_TOPIC", "t")]);
    let trades = config::trades(&basis).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let config::Source::Kraken(kraken) = trades.source else { panic!("the exchange is the default") };
    assert_eq!((kraken.stream.as_str(), kraken.rest.as_str()), ("wss://ws.kraken.com/v2", "https://api.kraken.com"));

    let basis = [("KAFKA_BROKER_ADDRESS", "k"), ("KAFKA_TOPIC", "t")];
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().to_str().unwrap();
    let found = mistakes("trades", &[&basis[..], &[("SSL_CERT_FILE", path)]].concat());
    assert_eq!(found, format!("SSL_CERT_FILE is `{path}`: it holds no certificate of an authority"));
    let found = mistakes("trades", &[&basis[..], &[("SSL_CERT_FILE", "/nowhere")]].concat());
    assert!(found.starts_with("SSL_CERT_FILE is `/nowhere`: ") && found.contains("No such file"), "{found}");
    let found = mistakes("trades", &[&basis[..], &[("KRAKEN_WS_URL", "ws.kraken.com")]].concat());
    assert_eq!(found, "KRAKEN_WS_URL is `ws.kraken.com`: it begins with ws:// or wss://");
}
