//! One graph of apps: who writes and reads which topic, who calls whom, who uses which data service.
//!
//! Topics, variables, network policies, layers and images are derived from it, so that they cannot disagree. What does not
//! fit together is told with the name of the parameter, and nothing is generated.

mod access;
mod app;
mod check;
mod cluster;
mod explain;
mod model;
mod peers;
mod place;
mod tags;
mod variables;

use serde_json::{Map, Value, json};

use crate::generate::graph::model::Fleet;
use crate::generate::parameters::ParameterProblem;

pub(super) use crate::generate::graph::explain::explain;
pub(super) use crate::generate::graph::place::prefix;
pub(super) use crate::generate::graph::tags::{Build, Release};

/// Returns `values`, the completed parameters of a fleet, with all that is derived from them.
///
/// # Errors
/// Everything that does not fit together, each with the name of its parameter.
pub(super) fn derive(mut values: Value) -> Result<Value, Vec<ParameterProblem>> {
    let fleet: Fleet = serde_path_to_error::deserialize(&values).map_err(|error| {
        vec![ParameterProblem::of_value(error.path().to_string(), format!("cannot be read: {}", error.inner()))]
    })?;
    let problems = check::problems(&fleet);
    if !problems.is_empty() {
        return Err(problems);
    }
    merge(&mut values, place::derived(&fleet.path));
    merge(&mut values, cluster::providers(&fleet));
    values["tags"] = fleet.tag_scheme.derived();
    // Some names cannot hold the `/` that a path of groups has.
    values["topGroup"] = Value::from(fleet.organisation.split('/').next().unwrap_or_default());
    values["gatewayRef"] = cluster::gateway(&fleet);
    for (name, cluster) in &fleet.clusters {
        merge(&mut values["clusters"][name], cluster::derived(&fleet, name, cluster));
    }
    for name in fleet.apps.keys() {
        merge(&mut values["apps"][name], app::derived(&fleet, name));
        if let Some(resources) = values["apps"][name]["resources"].as_object_mut() {
            resources.retain(|_, amounts| !amounts.is_null());
        }
    }
    for name in fleet.topics.keys() {
        merge(&mut values["topics"][name], app::topic(&fleet, name));
    }
    for (service, derived) in peers::services(&fleet) {
        merge(&mut values[service], derived);
    }
    let mut environments = Map::new();
    for environment in cluster::environments(&fleet) {
        let mut derived = cluster::environment(&fleet, environment);
        let of_apps = fleet.apps.keys().map(|name| {
            let mut of_app = values["apps"][name].clone();
            merge(&mut of_app, app::in_environment(&fleet, name, environment));
            (name.clone(), of_app)
        });
        derived["apps"] = Value::Object(of_apps.collect());
        environments.insert(environment.to_string(), derived);
    }
    values["environments"] = Value::Object(environments);
    values["features"] = app::features(&fleet);
    values["images"] = app::images(&fleet);
    values["contributions"] = json!({"hosts": app::hosts(&fleet)});
    Ok(values)
}

/// Returns the apps whose name something else of a cluster has: a layer, or a program that a block brings.
pub(super) fn check_names(values: &Value) -> Vec<ParameterProblem> {
    const OURS: [&str; 4] = ["flux-system", "infra-controllers", "infra-configs", "image-automation"];
    let contributed = ["layers", "apps"].into_iter().flat_map(|list| {
        let entries = values["contributions"][list].as_array();
        entries.into_iter().flatten().filter_map(|entry| entry["name"].as_str())
    });
    let taken: Vec<&str> = contributed.chain(OURS).collect();
    let apps = values["apps"].as_object().into_iter().flatten();
    let clash = |(name, _): (&String, &Value)| {
        let reason = "has the name of another part of the fleet: Flux would take the two for one";
        taken.contains(&name.as_str()).then(|| ParameterProblem::of_name(format!("apps.{name}"), reason))
    };
    apps.filter_map(clash).collect()
}

fn merge(target: &mut Value, fields: Value) {
    if let (Some(target), Value::Object(fields)) = (target.as_object_mut(), fields) {
        target.extend(fields);
    }
}

#[cfg(test)]
mod tests;
