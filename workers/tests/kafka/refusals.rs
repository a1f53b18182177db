//! What is not as it has to be when a program starts.

use std::io::BufRead;
use std::io::BufReader;
use std::process::Child;
use std::process::Command;

use crate::broker::Broker;
use crate::broker::terminate;
use crate::broker::wait_for;

#[test]
fn what_is_missing_at_the_start_is_said() {
    let broker = Broker::start("missing", 2);
    let check = |more: &[(&str, &str)]| {
        let output = broker.candles(more).arg("--check").output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    assert_eq!(check(&[]).0, Some(0));
    let (code, log) = check(&[("KAFKA_BROKER_ADDRESS", "127.0.0.1:1")]);
    assert!(code == Some(1) && log.contains("no answer from Kafka at `127.0.0.1:1`"), "{log}");
    let late = format!("{}.late", broker.name);
    let (code, log) = check(&[("KAFKA_OUTPUT_TOPIC", &late)]);
    assert!(code == Some(1) && log.contains("has 1 partitions, fewer than the 2 of"), "{log}");
    if broker.is_real {
        let (code, log) = check(&[("KAFKA_INPUT_TOPIC", "nowhere")]);
        assert!(code == Some(1) && log.contains("topic `nowhere` does not exist"), "{log}");
    }
}

#[test]
fn a_wrong_environment_ends_the_program_before_it_asks_anybody() {
    let candles = Command::new(env!("CARGO_BIN_EXE_candles"))
        .envs([("CANDLE_SECONDS", "0,a minute"), ("KAFKA_INPUT_TOPIC", "trades"), ("HTTP_ADDR", "127.0.0.1:0")])
        .output()
        .unwrap();
    assert_eq!(candles.status.code(), Some(64));
    assert_eq!(
        String::from_utf8_lossy(&candles.stderr),
        "candles: the environment is not as it has to be\n\
        \x20 - KAFKA_CONSUMER_GROUP is not set: consumer group\n\
        \x20 - CANDLE_SECONDS has `0`, not a length from 1 second to a week\n\
        \x20 - CANDLE_SECONDS has `a minute`, not a length from 1 second to a week\n\
        \x20 - KAFKA_BROKER_ADDRESS is not set: brokers as host:port, by commas\n\
        \x20 - KAFKA_OUTPUT_TOPIC is not set: topic of candles, with as many partitions as that of trades\n"
    );
}

/// Starts `candles` and returns it with the address of its pages; its log goes on to be read.
fn serving(broker: &Broker) -> (Child, String) {
    let mut candles = broker.candles(&[("KAFKA_GROUP_INSTANCE_ID", "")]).spawn().unwrap();
    let mut log = BufReader::new(candles.stderr.take().unwrap()).lines().map_while(Result::ok);
    let line = log.find(|line| line.contains("\"serving\"")).unwrap();
    // The pipe must not fill up.
    std::thread::spawn(move || log.count());
    let line: serde_json::Value = serde_json::from_str(&line).unwrap();
    (candles, format!("http://{}", line["address"].as_str().unwrap()))
}

#[test]
fn a_replica_without_a_partition_is_a_ready_spare() {
    let broker = Broker::start("spare", 1);
    let replicas = [serving(&broker), serving(&broker)];
    let get = |page: &str| ureq::get(page).call().ok().and_then(|mut answer| answer.body_mut().read_to_string().ok());
    let ready = || replicas.iter().filter(|(_, url)| get(&format!("{url}/readyz")).is_some()).count();
    wait_for(|| ready() == 2);
    assert_eq!(ready(), 2, "one has the partition, the other none");
    let metrics: Vec<String> = replicas.iter().map(|(_, url)| get(&format!("{url}/metrics")).unwrap()).collect();
    let owners = metrics.iter().filter(|text| text.contains("kafka_consumer_lag{partition=\"0\"}")).count();
    assert_eq!(owners, 1, "{metrics:?}");
    for (candles, _) in replicas {
        assert!(terminate(candles).status.success());
    }
}
