//! `gitops-gen add`: one cluster, app or topic more, in gitops.yaml and everywhere that it has to be.

use serde_json::Value;

use crate::cli::console::Console;
use crate::cli::entry::{EntryArgs, Kind};
use crate::cli::init::assignment;
use crate::cli::update::{Generated, UpdateError};
use crate::cli::{CliError, Ended};

/// Add a cluster, an app or a topic to a generated repository
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    what: What,
}

/// What can be added.
#[derive(Debug, clap::Subcommand)]
enum What {
    /// Add a cluster: its directory, and its entry in gitops.yaml
    Cluster(Fields),
    /// Add an app: its base and overlays, its images, and its entry in gitops.yaml
    App(Fields),
    /// Add a topic, with the apps that write and read it
    Topic(Topic),
}

#[derive(Debug, clap::Args)]
struct Fields {
    #[command(flatten)]
    entry: EntryArgs,
    /// Set a field, such as `region=lon1` or `port=8080`; the others have their defaults
    #[arg(long = "set", value_name = "FIELD=VALUE", value_parser = assignment)]
    fields: Vec<(String, String)>,
}

#[derive(Debug, clap::Args)]
struct Topic {
    #[command(flatten)]
    fields: Fields,
    /// App that writes it; may be given several times
    #[arg(long = "produced-by", value_name = "APP")]
    producers: Vec<String>,
    /// App that reads it; may be given several times
    #[arg(long = "consumed-by", value_name = "APP")]
    consumers: Vec<String>,
}

/// Adds the entry.
pub(super) fn run(args: &Args, console: &Console) -> Result<Ended, CliError> {
    let (kind, fields) = match &args.what {
        What::Cluster(fields) => (Kind::Cluster, fields),
        What::App(fields) => (Kind::App, fields),
        What::Topic(topic) => (Kind::Topic, &topic.fields),
    };
    let name = &fields.entry.name;
    let mut generated = Generated::open(&fields.entry.directory, None, console)?;
    if kind.entries(&mut generated)?.contains_key(name) {
        return Err(kind.problem(name, "is there already").into());
    }
    let entry = generated.blueprint.entry_defaults(kind.parameter(), name);
    kind.entries(&mut generated)?.insert(name.clone(), Value::Object(entry));
    for (field, value) in &fields.fields {
        let path = format!("{}.{field}", kind.at(name));
        let answers = &mut generated.answers;
        generated.blueprint.assign(answers, &path, value).map_err(UpdateError::Parameter)?;
    }
    if let What::Topic(topic) = &args.what {
        for (field, apps) in [("produces", &topic.producers), ("consumes", &topic.consumers)] {
            for app in apps {
                name_in(&mut generated, app, field, name)?;
            }
        }
    }
    let plan = generated.plan()?;
    Ok(generated.carry_out(&plan, console)?)
}

/// Names `topic` in the list `field` of `app`.
fn name_in(generated: &mut Generated, app: &str, field: &str, topic: &str) -> Result<(), UpdateError> {
    let Some(Value::Object(fields)) = Kind::App.entries(generated)?.get_mut(app) else {
        return Err(Kind::App.problem(app, "is not there"));
    };
    match fields.entry(field).or_insert_with(|| Value::Array(Vec::new())) {
        Value::Array(topics) => topics.push(Value::from(topic)),
        _ => return Err(Kind::App.problem(app, &format!("has no list `{field}`"))),
    }
    Ok(())
}
