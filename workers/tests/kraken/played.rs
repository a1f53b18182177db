//! The exchange, played by local servers: a WebSocket that drops trades and connections, and a REST interface that has them all;
//! both with TLS, where an identity says who they are.

use std::io::Read;
use std::io::Write;
use std::net::TcpListener;
use std::net::TcpStream;
use std::sync::Arc;
use std::thread;

use rcgen::BasicConstraints;
use rcgen::CertificateParams;
use rcgen::CertifiedIssuer;
use rcgen::IsCa;
use rcgen::KeyPair;
use rustls::ServerConfig;
use rustls::ServerConnection;
use rustls::StreamOwned;
use rustls::crypto::ring;
use rustls::pki_types::PrivateKeyDer;
use tempfile::NamedTempFile;
use tungstenite::Message;

pub(crate) const SECOND_US: i64 = 1_000_000;
pub(crate) const START_US: i64 = 1_700_000_000 * SECOND_US;

/// A certificate for one name, and the authority that vouches for it.
pub(crate) struct Identity {
    /// Certificate of the authority, PEM.
    pub(crate) authority: NamedTempFile,
    config: Arc<ServerConfig>,
}

impl Identity {
    /// Returns the identity of `host`, by an authority of its own.
    pub(crate) fn of(host: &str) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let file = NamedTempFile::new().unwrap();
        std::fs::write(file.path(), authority.pem()).unwrap();
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new([host.to_owned()]).unwrap().signed_by(&key, &authority).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], PrivateKeyDer::Pkcs8(key.serialize_der().into()))
            .unwrap();
        Self { authority: file, config: Arc::new(config) }
    }
}

trait Connection: Read + Write {}
impl<T: Read + Write> Connection for T {}

/// Returns the connections that come to `listener`, as whoever `identity` says.
fn connections(listener: TcpListener, config: Option<Arc<ServerConfig>>) -> impl Iterator<Item = Box<dyn Connection>> {
    let accept = move || listener.accept().unwrap().0;
    std::iter::from_fn(move || {
        let stream: TcpStream = accept();
        Some(match &config {
            None => Box::new(stream) as Box<dyn Connection>,
            Some(config) => Box::new(StreamOwned::new(ServerConnection::new(Arc::clone(config)).unwrap(), stream)),
        })
    })
}

/// Returns a listener and its URL.
fn listen(scheme: &str, identity: Option<&Identity>) -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let secure = if identity.is_some() { "s" } else { "" };
    let url = format!("{scheme}{secure}://{}", listener.local_addr().unwrap());
    (listener, url)
}

/// A trade as the WebSocket tells it; its price follows from its id.
pub(crate) fn streamed(id: u64) -> String {
    let (minute, second) = (13 + (20 + id) / 60, (20 + id) % 60);
    format!(
        r#"{{"symbol":"BTC/USD","side":"buy","price":{}.5,"qty":0.25,"ord_type":"market","trade_id":{id},"timestamp":"2023-11-14T22:{minute:02}:{second:02}.000250Z"}}"#,
        1_000 + id
    )
}

pub(crate) fn update(ids: &[u64]) -> Message {
    let trades: Vec<String> = ids.iter().map(|id| streamed(*id)).collect();
    Message::text(format!(r#"{{"channel":"trade","type":"update","data":[{}]}}"#, trades.join(",")))
}

/// Plays the exchange's WebSocket for one connection after another: each list of messages, then the connection is cut. After the
/// last nobody listens any more. A client that does not believe the identity is told nothing, and the next is awaited.
pub(crate) fn websocket(played: Vec<Vec<Message>>, identity: Option<&Identity>) -> String {
    let (listener, url) = listen("ws", identity);
    let config = identity.map(|identity| Arc::clone(&identity.config));
    thread::spawn(move || {
        for (stream, messages) in connections(listener, config).zip(played) {
            let Ok(mut socket) = tungstenite::accept(stream) else { continue };
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
pub(crate) fn rest(count: u64, identity: Option<&Identity>) -> String {
    let (listener, url) = listen("http", identity);
    let config = identity.map(|identity| Arc::clone(&identity.config));
    thread::spawn(move || {
        for mut stream in connections(listener, config) {
            let mut head = Vec::new();
            let mut byte = [0];
            while !head.ends_with(b"\r\n\r\n") && matches!(stream.read(&mut byte), Ok(1)) {
                head.push(byte[0]);
            }
            let Some(line) = String::from_utf8(head).unwrap().lines().next().map(str::to_owned) else { continue };
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
