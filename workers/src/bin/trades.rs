//! `trades`: an exchange in, trades out.

use std::process::ExitCode;

fn main() -> ExitCode {
    workers::program::trades()
}
