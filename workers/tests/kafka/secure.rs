//! TLS and SCRAM, with the rights of the contract and no other.

use std::process::Command;
use std::process::Stdio;

use tempfile::NamedTempFile;
use workers::config;
use workers::environment::Program;

use crate::broker::Broker;
use crate::broker::terminate;
use crate::broker::wait_for;
use crate::exchange::end;
use crate::exchange::start;
use crate::oracle::found;
use crate::oracle::oracle;
use crate::played::rest;
use crate::played::update;
use crate::played::websocket;

/// Runs `scripts/kafka.sh`; `None` when it says no.
fn kafka_sh(arguments: &[String]) -> Option<String> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts/kafka.sh");
    let output = Command::new(script).args(arguments).stderr(Stdio::null()).output().unwrap();
    output.status.success().then(|| String::from_utf8(output.stdout).unwrap())
}

/// The broker's second listener.
struct Secure {
    broker: Broker,
    address: String,
    authority: String,
}

impl Secure {
    fn start(name: &str) -> Option<Self> {
        let broker = Broker::start(name, 2);
        let found = if broker.is_real { kafka_sh(&["secure".to_owned()]) } else { None };
        match found {
            Some(found) if cfg!(feature = "tls") => {
                let (address, authority) = found.trim().split_once(' ').unwrap();
                Some(Self { address: address.to_owned(), authority: authority.to_owned(), broker })
            }
            _ => {
                println!("skipped: TLS and SCRAM need a Kafka of scripts/kafka.sh, and the feature tls");
                None
            }
        }
    }

    /// Sets the variables of the second listener, for `user` with a password.
    fn login(&self, command: &mut Command, user: &str, password: &str) -> NamedTempFile {
        let file = NamedTempFile::new().unwrap();
        std::fs::write(file.path(), format!("{password}\n")).unwrap();
        command
            .env("KAFKA_BROKER_ADDRESS", &self.address)
            .env("KAFKA_SECURITY_PROTOCOL", "SASL_SSL")
            .env("KAFKA_SASL_MECHANISM", "SCRAM-SHA-512")
            .env("KAFKA_SASL_USERNAME", user)
            .env("KAFKA_SASL_PASSWORD_FILE", file.path())
            .env("KAFKA_SSL_CA_FILE", &self.authority);
        file
    }

    fn candles(&self) -> Command {
        self.broker.candles(&[("PROCESSING_GUARANTEE", "exactly_once")])
    }

    /// The rights of a program for the topics of this test, as `scripts/kafka.sh grant` takes them.
    fn rights(&self, program: &Program) -> Vec<String> {
        let name = &self.broker.name;
        let named = |variable: &str| match variable {
            "KAFKA_OUTPUT_TOPIC" => format!("{name}.out"),
            "KAFKA_DEAD_LETTER_TOPIC" => format!("{name}.dlq"),
            "KAFKA_LATE_TOPIC" => format!("{name}.late"),
            "KAFKA_TRANSACTIONAL_ID" => format!("{name}-one"),
            _ => name.clone(),
        };
        let rights = program.resources.iter().map(|resource| {
            let kind = if resource.word() == "transactionalId" { "transactional_id" } else { resource.word() };
            let operations = [resource.operations, resource.optional].concat().join(",");
            format!("{}:{kind}:{}:{operations}", program.name, named(resource.variable))
        });
        rights.collect()
    }
}

#[test]
fn with_tls_scram_and_the_rights_of_the_contract_the_candles_are_right() {
    let Some(secure) = Secure::start("secure") else { return };
    let rights = [secure.rights(&config::CANDLES), secure.rights(&config::TRADES)].concat();
    kafka_sh(&[vec!["grant".to_owned()], rights].concat()).unwrap();

    let mut trades = Command::new(env!("CARGO_BIN_EXE_trades"));
    let password = secure.login(&mut trades, "trades", "password-of-trades");
    let fed = trades
        .env("KAFKA_TOPIC_NAME", &secure.broker.name)
        .envs([("SOURCE", "synthetic"), ("COUNT", "30000"), ("RATE", "0"), ("PAIRS", "A/B,C/D"), ("JITTER_MS", "500")])
        .env("HTTP_ADDR", "127.0.0.1:0")
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    assert!(fed.status.success(), "{}", String::from_utf8_lossy(&fed.stderr));
    drop(password);

    let mut candles = secure.candles();
    let _password = secure.login(&mut candles, "candles", "password-of-candles");
    let candles = candles.spawn().unwrap();
    let expected = oracle(&secure.broker);
    wait_for(|| found(&secure.broker) == expected);
    let output = terminate(candles);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(found(&secure.broker), expected);
    assert!(expected.len() >= 6, "{}", expected.len());
}

/// Follows an exchange that plays one trade, until the topic has `ids`; returns the log.
fn follow(secure: &Secure, trade: u64, ids: &[u64]) -> String {
    let mut trades = Command::new(env!("CARGO_BIN_EXE_trades"));
    let _password = secure.login(&mut trades, "trades", "password-of-trades");
    trades
        .env("KAFKA_TOPIC_NAME", &secure.broker.name)
        .env("PAIRS", "BTC/USD")
        .env("KRAKEN_WS_URL", websocket(vec![vec![update(&[trade])]], None))
        .env("KRAKEN_REST_URL", rest(20, None))
        .env("HTTP_ADDR", "127.0.0.1:0")
        .stderr(Stdio::piped());
    end(&secure.broker, trades.spawn().unwrap(), ids)
}

#[test]
fn a_start_goes_on_where_the_topic_ends_when_the_user_may_read_it_and_says_when_it_may_not() {
    let Some(secure) = Secure::start("resumed") else { return };
    let name = &secure.broker.name;
    let first = start(&secure.broker, &[&[1]], "http://127.0.0.1:1", &[]);
    end(&secure.broker, first, &[1]);
    kafka_sh(&["grant".to_owned(), format!("trades:topic:{name}:Describe,Write")]).unwrap();
    let log = follow(&secure, 4, &[1, 4]);
    assert!(log.contains("this user may not read the topic"), "{log}");
    kafka_sh(&[vec!["grant".to_owned()], secure.rights(&config::TRADES)].concat()).unwrap();
    let log = follow(&secure, 6, &[1, 2, 3, 4, 5, 6]);
    assert!(log.contains("read the end of the topic") && !log.contains("WARN\",\"message\":\"kafka"), "{log}");
}

#[test]
fn wrong_credentials_and_missing_rights_are_told() {
    let Some(secure) = Secure::start("refused") else { return };
    let check = |user: &str, password: &str, authority: &str| {
        let mut candles = secure.candles();
        let _password = secure.login(&mut candles, user, password);
        let output = candles.env("KAFKA_SSL_CA_FILE", authority).arg("--check").output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, log) = check("candles", "wrong", &secure.authority);
    assert!(code == Some(1) && log.contains("invalid credentials with SASL mechanism SCRAM-SHA-512"), "{log}");
    assert!(!log.contains("wrong"), "a password is printed nowhere: {log}");

    let (code, log) = check("nobody", "password-of-nobody", &secure.authority);
    let expected = format!("this user may not use topic `{}`", secure.broker.name);
    assert!(code == Some(1) && log.contains(&expected), "{log}");

    let stranger = crate::played::Identity::of("127.0.0.1");
    let (code, log) = check("candles", "password-of-candles", stranger.authority.path().to_str().unwrap());
    assert!(code == Some(1) && log.contains("certificate verify failed"), "{log}");
}
