//! `gitops-gen remove`: one cluster, app or topic fewer, after a look at what goes.

use serde_json::Value;

use crate::cli::console::Console;
use crate::cli::entry::{self, EntryArgs, Kind};
use crate::cli::update::{Generated, UpdateError};
use crate::cli::{CliError, Ended};

/// Remove a cluster, an app or a topic from a generated repository, after showing what goes
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    what: What,
}

/// What can be removed.
#[derive(Debug, clap::Subcommand)]
enum What {
    /// Remove a cluster: its directory, and its entry in gitops.yaml
    ///
    /// Flux prunes nothing in it: what it reads is gone, so it stops. Delete the cluster itself, or `flux uninstall` there.
    Cluster(Removal),
    /// Remove an app: Flux prunes what it made of it, in every cluster
    App(Removal),
    /// Remove a topic, and its name from the apps that write and read it: Flux prunes it with all of its records
    Topic(Removal),
}

#[derive(Debug, clap::Args)]
struct Removal {
    #[command(flatten)]
    entry: EntryArgs,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
}

/// Removes the entry.
pub(super) fn run(args: &Args, console: &Console) -> Result<Ended, CliError> {
    let (kind, removal) = match &args.what {
        What::Cluster(removal) => (Kind::Cluster, removal),
        What::App(removal) => (Kind::App, removal),
        What::Topic(removal) => (Kind::Topic, removal),
    };
    let name = &removal.entry.name;
    let mut generated = Generated::open(&removal.entry.directory, None, console)?;
    if kind.entries(&mut generated)?.remove(name).is_none() {
        return Err(kind.problem(name, "is not there").into());
    }
    forget(&mut generated, kind, name)?;
    let plan = generated.plan()?;
    let prompt = format!("Remove {} {name}?", kind.word());
    entry::confirm(&generated, &plan, (!removal.yes).then_some(prompt.as_str()), console)
}

/// Takes `name` out of the lists of the apps that name it.
fn forget(generated: &mut Generated, kind: Kind, name: &str) -> Result<(), UpdateError> {
    for field in kind.references() {
        for app in Kind::App.entries(generated)?.values_mut() {
            let Some(fields) = app.as_object_mut() else { continue };
            if let Some(Value::Array(names)) = fields.get_mut(*field) {
                names.retain(|other| other != name);
                if names.is_empty() {
                    fields.remove(*field);
                }
            }
        }
    }
    Ok(())
}
