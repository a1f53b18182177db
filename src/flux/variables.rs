//! Variables of a substitution: what `ConfigMap`s and `Secret`s of the cluster provide.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use smol_str::SmolStr;

use crate::flux::kustomization::{
    FluxKustomization, ReferenceState, Substitution, SubstitutionFinding, SubstitutionProblem, Variable,
};
use crate::flux::read;
use crate::flux::substitute::is_variable_name;
use crate::flux::{FluxVersion, kustomization};
use crate::kube::{Gvk, NamespacedName, ObjectRef};
use crate::yaml::{Map, Node};

/// What one object provides.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Values {
    variables: BTreeMap<SmolStr, Variable>,
    /// Whether it may have other keys too, which only the cluster knows.
    open: bool,
}

/// Every `ConfigMap` and `Secret` of a cluster that is known, also those that other objects make.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Provided(BTreeMap<(SmolStr, NamespacedName), Values>);

impl Provided {
    /// Records `node` where it provides values; the first of a name counts.
    pub(crate) fn record(&mut self, node: &Node) {
        let Some((kind, name, values)) = read_values(node) else { return };
        let namespace = read::namespace(node);
        self.0.entry((kind, NamespacedName { namespace, name })).or_insert(values);
    }

    fn get(&self, kind: &SmolStr, name: &NamespacedName) -> Option<&Values> {
        self.0.get(&(kind.clone(), name.clone()))
    }
}

/// Fills in the variables of `owner`: `now` is what this pass found, `before` what the last one did.
pub(crate) fn resolve(owner: &mut FluxKustomization, now: &Provided, before: &Provided, version: FluxVersion) {
    let mut complete = true;
    let mut variables = BTreeMap::new();
    for reference in &mut owner.substitute_from {
        let name = NamespacedName { namespace: owner.id.namespace.clone(), name: reference.name.value.clone() };
        let found = now.get(&reference.kind, &name).or_else(|| before.get(&reference.kind, &name));
        let Some(values) = found else {
            reference.state = ReferenceState::Missing;
            // An optional one may well exist in the cluster: that is what it is for.
            complete = false;
            continue;
        };
        reference.state = ReferenceState::Found;
        complete &= !values.open;
        variables.extend(values.variables.iter().map(|(name, variable)| (name.clone(), variable.clone())));
    }
    for entry in owner.inline_variables().into_iter().flat_map(Map::iter) {
        let value = entry.value.as_str().unwrap_or("");
        variables.insert(entry.key.text().into(), Variable::known(value, Some(entry.key.span())));
    }
    let always = read::text(&owner.node, &["spec", "postBuild", "substituteStrategy"]);
    let always = always.is_some_and(|strategy| strategy.value == "Always");
    let has_post_build = owner.node.at(&["spec", "postBuild"]).is_some_and(|field| !field.is_null());
    let expects_more = owner.substitute_from.iter().any(|from| !from.optional) && !complete;
    owner.substitution = Substitution {
        active: has_post_build && (always || expects_more || !variables.is_empty()),
        strict: version.substitutes_strictly(),
        complete,
        findings: Vec::new(),
        variables,
    };
    owner.substitution.findings = invalid_names(owner);
}

fn invalid_names(owner: &FluxKustomization) -> Vec<SubstitutionFinding> {
    if !owner.substitution.active {
        return Vec::new();
    }
    let object = ObjectRef {
        group: kustomization::GROUP.into(),
        kind: "Kustomization".into(),
        namespace: owner.id.namespace.clone(),
        name: owner.id.name.clone(),
    };
    let invalid = owner.substitution.variables.iter().filter(|(name, _)| !is_variable_name(name));
    let finding = |(name, variable): (&SmolStr, &Variable)| SubstitutionFinding {
        problem: SubstitutionProblem::InvalidName { name: name.clone() },
        object: object.clone(),
        span: variable.span.unwrap_or(owner.span),
    };
    invalid.map(finding).collect()
}

/// Kinds of which [`read_values`] takes values.
const PROVIDERS: [(&str, &str); 4] =
    [("", "ConfigMap"), ("", "Secret"), ("bitnami.com", "SealedSecret"), ("external-secrets.io", "ExternalSecret")];

/// Returns whether objects of this group and kind may provide variables.
pub(crate) fn may_provide(group: &str, kind: &str) -> bool {
    PROVIDERS.contains(&(group, kind))
}

/// Returns kind and name of the `ConfigMap` or `Secret` that `node` is or makes, and its values.
fn read_values(node: &Node) -> Option<(SmolStr, SmolStr, Values)> {
    let kind = read::text(node, &["kind"])?.value;
    let group = Gvk::new(node.get("apiVersion").and_then(Node::as_str)?, &kind).group;
    let name = read::text(node, &["metadata", "name"])?.value;
    let (secret, mut values) = (SmolStr::new_static("Secret"), Values::default());
    match (group.as_str(), kind.as_str()) {
        ("", "ConfigMap") => {
            values.add(node.get("data"), |value| Some(value.to_owned()));
            Some((kind, name, values))
        }
        ("", "Secret") => {
            let encrypted = node.get("sops").is_some();
            let plain = |value: &str| (!(encrypted && value.starts_with("ENC["))).then(|| value.to_owned());
            values.add(node.get("data"), |value| decoded(&plain(value)?));
            values.add(node.get("stringData"), plain);
            values.variables.values_mut().for_each(|variable| variable.is_secret = true);
            Some((kind, name, values))
        }
        ("bitnami.com", "SealedSecret") => {
            values.add(node.at(&["spec", "encryptedData"]), |_| None);
            let target = read::text(node, &["spec", "template", "metadata", "name"]);
            Some((secret, target.map_or(name, |target| target.value), values))
        }
        ("external-secrets.io", "ExternalSecret") => {
            let spec = node.get("spec")?;
            for item in spec.items("data") {
                if let Some(key) = read::text(item, &["secretKey"]) {
                    let variable = Variable { value: None, span: Some(key.span), is_secret: true };
                    values.variables.insert(key.value, variable);
                }
            }
            values.open = !spec.items("dataFrom").is_empty() || spec.at(&["target", "template"]).is_some();
            let target = read::text(spec, &["target", "name"]);
            Some((secret, target.map_or(name, |target| target.value), values))
        }
        _ => None,
    }
}

impl Values {
    fn add(&mut self, data: Option<&Node>, read: impl Fn(&str) -> Option<String>) {
        for entry in data.and_then(Node::as_map).into_iter().flat_map(Map::iter) {
            let span = Some(entry.key.span());
            let value = read(entry.value.as_str().unwrap_or(""));
            let unknown = Variable { value: None, span, is_secret: false };
            let variable = value.map_or(unknown, |value| Variable::known(&value, span));
            self.variables.insert(entry.key.text().into(), variable);
        }
    }
}

/// Returns the text that base64 `value` holds; nothing where it is none.
fn decoded(value: &str) -> Option<String> {
    let compact: String = value.split_ascii_whitespace().collect();
    String::from_utf8(STANDARD.decode(compact).ok()?).ok()
}
