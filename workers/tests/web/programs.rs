//! The page of the programs: of the demo, of `candles --web`, and in a browser.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::io::BufRead;
use std::io::BufReader;
use std::net::SocketAddr;
use std::net::TcpListener;
use std::path::Path;
use std::process::Child;
use std::process::Command;
use std::process::ExitStatus;
use std::process::Stdio;
use std::time::Duration;
use std::time::Instant;

use crate::ask;
use crate::event;
use crate::get;
use crate::wait_for;

/// A process that ends with its test, however that ends.
struct Running(Child);

impl Running {
    fn signal(&mut self, signal: &str) -> ExitStatus {
        Command::new("kill").args([signal, &self.0.id().to_string()]).status().unwrap();
        self.wait()
    }

    fn wait(&mut self) -> ExitStatus {
        wait_for("the end", || self.0.try_wait().unwrap().is_some());
        self.0.wait().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A demo that was started, and what it said until it was at work.
struct Demo {
    process: Running,
    page: String,
    greeting: String,
}

impl Demo {
    fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_workers"))
            .arg("demo")
            .args(["--address", "127.0.0.1:0"])
            .args(arguments)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap());
        let process = Running(child);
        let mut greeting = String::new();
        while !greeting.contains("end") {
            assert_ne!(lines.read_line(&mut greeting).unwrap(), 0, "{greeting}");
        }
        // What comes later goes to the log of the test.
        std::thread::spawn(move || lines.lines().map_while(Result::ok).for_each(|line| println!("demo: {line}")));
        let page = greeting.lines().find_map(|line| line.strip_prefix("The page is at ")).unwrap().to_owned();
        Self { process, page, greeting }
    }

    fn address(&self) -> SocketAddr {
        self.page.trim_start_matches("http://").trim_end_matches('/').parse().unwrap()
    }

    fn interrupt(mut self) -> ExitStatus {
        self.process.signal("-INT")
    }
}

#[test]
fn the_demo_streams_candles_and_ends_by_an_interrupt() {
    let demo = Demo::start(&["--rate", "500", "--candles", "1s,1m"]);
    for words in ["librdkafka's mock cluster inside this process", "export KAFKA_BROKER_ADDRESS=", "candles --web"] {
        assert!(demo.greeting.contains(words), "{}", demo.greeting);
    }
    let mut stream = BufReader::new(ask(demo.address(), "/events?market=synthetic%7CBTC%2FUSD&interval=1s"));
    // A candle a second would take longer: they begin with the past.
    let deadline = Instant::now() + Duration::from_mins(1);
    let (mut starts, mut finals, mut has_progress) = (BTreeSet::new(), 0, false);
    while starts.len() < 100 || finals < 80 || !has_progress {
        assert!(Instant::now() < deadline, "{} candles", starts.len());
        let news = event(&mut stream);
        for candle in news["candles"].as_array().into_iter().flatten() {
            assert_eq!((&candle["pair"], &candle["interval"]), (&"BTC/USD".into(), &"1s".into()));
            starts.insert(candle["start_us"].as_i64().unwrap());
            finals += usize::from(candle["status"] == "final");
        }
        let progress = &news["progress"];
        has_progress |= progress["trades"].as_u64().unwrap_or(0) > 0 && progress["ready"] == true;
    }
    assert!(get(demo.address(), "/metrics").contains("candles_trades_total"));
    assert!(get(demo.address(), "/markets").contains("Demo: made-up trades"));
    drop(stream);
    assert!(demo.interrupt().success());
}

#[test]
fn the_demo_ends_by_itself_when_told_so() {
    let began = Instant::now();
    let mut demo = Demo::start(&["--seconds", "3", "--pairs", "2"]);
    assert!(demo.greeting.contains("It ends in 3 s"));
    assert!(demo.process.wait().success());
    assert!(began.elapsed() >= Duration::from_secs(3));
}

#[test]
fn what_is_wrong_with_the_demo_is_said_at_once() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let said = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_workers")).arg("demo").args(arguments).output().unwrap();
        assert!(!output.status.success(), "{arguments:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    let text = said(&["--address", &address]);
    assert!(
        text.contains(&format!("failed to serve the page at --address: `{address}`: Address already in use")),
        "{text}"
    );
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(said(&["--candles", "soon"]).contains("`soon`, not a length from 1 second to a week"));
    assert!(said(&["--pairs", "0"]).contains("1..=10000"));
}

/// `candles` on a mock cluster whose only trades are those of half a minute.
struct Cluster {
    _broker: Running,
    address: String,
}

