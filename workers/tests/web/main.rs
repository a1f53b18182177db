//! The live page over HTTP: what a browser is told, what is streamed, and what a reader that takes nothing costs. In a browser it is
//! tested by `workers/web-test`.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::print_stdout, reason = "what is skipped belongs into the log")]

mod programs;

use std::io::BufRead;
use std::io::BufReader;
use std::io::Read;
use std::io::Write;
use std::net::SocketAddr;
use std::net::TcpStream;
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
        let is_in_every_font = |character: char| character <= '\u{ff}' || "–−".contains(character);
        assert_eq!(answer.chars().find(|character| !is_in_every_font(*character)), None, "{file}");
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

fn wait_for(what: &str, mut is_there: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_mins(1);
    while !is_there() {
        assert!(Instant::now() < deadline, "{what} has not come");
        std::thread::sleep(Duration::from_millis(50));
    }
}
