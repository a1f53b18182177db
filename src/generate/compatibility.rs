//! Which versions a repository pins, and which parameters cannot go together.
//!
//! The facts are data, `blueprints/versions.yaml`, each with its source and date: this module only draws the conclusions.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::diagnostic::pick;
use crate::generate::data::{self, FileError};
use crate::generate::parameters::ParameterProblem;
use crate::generate::template::{Engine, Values};
use crate::text::FileSet;

/// Name of the file of facts, in `blueprints/`.
const FILE: &str = "versions.yaml";

/// What every cluster provides by itself.
const KUBERNETES: &str = "kubernetes";

/// The facts, word for word.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Facts {
    /// What components need and provide, and how people call it.
    capabilities: BTreeMap<String, String>,
    components: BTreeMap<String, Component>,
    #[serde(rename = "kindNodes")]
    kind_nodes: BTreeMap<String, KindNode>,
    exclusions: Vec<Exclusion>,
}

/// The image of a node of kind.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct KindNode {
    image: String,
    source: String,
    date: String,
}

/// Software that some repositories run.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Component {
    title: String,
    /// An expression: the component is used when it holds.
    when: Option<String>,
    /// The preferred one first.
    releases: Vec<Release>,
}

/// One version of a component.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Release {
    version: String,
    #[serde(default)]
    needs: BTreeMap<String, Range>,
    #[serde(default)]
    provides: BTreeMap<String, String>,
    source: String,
    date: String,
}

/// Versions from one to another, both included with all that is below them: `1.36` takes in 1.36.4.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Range {
    from: String,
    to: String,
}

/// A combination of parameters that cannot work.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Exclusion {
    /// The parameter at fault.
    parameter: String,
    when: String,
    fact: String,
    source: String,
    date: String,
}

/// Why there are no versions for the parameters.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The parameters exclude each other; every reason at once.
    Parameters(Vec<ParameterProblem>),
    /// An expression of the facts asks for what is not there.
    Facts(String),
}

/// A component that the repository uses, at one version.
struct Chosen<'a> {
    name: &'a str,
    title: &'a str,
    release: &'a Release,
}

impl Facts {
    /// Returns the facts that this program brings along.
    pub(super) fn builtin() -> Result<Self, FileError> {
        Self::parse(include_str!("../../blueprints/versions.yaml"))
    }

    fn parse(text: &str) -> Result<Self, FileError> {
        let value = data::read(&FileSet::from_texts([(FILE, text)]), FILE)?;
        serde_path_to_error::deserialize(value).map_err(|error| FileError {
            path: FILE.to_owned(),
            line: None,
            reason: error.to_string(),
        })
    }

    /// Returns the version of each component, by its name, for `values`: those of the parameter `versions`, else the
    /// newest that goes with all others.
    pub(super) fn resolve(&self, engine: &Engine, scope: &Values) -> Result<Map<String, Value>, Refusal> {
        let values = scope.as_value();
        let mut problems = self.excluded(engine, scope)?;
        problems.extend(self.unknown_pins(values));
        if !problems.is_empty() {
            return Err(Refusal::Parameters(problems));
        }
        let used = self.used(engine, scope)?;
        let choices = used.iter().filter_map(|(name, component)| choose(name, component, &used, values));
        let chosen: Vec<Chosen<'_>> = choices.collect();
        problems.extend(self.conflicts(&chosen));
        problems.extend(self.conflicts_with_clusters(&chosen, values));
        if !problems.is_empty() {
            return Err(Refusal::Parameters(problems));
        }
        let newest = self.components.iter().filter_map(|(name, component)| {
            let version = component.releases.first()?.version.as_str();
            Some((name.clone(), Value::from(pin(values, name).unwrap_or(version))))
        });
        let mut versions: Map<String, Value> = newest.collect();
        versions.extend(chosen.iter().map(|one| (one.name.to_owned(), Value::from(one.release.version.as_str()))));
        Ok(versions)
    }

