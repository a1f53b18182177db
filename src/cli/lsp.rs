//! `gitops-gen lsp`: what is wrong, as somebody types it.
//!
//! The Language Server Protocol over stdio, one message after the other: a change is validated in milliseconds, so
//! nothing waits for a thread. Source: Language Server Protocol 3.17.

mod answer;
mod capabilities;
mod folder;
mod framing;
mod position;
mod publish;
mod server;

use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{self, Sender};
use std::thread;

use lsp_server::{ErrorCode, Message};

use crate::cli::console::{self, Console};
use crate::cli::lsp::framing::Frame;
use crate::cli::lsp::server::{Next, Server};
use crate::cli::{CliError, Ended};
use crate::flux::FluxVersion;
use crate::session::Settings;

/// Serve an editor over stdin and stdout (Language Server Protocol)
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Pass over the files that match, as in a .gitignore (may be repeated)
    #[arg(long, value_name = "PATTERN")]
    exclude: Vec<String>,
    /// Flux release whose behaviour is followed [default: what gitops.yaml says, else 2.9]
    #[arg(long, value_name = "VERSION")]
    flux_version: Option<FluxVersion>,
    /// What every editor's client library passes; stdin and stdout are used in any case
    #[arg(long, hide = true)]
    stdio: bool,
}

/// Something that happened.
enum Event {
    /// The client says something.
    Frame(Frame),
    /// Files may differ on disk.
    Disk(Vec<PathBuf>),
}

/// Serves the client until it says that it is done, or is gone.
pub(super) fn run(args: &Args, console: &Console) -> Result<Ended, CliError> {
    let settings = Settings { version: args.flux_version, today: console::today(), ..Settings::default() };
    let (sender, receiver) = mpsc::channel();
    let disk = sender.clone();
    let watch = move |paths| drop(disk.send(Event::Disk(paths)));
    let mut server = Server::new(settings, args.exclude.clone(), Box::new(watch));
    listen(sender);
    loop {
        // While the client goes on typing there is nothing to say of what it has typed.
        let event = if let Ok(event) = receiver.try_recv() {
            event
        } else {
            for message in server.settle() {
                write(&message)?;
            }
            match receiver.recv() {
                Ok(event) => event,
                Err(_) => return Ok(Ended::WithoutShutdown),
            }
        };
        let message = match event {
            Event::Frame(Frame::Message(message)) => message,
            Event::Frame(Frame::Malformed(why)) => {
                console.say(&why);
                write_parse_error(&why)?;
                continue;
            }
            Event::Frame(Frame::End) => {
                return Ok(if server.is_shut_down() { Ended::Clean } else { Ended::WithoutShutdown });
            }
            Event::Disk(paths) => {
                server.disk_changed(&paths);
                continue;
            }
        };
        let (answers, next) = server.handle(message);
        for answer in answers {
            write(&answer)?;
        }
        match next {
            Next::Continue => {}
            Next::Exit => return Ok(if server.is_shut_down() { Ended::Clean } else { Ended::WithoutShutdown }),
        }
    }
}

/// Reads stdin on a thread of its own, which ends with the process.
fn listen(sender: Sender<Event>) {
    thread::spawn(move || {
        let mut input = io::stdin().lock();
        loop {
            let frame = framing::read(&mut input).unwrap_or(Frame::End);
            let is_end = matches!(frame, Frame::End);
            if sender.send(Event::Frame(frame)).is_err() || is_end {
                break;
            }
        }
    });
}

fn write(message: &Message) -> io::Result<()> {
    message.write(&mut io::stdout().lock())
}

/// Answers what has no id, as JSON-RPC wants it.
fn write_parse_error(why: &str) -> io::Result<()> {
    let error = serde_json::json!({ "code": ErrorCode::ParseError as i32, "message": why });
    let body = serde_json::json!({ "jsonrpc": "2.0", "id": null, "error": error }).to_string();
    let mut stdout = io::stdout().lock();
    io::Write::write_all(&mut stdout, format!("Content-Length: {}\r\n\r\n{body}", body.len()).as_bytes())?;
    io::Write::flush(&mut stdout)
}
