//! The programs: arguments, environment, logs, signals and exit codes. Only here is anything printed.

mod demo;

use std::collections::BTreeMap;
use std::io::Write;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use clap::Parser;
use rdkafka::consumer::BaseConsumer;
use tracing_subscriber::EnvFilter;

use crate::config;
use crate::config::LogFormat;
use crate::environment::Mistakes;
use crate::environment::Program;
use crate::http;
use crate::http::Health;
use crate::ingest::Ingest;
use crate::kafka;
use crate::kafka::Membership;
use crate::kafka::WorkError;
use crate::metrics::CandleMetrics;
use crate::metrics::TradeMetrics;
use crate::processor::Processor;
use crate::web;
use crate::web::board::Board;

/// The configuration is wrong: `EX_USAGE` of sysexits.
const MISCONFIGURED: u8 = 64;

/// Configured by environment variables: see --print-env.
#[derive(Parser)]
#[command(version, disable_help_subcommand = true)]
struct Arguments {
    /// Check configuration, broker and topics, and exit
    #[arg(long)]
    check: bool,
    /// Print the environment variables, ports and probes as YAML, and exit
    #[arg(long)]
    print_env: bool,
}

/// Configured by environment variables: see --print-env.
#[derive(Parser)]
#[command(version, disable_help_subcommand = true)]
struct CandlesArguments {
    #[command(flatten)]
    common: Arguments,
    /// Serve the live page, as WEB_ADDRESS does
    #[arg(long, value_name = "ADDRESS", num_args = 0..=1, default_missing_value = "127.0.0.1:8080")]
    web: Option<SocketAddr>,
}

/// Runs `workers`.
pub fn workers() -> ExitCode {
    demo::workers()
}

/// Runs `candles`.
pub fn candles() -> ExitCode {
    let CandlesArguments { common: arguments, web } = CandlesArguments::parse();
    if arguments.print_env {
        return print(&config::CANDLES.contract());
    }
    let candles = match config::candles(&environment()) {
        Ok(candles) => candles,
        Err(mistakes) => return misconfigured(&config::CANDLES, &mistakes),
    };
    start_logs(candles.operation.log_format, &candles.operation.log_level);
    if arguments.check {
        return finish(check(&candles));
    }
    let (metrics, health) = (Arc::<CandleMetrics>::default(), Arc::<Health>::default());
    let stop = match stop_signal(candles.operation.shutdown) {
        Ok(stop) => stop,
        Err(error) => return finish(Err(error)),
    };
    let address = candles.operation.http;
    let page = web.or(candles.page);
    let work = || {
        let bound = http::serve(address, Arc::clone(&health), Arc::clone(&metrics) as _, axum::Router::new())?;
        tracing::info!(address = %bound, "serving");
        let Some(page) = page else { return Processor::new(candles, metrics, health)?.run(&stop) };
        let board = Arc::new(Board::new(&candles.settings.seconds));
        let bound = http::serve_pages("listen on WEB_ADDRESS", page, web::pages(Arc::clone(&board)))?;
        tracing::info!(address = %bound, "serving the live page");
        Processor::new(candles, metrics, health)?.with_page(board).run(&stop)
    };
    finish(work())
}

/// Runs `trades`.
pub fn trades() -> ExitCode {
    let arguments = Arguments::parse();
    if arguments.print_env {
        return print(&config::TRADES.contract());
    }
    let trades = match config::trades(&environment()) {
        Ok(trades) => trades,
        Err(mistakes) => return misconfigured(&config::TRADES, &mistakes),
    };
    start_logs(trades.operation.log_format, &trades.operation.log_level);
    let metrics = Arc::<TradeMetrics>::default();
    let work = || {
        let ingest = Ingest::new(&trades.kafka, &trades.topic, Arc::clone(&metrics))?;
        if arguments.check {
            return Ok(());
        }
        let stop = stop_signal(trades.operation.shutdown)?;
        let health = Arc::<Health>::default();
        let bound = http::serve(trades.operation.http, Arc::clone(&health), metrics, axum::Router::new())?;
        tracing::info!(address = %bound, "serving");
        ingest.run(&trades, &health, &stop)
    };
    finish(work())
}

/// Checks what can be checked without joining the group.
fn check(candles: &config::Candles) -> Result<(), WorkError> {
    let consumer: BaseConsumer<Membership> = kafka::consumer_config(candles)
        .create_with_context(Membership::default())
        .map_err(WorkError::when("create the consumer"))?;
    kafka::check_topics(candles, &consumer).map(|_| ())
}

fn environment() -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// Prints data.
fn print(text: &str) -> ExitCode {
    // A reader that went away has seen enough.
    let _ = std::io::stdout().write_all(text.as_bytes());
    ExitCode::SUCCESS
}

fn misconfigured(program: &Program, mistakes: &Mistakes) -> ExitCode {
    let mut text = format!("{}: the environment is not as it has to be\n", program.name);
    for mistake in &mistakes.0 {
        text.push_str("  - ");
        text.push_str(mistake);
        text.push('\n');
    }
    let _ = std::io::stderr().write_all(text.as_bytes());
    ExitCode::from(MISCONFIGURED)
}

fn finish(result: Result<(), WorkError>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn start_logs(format: LogFormat, level: &str) {
    let filter = EnvFilter::new(level);
    let logs = tracing_subscriber::fmt().with_writer(std::io::stderr).with_env_filter(filter).with_target(false);
    match format {
        LogFormat::Json => logs.json().flatten_event(true).init(),
        LogFormat::Text => logs.with_ansi(false).init(),
    }
}

/// Returns what SIGTERM and SIGINT set. A second signal, or a drain that takes too long, ends the process.
#[expect(clippy::exit, reason = "draining has failed; the next process repeats what was not committed")]
fn stop_signal(patience: Duration) -> Result<Arc<AtomicBool>, WorkError> {
    let stop = Arc::new(AtomicBool::new(false));
    let failed = |error: std::io::Error| WorkError::Other { doing: "watch for signals", reason: error.to_string() };
    for signal in [signal_hook::consts::SIGTERM, signal_hook::consts::SIGINT] {
        signal_hook::flag::register_conditional_shutdown(signal, 1, Arc::clone(&stop)).map_err(failed)?;
        signal_hook::flag::register(signal, Arc::clone(&stop)).map_err(failed)?;
    }
    let watched = Arc::clone(&stop);
    let watch = move || {
        while !watched.load(Ordering::Relaxed) {
            thread::sleep(Duration::from_millis(100));
        }
        thread::sleep(patience);
        tracing::error!("not drained in time");
        std::process::exit(1);
    };
    thread::Builder::new().name("shutdown".to_owned()).spawn(watch).map_err(failed)?;
    Ok(stop)
}