    /// Returns the image of the nodes of kind: that of the Kubernetes of the clusters in kind, which share one file; empty where
    /// there are none.
    ///
    /// # Errors
    /// A problem of the first cluster whose release has no image, or is another than that of the clusters before.
    pub(super) fn kind_node(&self, values: &Value) -> Result<&str, ParameterProblem> {
        let clusters = values.get("clusters").and_then(Value::as_object);
        let in_kind = clusters.into_iter().flatten().filter(|(_, cluster)| cluster["provider"] == "kind");
        let mut first: Option<(&str, &str, &str)> = None;
        for (name, cluster) in in_kind {
            let release = cluster["kubernetes"].as_str().unwrap_or_default();
            let problem = |reason: String| ParameterProblem::of_value(format!("clusters.{name}.kubernetes"), reason);
            let Some(node) = self.kind_nodes.get(release) else {
                let known: Vec<&str> = self.kind_nodes.keys().map(String::as_str).collect();
                let sourced = self.kind_nodes.values().next_back();
                let source = sourced.map(|node| format!(" ({}, {})", node.source, node.date)).unwrap_or_default();
                let known = known.join(", ");
                return Err(problem(format!("is {release}, but kind has images of nodes for {known}{source}")));
            };
            match first {
                None => first = Some((name, release, &node.image)),
                Some((other, others, _)) if others != release => {
                    return Err(problem(format!(
                        "is {release}, and `{other}`, made of the same kind/cluster.yaml, has {others}"
                    )));
                }
                Some(_) => {}
            }
        }
        Ok(first.map_or("", |(_, _, image)| image))
    }

    fn excluded(&self, engine: &Engine, values: &Values) -> Result<Vec<ParameterProblem>, Refusal> {
        let mut problems = Vec::new();
        for exclusion in &self.exclusions {
            if !engine.holds(&exclusion.when, values).map_err(Refusal::Facts)? {
                continue;
            }
            let Exclusion { parameter, fact, source, date, .. } = exclusion;
            let value = values.as_value().get(parameter).map_or_else(|| "not set".to_owned(), as_text);
            let reason = format!("is `{value}`, but {fact} ({source}, {date})");
            problems.push(ParameterProblem::of_value(parameter, reason));
        }
        Ok(problems)
    }

    /// Returns a problem for each entry of the parameter `versions` that names what is not known here.
    fn unknown_pins(&self, values: &Value) -> Vec<ParameterProblem> {
        let pins = values.get("versions").and_then(Value::as_object);
        let mut problems = Vec::new();
        for (name, version) in pins.into_iter().flatten() {
            let parameter = format!("versions.{name}");
            let Some(component) = self.components.get(name) else {
                let nearest = pick::nearest(name, self.components.keys().map(String::as_str));
                let hint = nearest.map_or_else(String::new, |known| format!("; `{known}` is"));
                problems.push(ParameterProblem::of_name(parameter, format!("is no component{hint}")));
                continue;
            };
            let known: Vec<&str> = component.releases.iter().map(|release| release.version.as_str()).collect();
            if !version.as_str().is_some_and(|version| known.contains(&version)) {
                let (is, known) = (as_text(version), known.join(" or "));
                let reason = format!("is {is}, of which nothing is known: {} is generated as {known}", component.title);
                problems.push(ParameterProblem::of_value(parameter, reason));
            }
        }
        problems
    }

    fn used(&self, engine: &Engine, values: &Values) -> Result<Vec<(&str, &Component)>, Refusal> {
        let mut used = Vec::new();
        for (name, component) in &self.components {
            let is_used = match &component.when {
                Some(when) => engine.holds(when, values).map_err(Refusal::Facts)?,
                None => true,
            };
            if is_used {
                used.push((name.as_str(), component));
            }
        }
        Ok(used)
    }

