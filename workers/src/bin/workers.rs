//! `workers demo`: all of it in one process, to try it.

use std::process::ExitCode;

fn main() -> ExitCode {
    workers::program::workers()
}
