//! The `gitops-gen` program; all of it is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    gitops_gen::cli::main()
}