    /// Returns a problem for each need of a component that another one does not fit.
    fn conflicts(&self, chosen: &[Chosen<'_>]) -> Vec<ParameterProblem> {
        let mut problems = Vec::new();
        for asker in chosen {
            for (capability, range) in &asker.release.needs {
                let providers = chosen.iter().filter_map(|one| Some((one, one.release.provides.get(capability)?)));
                for (provider, provided) in providers.filter(|(_, provided)| !range.contains(provided)) {
                    let what = self.capabilities.get(capability).unwrap_or(capability);
                    let reason = format!(
                        "is {}, which brings {what} {provided}, but {}",
                        provider.release.version,
                        asker.says(what, range)
                    );
                    problems.push(ParameterProblem::of_value(format!("versions.{}", provider.name), reason));
                }
            }
        }
        problems
    }

    /// Returns a problem for each cluster whose version of Kubernetes a component does not run on.
    fn conflicts_with_clusters(&self, chosen: &[Chosen<'_>], values: &Value) -> Vec<ParameterProblem> {
        let what = self.capabilities.get(KUBERNETES).map_or(KUBERNETES, String::as_str);
        let clusters = values.get("clusters").and_then(Value::as_object);
        let mut problems = Vec::new();
        for (name, cluster) in clusters.into_iter().flatten() {
            let Some(version) = cluster.get(KUBERNETES).filter(|version| !version.is_null()).map(as_text) else {
                continue;
            };
            for one in chosen {
                let Some(range) = one.release.needs.get(KUBERNETES).filter(|range| !range.contains(&version)) else {
                    continue;
                };
                let parameter = format!("clusters.{name}.{KUBERNETES}");
                let reason = format!("is {version}, but {}", one.says(what, range));
                problems.push(ParameterProblem::of_value(parameter, reason));
            }
        }
        problems
    }
}

impl Chosen<'_> {
    /// Returns what the release says that it goes with, and where that is written.
    fn says(&self, what: &str, range: &Range) -> String {
        let Release { version, source, date, .. } = self.release;
        format!("{} {version} goes with {what} {} to {} ({source}, {date})", self.title, range.from, range.to)
    }
}

/// Returns the version that the parameter `versions` asks for.
fn pin<'a>(values: &'a Value, name: &str) -> Option<&'a str> {
    values.get("versions")?.get(name)?.as_str()
}

/// Returns the release that is asked for, else the first that fits the needs of the others, else the first.
fn choose<'a>(
    name: &'a str,
    component: &'a Component,
    used: &[(&str, &'a Component)],
    values: &Value,
) -> Option<Chosen<'a>> {
    let others = used.iter().filter(|(other, _)| *other != name).filter_map(|(other, component)| {
        let asked = pin(values, other);
        component.releases.iter().find(|release| asked.is_none_or(|asked| release.version == asked))
    });
    let needs: Vec<(&String, &Range)> = others.flat_map(|release| &release.needs).collect();
    let fits = |release: &&Release| {
        needs.iter().all(|(capability, range)| {
            release.provides.get(*capability).is_none_or(|provided| range.contains(provided))
        })
    };
    let asked = pin(values, name).and_then(|asked| component.releases.iter().find(|release| release.version == asked));
    let release = asked.or_else(|| component.releases.iter().find(fits)).or_else(|| component.releases.first())?;
    Some(Chosen { name, title: &component.title, release })
}

impl Range {
    fn contains(&self, version: &str) -> bool {
        let version = numbers(version);
        // Of the version only as many parts count as the bound has.
        let cut = |bound: &[u64]| -> Vec<u64> {
            (0..bound.len()).map(|part| version.get(part).copied().unwrap_or(0)).collect()
        };
        let (from, to) = (numbers(&self.from), numbers(&self.to));
        cut(&from) >= from && cut(&to) <= to
    }
}

/// Returns the parts of a version: `v1.36.4` is 1, 36 and 4. What follows the numbers is left out.
fn numbers(version: &str) -> Vec<u64> {
    let digits = |part: &str| part.chars().take_while(char::is_ascii_digit).collect::<String>();
    version.trim_start_matches('v').split('.').map_while(|part| digits(part).parse().ok()).collect()
}

