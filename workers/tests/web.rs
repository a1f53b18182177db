//! The live page over HTTP: what a browser is told, what is streamed, and what a reader that takes nothing costs. In a browser it is
//! tested by `workers/web-test`.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::print_stdout, reason = "what is skipped belongs into the log")]

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Read;
use std::io::Write;
use std::net::SocketAddr;
use std::net::TcpListener;
use std::net::TcpStream;
use std::path::Path;
use std::process::Child;
use std::process::Command;
use std::process::Output;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use workers::candle::Status;
use workers::http;
use workers::partition::CandleRecord;
use workers::web;
use workers::web::board::Board;
use workers::web::board::MOST_WATCHERS;
use workers::web::board::PartitionProgress;
use workers::web::board::Progress;
use workers::web::board::Wanted;

fn serve(board: &Arc<Board>) -> SocketAddr {
    http::serve_pages("serve the page", "127.0.0.1:0".parse().unwrap(), web::pages(Arc::clone(board))).unwrap()
}

fn ask(address: SocketAddr, path: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").unwrap();
    stream
}

/// Returns the whole answer.
fn get(address: SocketAddr, path: &str) -> String {
    let mut answer = String::new();
    ask(address, path).read_to_string(&mut answer).unwrap();
    answer
}

/// Returns the next event.
fn event(lines: &mut impl BufRead) -> serde_json::Value {
    loop {
        let mut line = String::new();
        assert_ne!(lines.read_line(&mut line).unwrap(), 0, "the stream ended");
        if let Some(data) = line.strip_prefix("data: ") {
            return serde_json::from_str(data).unwrap();
        }
    }
}

fn record(key: &str, status: Status, value: &str) -> CandleRecord {
    CandleRecord { key: key.to_owned(), value: value.as_bytes().to_vec(), status, missing: 0 }
}

const EVENTS: &str = "/events?market=x%7CBTC%2FUSD&interval=60s";

#[test]
fn the_page_needs_nothing_from_elsewhere_and_may_load_nothing_from_elsewhere() {
    let address = serve(&Arc::new(Board::new(&[60])));
    let page = get(address, "/");
    let (head, body) = page.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    let policy = head.lines().find(|line| line.starts_with("content-security-policy: ")).unwrap();
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    assert!(head.contains("x-content-type-options: nosniff"), "{head}");
    assert!(!body.contains(" style=") && !body.contains("<style") && !body.contains("://"), "inline or elsewhere");
    for file in ["page.css", "page.js", "icon.svg", "chart.js", "picker.js", "table.js", "texts.js"] {
        let answer = get(address, &format!("/{file}"));
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("content-security-policy"), "{file}");
        let elsewhere = answer.replace("http://www.w3.org/2000/svg", "");
        assert!(!elsewhere.contains("://") && !answer.contains("innerHTML"), "{file}");
    }
}

#[test]
fn pairs_are_found_by_their_letters_and_digits() {
    let board = Arc::new(Board::new(&[5, 60]).with_notice("a demo"));
    let names = (0..10_000).map(|number| format!("kraken|X{number:04}/USD").into_boxed_str());
    board.set_markets(names.chain(["kraken|BTC/USD".into(), "kraken|WBTC/USD".into()]).collect());
    let address = serve(&board);
    let found = |search: &str| -> serde_json::Value {
        let answer = get(address, &format!("/markets{search}"));
        serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
    };
    let all = found("");
    assert_eq!(all["intervals"], serde_json::json!(["5s", "60s"]));
    assert_eq!((all["notice"].as_str(), all["total"].as_u64()), (Some("a demo"), Some(10_002)));
    assert_eq!((all["matches"].as_u64(), all["markets"].as_array().unwrap().len()), (Some(10_002), 50));
    let some = found("?search=btc-usd");
    assert_eq!(
        some["markets"],
        serde_json::json!(["kraken|BTC/USD", "kraken|WBTC/USD"]),
        "what begins with it is first"
    );
    assert_eq!(found("?search=kraken+x0017")["markets"], serde_json::json!(["kraken|X0017/USD"]));
    assert_eq!(found("?search=nothing")["matches"], 0);
}