impl Cluster {
    fn start() -> Self {
        let mut broker = Command::new(env!("CARGO_BIN_EXE_mock-broker"))
            .args(["trades:1", "candles:1", "trades.dlq:1", "trades.late:1"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut address = String::new();
        BufReader::new(broker.stdout.take().unwrap()).read_line(&mut address).unwrap();
        let cluster = Self { _broker: Running(broker), address: address.trim().to_owned() };
        let trades = [("SOURCE", "synthetic"), ("COUNT", "3000"), ("RATE", "100"), ("HISTORY_SECONDS", "30")];
        let mut feeder = cluster.command(env!("CARGO_BIN_EXE_trades"));
        let fed = feeder.env("KAFKA_TOPIC_NAME", "trades").envs(trades).stderr(Stdio::null()).status().unwrap();
        assert!(fed.success());
        cluster
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.envs([("KAFKA_BROKER_ADDRESS", self.address.as_str()), ("HTTP_ADDR", "127.0.0.1:0")]);
        command
    }

    fn candles(&self) -> Command {
        let mut command = self.command(env!("CARGO_BIN_EXE_candles"));
        command
            .envs([("KAFKA_INPUT_TOPIC", "trades"), ("KAFKA_OUTPUT_TOPIC", "candles"), ("CANDLE_SECONDS", "1")])
            .envs([("KAFKA_CONSUMER_GROUP", "candles"), ("IDLE_CLOSE_MS", "500"), ("COMMIT_INTERVAL_MS", "100")])
            .stderr(Stdio::piped());
        command
    }

    /// Starts `candles --web`; returns it with the final candles of a pair that its page has, when they are as many as `enough` wants.
    fn page(&self, enough: impl Fn(usize) -> bool) -> (Running, BTreeMap<i64, serde_json::Value>) {
        let mut candles = self.candles().args(["--web", "127.0.0.1:0"]).spawn().unwrap();
        let mut lines = BufReader::new(candles.stderr.take().unwrap()).lines().map_while(Result::ok);
        let candles = Running(candles);
        let said = lines.find(|line| line.contains("serving the live page")).unwrap();
        std::thread::spawn(move || lines.for_each(|line| println!("candles: {line}")));
        let said: serde_json::Value = serde_json::from_str(&said).unwrap();
        let address = said["address"].as_str().unwrap().parse().unwrap();
        let mut stream = BufReader::new(ask(address, "/events?market=synthetic%7CBTC%2FUSD&interval=1s"));
        let (mut found, deadline) = (BTreeMap::new(), Instant::now() + Duration::from_mins(1));
        while !enough(found.len()) {
            assert!(Instant::now() < deadline, "{} candles", found.len());
            for candle in event(&mut stream)["candles"].as_array().into_iter().flatten() {
                if candle["status"] == "final" {
                    found.insert(candle["start_us"].as_i64().unwrap(), candle.clone());
                }
            }
        }
        (candles, found)
    }
}

#[test]
fn candles_serves_the_page_when_asked_and_knows_the_recent_past_after_a_restart() {
    let cluster = Cluster::start();
    let (mut candles, before) = cluster.page(|count| count >= 30);
    assert!(candles.signal("-TERM").success());
    let (_candles, after) = cluster.page(|count| count >= before.len());
    for (start, candle) in before {
        assert_eq!(Some(&candle), after.get(&start));
    }

    let taken = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let _keeps_it = TcpListener::bind(taken).unwrap();
    let output = cluster.candles().env("WEB_ADDRESS", taken.to_string()).output().unwrap();
    let log = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{log}");
    assert!(log.contains(&format!("failed to listen on WEB_ADDRESS: `{taken}`: Address already in use")), "{log}");
}

/// In a headless Chromium; `.ci/run` installs it.
#[test]
fn the_page_works_in_a_browser() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let installed = top.join("target/web-test/node_modules");
    if !installed.is_dir() {
        println!("skipped: no browser; workers/web-test/install.sh brings one, where npm is at hand");
        return;
    }
    let looks = |demo: Demo, at: &str| {
        let output = Command::new("node")
            .arg(top.join("workers/web-test/page.mjs"))
            .args([demo.page.as_str(), installed.parent().unwrap().to_str().unwrap(), at])
            .output()
            .unwrap();
        let stdout = String::from_utf8_lossy(&output.stdout);
        println!("{stdout}");
        assert!(output.status.success() && stdout.contains("ok  "), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(demo.interrupt().success());
    };
    looks(Demo::start(&["--rate", "1000", "--candles", "1s,1m"]), "page");
    looks(Demo::start(&["--rate", "5000", "--candles", "1s,1m", "--pairs", "10000"]), "pairs");
}