fn as_text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::generate::builtin;

    /// Returns parameters with `changes` over those of a plain repository.
    fn parameters(changes: Value) -> Value {
        let mut values = json!({
            "provider": "digitalocean", "providers": ["digitalocean"], "gateway": "envoy", "mesh": "none", "dns": "manual", "domain": "example.com",
            "monitoring": "none", "scanner": "none", "scaler": "none", "secrets": "sops", "receiver": false,
            "kafka": {"enabled": false, "ui": false}, "postgres": {"enabled": false, "backups": null}, "valkey": {"enabled": false},
            "elasticsearch": {"enabled": false}, "clusters": {"fra1": {"kubernetes": null}}, "versions": {},
        });
        if let (Some(values), Value::Object(changes)) = (values.as_object_mut(), changes) {
            values.extend(changes);
        }
        values
    }

    fn resolve(changes: Value) -> Result<Map<String, Value>, Refusal> {
        Facts::builtin().expect("the facts are well-formed").resolve(&Engine::new(), &Values::from(parameters(changes)))
    }

    /// Returns the problems that `changes` make, as they are printed.
    fn problems(changes: Value) -> Vec<String> {
        match resolve(changes) {
            Err(Refusal::Parameters(problems)) => problems.iter().map(ToString::to_string).collect(),
            other => panic!("expected problems, found {other:?}"),
        }
    }

    #[test]
    fn a_plain_repository_takes_the_newest_of_each() {
        let versions = resolve(json!({})).unwrap();
        assert_eq!(versions["envoyGateway"], "v1.9.0");
        assert_eq!(versions["flux"], "2.9");
    }

    #[test]
    fn beside_linkerd_the_gateway_is_one_whose_api_linkerd_knows() {
        assert_eq!(resolve(json!({"mesh": "linkerd"})).unwrap()["envoyGateway"], "v1.8.3");
    }

    #[test]
    fn a_pinned_gateway_that_linkerd_does_not_know_is_refused_with_the_source() {
        let changes = json!({"mesh": "linkerd", "versions": {"envoyGateway": "v1.9.0"}});
        assert_eq!(
            problems(changes),
            [
                "`versions.envoyGateway` is v1.9.0, which brings Gateway API 1.6.1, but Linkerd 2026.8.3 goes with Gateway API \
              1.2.1 to 1.5.1 (https://linkerd.io/2-edge/features/gateway-api/, 2026-08-22)"
            ]
        );
    }

    #[test]
    fn a_kubernetes_that_flux_does_not_run_on_is_refused_by_every_component_that_says_so() {
        let found = problems(json!({"clusters": {"fra1": {"kubernetes": "1.37.0"}, "nyc1": {"kubernetes": "1.36.4"}}}));
        assert!(
            found.iter().all(|problem| problem.starts_with("`clusters.fra1.kubernetes` is 1.37.0, but ")),
            "{found:?}"
        );
        assert!(found.iter().any(|problem| problem.contains("Flux 2.9 goes with Kubernetes 1.34 to 1.36 (https://")));
        assert_eq!(found.len(), 3, "cert-manager, Envoy Gateway and Flux: {found:?}");
    }

    #[test]
    fn clusters_in_kind_share_one_image_of_their_kubernetes() {
        let facts = Facts::builtin().expect("the facts are well-formed");
        let said = |clusters: Value| {
            let values = json!({"clusters": clusters});
            let node = facts.kind_node(&values).map(str::to_owned);
            node.unwrap_or_else(|problem| problem.to_string())
        };
        let at = |provider: &str, release: &str| json!({"provider": provider, "kubernetes": release});
        assert!(said(json!({"a": at("eks", "1.36"), "b": at("kind", "1.35")})).starts_with("kindest/node:v1.35."));
        assert_eq!(said(json!({"a": at("eks", "1.20")})), "");
        let unknown = said(json!({"a": at("kind", "1.20")}));
        assert!(
            unknown.starts_with("`clusters.a.kubernetes` is 1.20, but kind has images of nodes for 1.34, 1.35, "),
            "{unknown}"
        );
        let two = said(json!({"a": at("kind", "1.36"), "b": at("kind", "1.35")}));
        assert_eq!(two, "`clusters.b.kubernetes` is 1.35, and `a`, made of the same kind/cluster.yaml, has 1.36");
    }

    #[test]
    fn each_exclusion_names_its_parameter_and_its_source() {
        let cases = [
            (json!({"gateway": "cilium", "provider": "eks"}), "`gateway` is `cilium`, but "),
            (json!({"gateway": "cilium", "providers": ["digitalocean", "gke"]}), "`gateway` is `cilium`, but "),
            (json!({"mesh": "linkerd", "gateway": "none"}), "`mesh` is `linkerd`, but "),
            (json!({"mesh": "linkerd", "gateway": "ingress-nginx"}), "`mesh` is `linkerd`, but "),
            (json!({"dns": "external-dns", "domain": "nip.io"}), "`dns` is `external-dns`, but "),
            (json!({"dns": "external-dns", "provider": "kind"}), "`dns` is `external-dns`, but "),
            (
                json!({"dns": "external-dns", "provider": "eks", "providers": ["eks", "gke"]}),
                "`dns` is `external-dns`, but ",
            ),
            (json!({"dns": "external-dns", "gateway": "none"}), "`dns` is `external-dns`, but "),
            (json!({"receiver": true, "gateway": "none"}), "`receiver` is `true`, but "),
        ];
        for (changes, beginning) in cases {
            let found = problems(changes.clone());
            assert!(
                matches!(found.as_slice(), [one] if one.starts_with(beginning) && one.contains("(https://")),
                "{changes}: {found:?}"
            );
        }
    }

    #[test]
    fn a_version_or_component_that_nobody_knows_is_refused() {
        assert_eq!(
            problems(json!({"versions": {"envoyGatway": "v1.9.0", "strimzi": "0.45.0"}})),
            [
                "`versions.envoyGatway` is no component; `envoyGateway` is",
                "`versions.strimzi` is 0.45.0, of which nothing is known: Strimzi is generated as 1.2.0",
            ]
        );
    }

    #[test]
    fn a_bound_takes_in_all_that_is_below_it() {
        let range = Range { from: "1.34".to_owned(), to: "1.36".to_owned() };
        let inside = ["1.34", "v1.34.0", "1.36.9", "1.35"];
        let outside = ["1.33.9", "1.37.0", "2.0", "1"];
        assert!(inside.iter().all(|version| range.contains(version)));
        assert!(!outside.iter().any(|version| range.contains(version)));
    }

    #[test]
    fn every_version_that_is_kept_is_pinned_by_a_template() {
        let library = builtin::library();
        let texts: String = library.iter().filter_map(|(path, _)| library.text(path)).collect();
        for name in Facts::builtin().unwrap().components.keys() {
            let is_pinned = ["}", ")"].iter().any(|end| texts.contains(&format!("versions.{name}{end}")));
            assert!(is_pinned, "{name}");
        }
    }

    #[test]
    fn every_fact_has_a_source_a_date_and_a_release() {
        let facts = Facts::builtin().unwrap();
        let is_dated = |date: &str| date.len() == 10 && date.split('-').count() == 3;
        for (name, component) in &facts.components {
            assert!(!component.releases.is_empty(), "{name}");
            for release in &component.releases {
                assert!(release.source.starts_with("https://") && is_dated(&release.date), "{name}");
                let named = release.needs.keys().chain(release.provides.keys());
                assert!(named.into_iter().all(|key| facts.capabilities.contains_key(key)), "{name}");
            }
        }
        assert!(facts.exclusions.iter().all(|one| one.source.starts_with("https://") && is_dated(&one.date)));
    }
}