#[test]
fn a_stream_begins_with_everything_and_goes_on_with_what_changes() {
    let board = Arc::new(Board::new(&[60]));
    board.set_markets(vec!["x|BTC/USD".into()]);
    board.note(&record("x|BTC/USD|60s|0", Status::Final, r#"{"start_us":0}"#));
    board.note(&record("x|ETH/USD|60s|0", Status::Final, r#"{"start_us":7}"#));
    let address = serve(&board);
    let mut stream = BufReader::new(ask(address, EVENTS));
    assert_eq!(event(&mut stream), serde_json::json!({"candles": [{"start_us": 0}], "partition": null}));

    let wanted = board.wanted();
    assert_eq!(wanted, [("x|BTC/USD".into(), Wanted::Kept)], "only what is looked at");
    let open = record("x|BTC/USD|60s|60", Status::Open, r#"{"start_us":60}"#);
    board.show("x|BTC/USD", Wanted::Kept, Some(2), &[open]);
    let partitions = vec![PartitionProgress { id: 2, lag: 9, watermark_delay_ms: None }];
    board.set_progress(&Progress { ready: true, partitions, ..Progress::default() });
    board.publish();
    let news = event(&mut stream);
    assert_eq!((&news["candles"], &news["partition"]), (&serde_json::json!([{"start_us": 60}]), &serde_json::json!(2)));
    assert_eq!(news["progress"]["partitions"][0], serde_json::json!({"id": 2, "lag": 9, "watermark_delay_ms": null}));

    // Nothing new is no message: the next one is the correction.
    board.publish();
    board.note(&record("x|BTC/USD|60s|0", Status::Corrected, r#"{"start_us":0,"revision":1}"#));
    board.publish();
    assert_eq!(event(&mut stream), serde_json::json!({"candles": [{"start_us": 0, "revision": 1}]}));
    drop(stream);
    wait_for("the reader is gone", || {
        board.publish();
        board.note(&record("x|BTC/USD|60s|0", Status::Corrected, &format!("{:?}", Instant::now())));
        board.watchers() == 0
    });
}

#[test]
fn what_is_asked_wrongly_is_answered_with_a_sentence() {
    let board = Arc::new(Board::new(&[60]));
    let address = serve(&board);
    for (path, status, words) in [
        ("/events?market=BTC/USD&interval=1s", "400", "`interval` is one of 60s"),
        ("/events?market=&interval=60s", "400", "`market` is no name of a market"),
        ("/events", "400", "market"),
        ("/nowhere", "404", ""),
    ] {
        let answer = get(address, path);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")) && answer.contains(words), "{path}: {answer}");
    }
    let readers: Vec<_> = (0..MOST_WATCHERS).map(|_| board.watch("A/B", "60s").unwrap()).collect();
    assert!(get(address, EVENTS).starts_with("HTTP/1.1 503"));
    drop(readers);
}

#[test]
fn a_reader_that_takes_nothing_is_dropped_and_costs_nothing_meanwhile() {
    let board = Arc::new(Board::new(&[60]));
    let address = serve(&board);
    let mut lazy = ask(address, EVENTS);
    lazy.read_exact(&mut [0; 15]).unwrap();
    assert_eq!(board.watchers(), 1);
    let (mut version, began) = (0, Instant::now());
    let pause = Duration::from_millis(5);
    while board.watchers() > 0 {
        assert!(began.elapsed() < Duration::from_mins(1), "still connected after {version} updates");
        for start in 0..300 {
            let value = format!("{{\"start_us\":{start},\"version\":{version},\"filler\":\"{}\"}}", "x".repeat(400));
            board.note(&record(&format!("x|BTC/USD|60s|{start}"), Status::Corrected, &value));
        }
        version += 1;
        board.publish();
        std::thread::sleep(pause);
    }
    assert!(began.elapsed() > Duration::from_secs(4), "dropped after {:?}", began.elapsed());
    assert_eq!(board.candles(), 300);
}

/// A demo that was started, and what it said until it was at work.
struct Demo {
    child: Child,
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
        let mut greeting = String::new();
        while !greeting.contains("end") {
            assert_ne!(lines.read_line(&mut greeting).unwrap(), 0, "{greeting}");
        }
        // What comes later goes to the log of the test.
        std::thread::spawn(move || lines.lines().map_while(Result::ok).for_each(|line| println!("demo: {line}")));
        let page = greeting.lines().find_map(|line| line.strip_prefix("The page is at ")).unwrap().to_owned();
        Self { child, page, greeting }
    }

    fn address(&self) -> SocketAddr {
        self.page.trim_start_matches("http://").trim_end_matches('/').parse().unwrap()
    }

    fn interrupt(mut self) -> Output {
        Command::new("kill").args(["-INT", &self.child.id().to_string()]).status().unwrap();
        wait_for("the end", || self.child.try_wait().unwrap().is_some());
        self.child.wait_with_output().unwrap()
    }
}

fn wait_for(what: &str, mut is_there: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_mins(1);
    while !is_there() {
        assert!(Instant::now() < deadline, "{what} has not come");
        std::thread::sleep(Duration::from_millis(50));
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
    assert!(demo.interrupt().status.success());
}

#[test]
fn the_demo_ends_by_itself_when_told_so() {
    let began = Instant::now();
    let mut demo = Demo::start(&["--seconds", "3", "--pairs", "2"]);
    assert!(demo.greeting.contains("It ends in 3 s"));
    wait_for("the end", || demo.child.try_wait().unwrap().is_some());
    assert!(demo.child.wait().unwrap().success());
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
    broker: Child,
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
        let cluster = Self { broker, address: address.trim().to_owned() };
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
    fn page(&self, enough: impl Fn(usize) -> bool) -> (Child, BTreeMap<i64, serde_json::Value>) {
        let mut candles = self.candles().args(["--web", "127.0.0.1:0"]).spawn().unwrap();
        let mut lines = BufReader::new(candles.stderr.take().unwrap()).lines().map_while(Result::ok);
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

impl Drop for Cluster {
    fn drop(&mut self) {
        let _ = self.broker.kill();
        let _ = self.broker.wait();
    }
}

#[test]
fn candles_serves_the_page_when_asked_and_knows_the_recent_past_after_a_restart() {
    let cluster = Cluster::start();
    let (mut candles, before) = cluster.page(|count| count >= 30);
    Command::new("kill").args(["-TERM", &candles.id().to_string()]).status().unwrap();
    assert!(candles.wait().unwrap().success());
    let (mut candles, after) = cluster.page(|count| count >= before.len());
    candles.kill().unwrap();
    candles.wait().unwrap();
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
        assert!(demo.interrupt().status.success());
    };
    looks(Demo::start(&["--rate", "1000", "--candles", "1s,1m"]), "page");
    looks(Demo::start(&["--rate", "5000", "--candles", "1s,1m", "--pairs", "10000"]), "pairs");
}
