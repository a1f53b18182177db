//! The exchange, played by a local server: a WebSocket that drops trades and connections, and a REST interface that has them all.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::BufRead;
use std::io::BufReader;
use std::io::Write;
use std::net::TcpListener;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use tungstenite::Message;
use workers::source::kraken::Gap;
use workers::source::kraken::Sequence;
use workers::source::kraken::Subscription;
use workers::source::kraken::fill;
use workers::source::kraken::read_message;
use workers::trade::Trade;

const SECOND_US: i64 = 1_000_000;
const START_US: i64 = 1_700_000_000 * SECOND_US;

/// A trade as the WebSocket tells it; its price follows from its id.
fn streamed(id: u64) -> String {
    let (minute, second) = (13 + (20 + id) / 60, (20 + id) % 60);
    format!(
        r#"{{"symbol":"BTC/USD","side":"buy","price":{}.5,"qty":0.25,"ord_type":"market","trade_id":{id},"timestamp":"2023-11-14T22:{minute:02}:{second:02}.000250Z"}}"#,
        1_000 + id
    )
}

fn update(ids: &[u64]) -> Message {
    let trades: Vec<String> = ids.iter().map(|id| streamed(*id)).collect();
    Message::text(format!(r#"{{"channel":"trade","type":"update","data":[{}]}}"#, trades.join(",")))
}

/// Plays the exchange's WebSocket for one connection after another: each list of messages, then the connection is cut.
fn websocket(connections: Vec<Vec<Message>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for messages in connections {
            let (stream, _) = listener.accept().unwrap();
            let mut socket = tungstenite::accept(stream).unwrap();
            let request = socket.read().unwrap().into_text().unwrap();
            assert!(request.contains(r#""method":"subscribe""#) && request.contains("BTC/USD"), "{request}");
            socket.send(Message::text(r#"{"channel":"status","type":"update","data":[{"system":"online"}]}"#)).unwrap();
            socket
                .send(Message::text(r#"{"method":"subscribe","success":true,"result":{"channel":"trade"}}"#))
                .unwrap();
            for message in messages {
                socket.send(message).unwrap();
            }
            socket.send(Message::text(r#"{"channel":"heartbeat"}"#)).unwrap();
            socket.flush().unwrap();
        }
    });
    url
}

/// Plays REST: pages of three trades after `since`, of ids from 1 on, one a second.
fn rest(count: u64) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut line = String::new();
            BufReader::new(&stream).read_line(&mut line).unwrap();
            let since: i64 = line.split("since=").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
            assert!(line.contains("pair=XBTUSD"), "{line}");
            let time_ns = |id: u64| (START_US + i64::try_from(id).unwrap() * SECOND_US + 250) * 1_000;
            let page: Vec<u64> = (1..=count).filter(|id| time_ns(*id) > since).take(3).collect();
            let rows = page.iter().map(|id| {
                format!(r#"["{}.50000","0.25000000",{}.0002500,"b","m","",{id}]"#, 1_000 + id, 1_700_000_000 + id)
            });
            let last = page.last().map_or(since, |id| time_ns(*id));
            let rows = rows.collect::<Vec<_>>().join(",");
            let body = format!(r#"{{"error":[],"result":{{"XXBTZUSD":[{rows}],"last":"{last}"}}}}"#);
            write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
                .unwrap();
        }
    });
    url
}

#[test]
fn what_the_stream_drops_is_fetched_from_rest_and_is_the_same_trade() {
    // The first connection skips 4 to 6 and is cut after 8; the second begins at 12.
    let url = websocket(vec![vec![update(&[3, 2, 1]), update(&[7, 8])], vec![update(&[12, 13])]]);
    let rest = rest(20);
    let (mut sequence, mut seen) = (Sequence::default(), Vec::new());
    for _ in 0..2 {
        let mut subscription = Subscription::open(&url, &["BTC/USD".to_owned()]).unwrap();
        let deadline = Instant::now() + Duration::from_secs(10);
        while let Ok(trades) = subscription.read()
            && Instant::now() < deadline
        {
            for trade in trades {
                let gap = sequence.note(&trade.record.key, trade.id, trade.ts_us);
                seen.push(trade);
                seen.extend(gap.iter().flat_map(|gap| fill(&rest, gap).unwrap()));
            }
        }
    }
    let mut ids: Vec<u64> = seen.iter().map(|trade| trade.id).collect();
    ids.sort_unstable();
    assert_eq!(ids, (1..=13).collect::<Vec<u64>>());
    for trade in &seen {
        let parsed = Trade::parse(Some(&trade.record.payload)).unwrap();
        assert_eq!(parsed.ts_us, START_US + i64::try_from(trade.id).unwrap() * SECOND_US + 250, "{}", trade.id);
        assert_eq!(parsed.price.to_string(), format!("{}.5", 1_000 + trade.id));
        assert_eq!((parsed.exchange.as_ref(), parsed.quantity.to_string().as_str()), ("kraken", "0.25"));
    }
}

#[test]
fn a_gap_that_rest_does_not_have_either_ends() {
    let rest = rest(5);
    let gap = Gap { pair: "BTC/USD".to_owned(), ids: (6, 9), since_us: START_US + 5 * SECOND_US + 250 };
    assert_eq!(fill(&rest, &gap).unwrap(), []);
}

#[test]
fn only_trades_are_taken_for_trades_and_a_refusal_is_told() {
    assert_eq!(read_message(r#"{"channel":"heartbeat"}"#).unwrap(), []);
    // The word alone makes nothing a heartbeat.
    let trade = streamed(7).replace("market", "heartbeat");
    assert_eq!(read_message(&format!(r#"{{"channel":"trade","type":"snapshot","data":[{trade}]}}"#)).unwrap().len(), 1);
    let refusal = r#"{"error":"Currency pair not supported A/B","method":"subscribe","success":false}"#;
    assert_eq!(read_message(refusal).unwrap_err().to_string(), "the exchange refused: Currency pair not supported A/B");
    for text in ["", "[]", r#"{"channel":"trade","data":[{"symbol":"A/B"}]}"#] {
        assert!(read_message(text).is_err(), "{text}");
    }
}
