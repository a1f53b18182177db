//! `candles`: trades in, candles out.

use std::process::ExitCode;

fn main() -> ExitCode {
    workers::program::candles()
}
