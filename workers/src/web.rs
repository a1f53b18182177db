//! The live page: what `candles` computes, as candlesticks. It has no state of its own and needs nothing from elsewhere.
//!
//! `/` is the page, `/markets` finds pairs, `/events` follows one of them as server-sent events.

pub mod board;
pub mod watcher;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Query;
use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::StatusCode;
use axum::http::header;
use axum::middleware;
use axum::response::IntoResponse;
use axum::response::Response;
use axum::response::sse::Event;
use axum::response::sse::KeepAlive;
use axum::response::sse::Sse;
use axum::routing::get;
use futures_util::stream;
use serde::Deserialize;
use serde::Serialize;

use crate::web::board::Board;

/// The files of the page: path, media type, text.
const FILES: &[(&str, &str, &str)] = &[
    ("/", "text/html; charset=utf-8", include_str!("web/page/page.html")),
    ("/page.css", "text/css; charset=utf-8", include_str!("web/page/page.css")),
    ("/page.js", "text/javascript; charset=utf-8", include_str!("web/page/page.js")),
    ("/chart.js", "text/javascript; charset=utf-8", include_str!("web/page/chart.js")),
    ("/picker.js", "text/javascript; charset=utf-8", include_str!("web/page/picker.js")),
    ("/table.js", "text/javascript; charset=utf-8", include_str!("web/page/table.js")),
    ("/texts.js", "text/javascript; charset=utf-8", include_str!("web/page/texts.js")),
    ("/icon.svg", "image/svg+xml", include_str!("web/page/icon.svg")),
];

/// What the browser is to refuse. Everything that the page needs comes from here.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'";

/// Markets in an answer of `/markets`.
const MOST_MATCHES: usize = 50;

/// Longest name that is asked for: exchange, pair and the bar between.
const MAX_NAME: usize = 129;

/// After a lost connection the browser tries again.
const RETRY: Duration = Duration::from_secs(1);

/// Returns the page and what it asks for.
pub fn pages(board: Arc<Board>) -> Router {
    let mut router = Router::new().route("/markets", get(markets)).route("/events", get(events));
    for (path, media_type, text) in FILES {
        router = router.route(path, get(|| async { ([(header::CONTENT_TYPE, *media_type)], *text) }));
    }
    router.with_state(board).layer(middleware::map_response(guard))
}

async fn guard(mut response: Response) -> Response {
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

#[derive(Deserialize)]
struct Search {
    #[serde(default)]
    search: String,
}

#[derive(Serialize)]
struct Found<'a> {
    notice: &'a str,
    intervals: &'a [String],
    total: usize,
    matches: usize,
    markets: Vec<&'a str>,
}

/// Finds markets whose letters and digits contain those of the search; those that begin with them come first.
async fn markets(State(board): State<Arc<Board>>, Query(query): Query<Search>) -> Response {
    let plain = |text: &str| -> String {
        text.chars().filter(|character| character.is_alphanumeric()).flat_map(char::to_lowercase).collect()
    };
    let (all, wanted) = (board.markets(), plain(&query.search));
    let mut matches: Vec<(usize, &str)> = all
        .iter()
        // The exchange may be searched for, and does not come before the pair.
        .filter_map(|market| {
            let pair = market.rsplit_once('|').map_or(market.as_ref(), |(_, pair)| pair);
            let place = plain(pair).find(&wanted).or_else(|| plain(market).find(&wanted).map(|place| place + 1))?;
            Some((usize::from(place > 0), market.as_ref()))
        })
        .collect();
    matches.sort_by_key(|(place, _)| *place);
    let found = Found {
        notice: board.notice(),
        intervals: board.intervals(),
        total: all.len(),
        matches: matches.len(),
        markets: matches.into_iter().map(|(_, market)| market).take(MOST_MATCHES).collect(),
    };
    match serde_json::to_string(&found) {
        Ok(json) => ([(header::CONTENT_TYPE, "application/json")], json).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

#[derive(Deserialize)]
struct Subject {
    market: String,
    interval: String,
}

async fn events(State(board): State<Arc<Board>>, Query(subject): Query<Subject>) -> Response {
    if !board.intervals().contains(&subject.interval) {
        let text = format!("`interval` is one of {}\n", board.intervals().join(", "));
        return (StatusCode::BAD_REQUEST, text).into_response();
    }
    if subject.market.is_empty() || subject.market.len() > MAX_NAME {
        return (StatusCode::BAD_REQUEST, "`market` is no name of a market\n").into_response();
    }
    let Some(watcher) = board.watch(&subject.market, &subject.interval) else {
        let text = "too many readers: try again later\n";
        return (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "10")], text).into_response();
    };
    let events = stream::unfold(watcher, |mut watcher| async move {
        let message = watcher.next().await?;
        Some((Ok::<_, Infallible>(Event::default().retry(RETRY).data(message)), watcher))
    });
    Sse::new(events).keep_alive(KeepAlive::default()).into_response()
}
