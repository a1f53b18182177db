//! `/livez`, `/readyz` and `/metrics`.

mod patient;

use std::net::SocketAddr;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;

use crate::http::patient::Patient;
use crate::kafka::WorkError;
use crate::metrics::Metrics;

/// A loop that does not come round for so long is stuck. A broker that is away does not stop it.
const STUCK: Duration = Duration::from_mins(1);

/// What the loop tells of itself.
#[derive(Debug)]
pub struct Health {
    began: Instant,
    /// Milliseconds after `began`.
    last_tick: AtomicU64,
    ready: AtomicBool,
}

impl Default for Health {
    fn default() -> Self {
        Self { began: Instant::now(), last_tick: AtomicU64::new(0), ready: AtomicBool::new(false) }
    }
}

impl Health {
    /// The loop came round.
    pub fn tick(&self) {
        let now = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last_tick.store(now, Ordering::Relaxed);
    }

    /// Sets whether there is work, and it is being done.
    pub fn set_ready(&self, readiness: Readiness) {
        self.ready.store(readiness == Readiness::Ready, Ordering::Relaxed);
    }

    fn is_live(&self) -> bool {
        let since = self.began + Duration::from_millis(self.last_tick.load(Ordering::Relaxed));
        since.elapsed() < STUCK
    }
}

/// An answer of `/readyz`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// Assigned, restored and working.
    Ready,
    /// Starting, restoring or draining.
    NotReady,
}

/// What the pages are made of.
#[derive(Clone)]
struct Pages {
    health: Arc<Health>,
    metrics: Arc<dyn Metrics>,
}

/// Serves probes and metrics on a thread of its own until the process ends; returns the address, whose port may have been 0. `more`
/// adds pages.
///
/// # Errors
/// When the address cannot be bound.
pub fn serve(
    address: SocketAddr,
    health: Arc<Health>,
    metrics: Arc<dyn Metrics>,
    more: Router,
) -> Result<SocketAddr, WorkError> {
    serve_pages("listen on HTTP_ADDR", address, with_probes(health, metrics, more))
}

/// Returns `more` with `/livez`, `/readyz` and `/metrics`.
pub fn with_probes(health: Arc<Health>, metrics: Arc<dyn Metrics>, more: Router) -> Router {
    Router::new()
        .route("/livez", get(live))
        .route("/readyz", get(ready))
        .route("/metrics", get(scrape))
        .with_state(Pages { health, metrics })
        .merge(more)
}

/// Serves `pages` as [`serve`] does, and nothing else; `doing` is what has failed when the address cannot be bound. A reader that
/// takes nothing for a while is disconnected.
///
/// # Errors
/// When the address cannot be bound.
pub fn serve_pages(doing: &'static str, address: SocketAddr, pages: Router) -> Result<SocketAddr, WorkError> {
    let failed = |error: std::io::Error| WorkError::Other { doing, reason: format!("`{address}`: {error}") };
    let listener = TcpListener::bind(address).map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
    let run = move || {
        runtime.block_on(async move {
            match tokio::net::TcpListener::from_std(listener) {
                Ok(listener) => {
                    if let Err(error) = axum::serve(Patient(listener), pages).await {
                        tracing::error!(%error, "web server");
                    }
                }
                Err(error) => tracing::error!(%error, "web server"),
            }
        });
    };
    thread::Builder::new().name("http".to_owned()).spawn(run).map_err(failed)?;
    Ok(bound)
}

async fn live(State(pages): State<Pages>) -> (StatusCode, &'static str) {
    if pages.health.is_live() { (StatusCode::OK, "live\n") } else { (StatusCode::SERVICE_UNAVAILABLE, "stuck\n") }
}

async fn ready(State(pages): State<Pages>) -> (StatusCode, &'static str) {
    if pages.health.ready.load(Ordering::Relaxed) {
        (StatusCode::OK, "ready\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready\n")
    }
}

async fn scrape(State(pages): State<Pages>) -> String {
    pages.metrics.text()
}
