//! What `add`, `remove` and `rename` work on: one entry of a mapping of parameters.

use std::io::{self, IsTerminal as _};
use std::path::PathBuf;

use dialoguer::Confirm;
use serde_json::{Map, Value};

use crate::cli::console::Console;
use crate::cli::init::InitError;
use crate::cli::update::{Generated, Plan, UpdateError};
use crate::cli::{CliError, Ended};
use crate::generate::ParameterProblem;

/// A mapping of parameters whose entries can be added and removed by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Cluster,
    App,
    Topic,
}

impl Kind {
    /// Returns the name of the parameter.
    pub(super) fn parameter(self) -> &'static str {
        match self {
            Self::Cluster => "clusters",
            Self::App => "apps",
            Self::Topic => "topics",
        }
    }

    /// Returns what one entry is called.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Cluster => "cluster",
            Self::App => "app",
            Self::Topic => "topic",
        }
    }

    /// Returns the fields of an app that may hold the name of such an entry.
    pub(super) fn references(self) -> &'static [&'static str] {
        match self {
            Self::Cluster => &[],
            Self::App => &["calls"],
            Self::Topic => &["produces", "consumes"],
        }
    }

    /// Returns the parameter of the entry `name`.
    pub(super) fn at(self, name: &str) -> String {
        format!("{}.{name}", self.parameter())
    }

    /// Returns what is wrong with the entry `name`.
    pub(super) fn problem(self, name: &str, reason: &str) -> UpdateError {
        UpdateError::Parameter(ParameterProblem::of_name(self.at(name), reason))
    }

    /// Returns the mapping for change.
    pub(super) fn entries(self, generated: &mut Generated) -> Result<&mut Map<String, Value>, UpdateError> {
        let problem = |reason: &str| UpdateError::Parameter(ParameterProblem::of_value(self.parameter(), reason));
        let value =
            generated.answers.get_mut(self.parameter()).ok_or_else(|| problem("is none of this blueprint's"))?;
        value.as_object_mut().ok_or_else(|| problem("is no mapping"))
    }
}

/// Which entry, in which repository.
#[derive(Debug, clap::Args)]
pub(super) struct EntryArgs {
    /// Name of it
    pub(super) name: String,
    /// The repository
    #[arg(default_value = ".", value_name = "DIR")]
    pub(super) directory: PathBuf,
}

/// Shows what `plan` does and carries it out where a person agrees, or `yes` was given.
pub(super) fn confirm(
    generated: &Generated,
    plan: &Plan,
    prompt: Option<&str>,
    console: &Console,
) -> Result<Ended, CliError> {
    if let Some(prompt) = prompt {
        console.print(&plan.to_string())?;
        if !(io::stdin().is_terminal() && io::stderr().is_terminal()) {
            console.say("nothing is changed: --yes does it");
            return Ok(Ended::WithFindings);
        }
        if !Confirm::new().with_prompt(prompt).default(false).interact().map_err(InitError::Ask)? {
            return Ok(Ended::Clean);
        }
    }
    Ok(generated.carry_out(plan, console)?)
}
