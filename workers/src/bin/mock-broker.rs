//! librdkafka's mock cluster as a process, for tests: `mock-broker TOPIC:PARTITIONS...` prints the address, then obeys the lines of its
//! input: `down`, `up`. It ends with its input.

#![expect(clippy::print_stdout, reason = "the address is what it is asked for")]

use std::process::ExitCode;

use rdkafka::mocking::MockCluster;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing_subscriber::fmt().with_writer(std::io::stderr).init();
            tracing::error!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn std::error::Error>> {
    let cluster = MockCluster::new(1)?;
    for argument in std::env::args().skip(1) {
        let (topic, partitions) = argument.split_once(':').ok_or("an argument is TOPIC:PARTITIONS")?;
        cluster.create_topic(topic, partitions.parse()?, 1)?;
    }
    println!("{}", cluster.bootstrap_servers());
    for line in std::io::stdin().lines() {
        match line?.as_str() {
            "down" => cluster.broker_down(1)?,
            "up" => cluster.broker_up(1)?,
            other => return Err(format!("`{other}` is neither up nor down").into()),
        }
    }
    Ok(())
}
