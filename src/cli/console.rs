//! The three standard streams and whether they are coloured.

use std::env;
use std::error::Error;
use std::io::{self, BufWriter, IsTerminal as _, Write as _};
use std::time::{SystemTime, UNIX_EPOCH};

use clap::ValueEnum;

use crate::config::Date;
use crate::report::Color;

/// When to colour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum ColorChoice {
    /// At a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Returns the day in UTC, where the machine's clock tells one.
pub(super) fn today() -> Option<Date> {
    Date::of_unix_time(SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_secs())
}

/// Where a command prints.
#[derive(Debug)]
pub(super) struct Console {
    /// Whether stdout takes colours.
    pub(super) color: Color,
    /// Whether stderr does.
    pub(super) talk_color: Color,
    stdout: io::Stdout,
    stderr: io::Stderr,
}

impl Console {
    /// Returns the streams of this process.
    pub(super) fn of_this_process(choice: ColorChoice) -> Self {
        let refused = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = env::var_os("TERM").is_some_and(|term| term == "dumb");
        let color = |is_terminal: bool| match choice {
            ColorChoice::Always => Color::Always,
            ColorChoice::Auto if is_terminal && !refused && !dumb => Color::Always,
            ColorChoice::Auto | ColorChoice::Never => Color::Never,
        };
        let (stdout, stderr) = (io::stdout(), io::stderr());
        Self { color: color(stdout.is_terminal()), talk_color: color(stderr.is_terminal()), stdout, stderr }
    }

    /// Prints data.
    pub(super) fn print(&self, data: &str) -> io::Result<()> {
        let mut stdout = self.stdout.lock();
        stdout.write_all(data.as_bytes())?;
        stdout.flush()
    }

    /// Prints data that is too much for one text: `write` is given stdout, and writes piece by piece.
    pub(super) fn stream(&self, write: impl FnOnce(&mut dyn io::Write) -> io::Result<()>) -> io::Result<()> {
        let mut stdout = BufWriter::new(self.stdout.lock());
        write(&mut stdout)?;
        stdout.flush()
    }

    /// Prints texts, each a YAML document, with `---` between them.
    pub(super) fn print_documents(&self, documents: &[Box<str>]) -> io::Result<()> {
        self.stream(|stdout| {
            for (at, document) in documents.iter().enumerate() {
                if at > 0 {
                    stdout.write_all(b"---\n")?;
                }
                stdout.write_all(document.as_bytes())?;
            }
            Ok(())
        })
    }

    /// Clears the terminal, where stdout is one.
    pub(super) fn clear(&self) -> io::Result<()> {
        if self.stdout.is_terminal() && env::var_os("TERM").is_none_or(|term| term != "dumb") {
            self.print("\x1b[2J\x1b[3J\x1b[H")?;
        }
        Ok(())
    }

    /// Says something to the person at the terminal; when nobody can hear it, nothing is lost.
    pub(super) fn say(&self, talk: &str) {
        drop(writeln!(self.stderr.lock(), "{talk}"));
    }

    /// Says why the work could not be done, with every cause on its line.
    pub(super) fn say_error(&self, error: &dyn Error) {
        let mut talk = format!("error: failed to {error}");
        let mut cause = error.source();
        while let Some(error) = cause {
            talk.push_str("\n  cause: ");
            talk.push_str(&error.to_string());
            cause = error.source();
        }
        self.say(&talk);
    }
}
